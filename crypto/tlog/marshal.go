package tlog

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"
)

// treeMagic opens a stored tree and names its version.
const treeMagic = "accord-tree/1\n"

const treeHeader = len(treeMagic) + 8 + HashSize

// WriteTo writes the tree: the line "accord-tree/1", the size (8 bytes, big
// endian), the root, and the leaf hashes in order. Interior hashes are not
// written: reading them back would mean either trusting or recomputing them.
func (v View) WriteTo(w io.Writer) (int64, error) {
	bw := bufio.NewWriterSize(w, 1<<16)
	root := v.Root()
	head := binary.BigEndian.AppendUint64([]byte(treeMagic), uint64(v.size))
	head = append(head, root[:]...)
	written, err := bw.Write(head)
	total := int64(written)
	for i := int64(0); i < v.size && err == nil; i++ {
		leaf := v.at(tlog.StoredHashIndex(0, i))
		written, err = bw.Write(leaf[:])
		total += int64(written)
	}
	if err == nil {
		err = bw.Flush()
	}
	return total, err
}

// ReadTree reads what View.WriteTo wrote, from exactly the bytes it wrote and
// no further. Every interior hash is computed anew and the result must have
// the root that the header claims; a tree larger than maxSize leaves is refused
// before its leaves are read.
func ReadTree(r io.Reader, maxSize int64) (*Tree, error) {
	head := make([]byte, treeHeader)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, fmt.Errorf("%w tree: header: %w", ErrFormat, err)
	}
	if string(head[:len(treeMagic)]) != treeMagic {
		return nil, fmt.Errorf("%w tree: unknown format", ErrFormat)
	}
	size := binary.BigEndian.Uint64(head[len(treeMagic):])
	root := Hash(head[len(treeMagic)+8:])
	if size > MaxSize || int64(size) > maxSize {
		return nil, fmt.Errorf("%w: stored tree has %d leaves, at most %d are read", ErrRange, size, maxSize)
	}
	t := new(Tree)
	body := io.LimitReader(r, int64(size)*HashSize)
	br := bufio.NewReaderSize(body, 1<<16)
	for i := uint64(0); i < size; i++ {
		var leaf Hash
		if _, err := io.ReadFull(br, leaf[:]); err != nil {
			return nil, fmt.Errorf("%w tree: leaf %d: %w", ErrFormat, i, err)
		}
		t.Append(leaf)
	}
	if t.Root() != root {
		return nil, fmt.Errorf("%w: stored tree does not have its stated root", ErrProof)
	}
	return t, nil
}

// MarshalBinary is WriteTo into memory.
func (v View) MarshalBinary() ([]byte, error) {
	var buf bytes.Buffer
	buf.Grow(treeHeader + int(v.size)*HashSize)
	_, err := v.WriteTo(&buf)
	return buf.Bytes(), err
}

// UnmarshalTree reads what MarshalBinary wrote, with the checks of ReadTree;
// trailing data is refused.
func UnmarshalTree(data []byte) (*Tree, error) {
	r := bytes.NewReader(data)
	t, err := ReadTree(r, int64(len(data)/HashSize))
	if err != nil {
		return nil, err
	}
	if r.Len() != 0 {
		return nil, fmt.Errorf("%w tree: trailing data", ErrFormat)
	}
	return t, nil
}
