package agency

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// idCache remembers what the holders of the blinding key made of numbers, so that an
// import does not ask again. It is one file of slots, a hash table on the disk: a slot
// is a tag, which is a keyed digest of epoch and number, and the output sealed under
// the tag. Both keys come from the storage key: the file alone tells no number, and
// not which number an id belongs to. A slot that does not open is an empty one. What
// is lost of it is asked for again.
type idCache struct {
	tagKey []byte
	aead   cipher.AEAD
	path   string

	mu    sync.Mutex
	file  *os.File // guarded by mu, like all below
	slots int64
	used  int64
}

const (
	tagSize     = sha256.Size
	outputKept  = 32 // bytes of an output: what an id is made of
	slotSize    = tagSize + outputKept + 16
	firstSlots  = 1 << 10
	cacheProbes = 64 // places in which a tag is looked for
)

func openIDCache(path string, storage []byte) (*idCache, error) {
	block, err := aes.NewCipher(derive(storage, "accord/id-cache-seal/1"))
	if err != nil {
		return nil, err
	}
	c := &idCache{tagKey: derive(storage, "accord/id-cache-tag/1"), path: path}
	if c.aead, err = cipher.NewGCM(block); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	if c.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, err
	}
	info, err := c.file.Stat()
	if err == nil && (info.Size() == 0 || info.Size()%slotSize != 0 || !powerOfTwo(info.Size()/slotSize)) {
		err = c.file.Truncate(0)
		if err == nil {
			err = c.file.Truncate(firstSlots * slotSize)
		}
		c.slots = firstSlots
	} else if err == nil {
		c.slots = info.Size() / slotSize
		c.used, err = c.count()
	}
	if err != nil {
		c.file.Close()
		return nil, err
	}
	return c, nil
}

func powerOfTwo(n int64) bool { return n > 0 && n&(n-1) == 0 }

// count reads which slots are taken.
func (c *idCache) count() (used int64, err error) {
	err = c.each(func([]byte) error { used++; return nil })
	return used, err
}

// each shows every slot that is taken.
func (c *idCache) each(do func(slot []byte) error) error {
	buf := make([]byte, 1024*slotSize)
	for at := int64(0); at < c.slots*slotSize; at += int64(len(buf)) {
		n, err := c.file.ReadAt(buf, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		for i := 0; i+slotSize <= n; i += slotSize {
			if slot := buf[i : i+slotSize]; [tagSize]byte(slot[:tagSize]) != [tagSize]byte{} {
				if err := do(slot); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (c *idCache) close() error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.file.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		return err
	}
	return nil
}

func (c *idCache) tag(epoch int, input []byte) []byte {
	mac := hmac.New(sha256.New, c.tagKey)
	mac.Write([]byte(strconv.Itoa(epoch) + "\n"))
	mac.Write(input)
	return mac.Sum(nil)
}

func (c *idCache) get(epoch int, input []byte) ([]byte, bool) {
	tag := c.tag(epoch, input)
	c.mu.Lock()
	defer c.mu.Unlock()
	_, slot, err := c.find(tag)
	if err != nil || slot == nil {
		return nil, false
	}
	output, err := c.aead.Open(nil, tag[:c.aead.NonceSize()], slot[tagSize:], tag)
	return output, err == nil
}

// find gives the slot of a tag, or the place where it belongs.
func (c *idCache) find(tag []byte) (at int64, slot []byte, err error) {
	first := int64(binary.BigEndian.Uint64(tag) & uint64(c.slots-1))
	buf := make([]byte, slotSize)
	for i := range int64(cacheProbes) {
		at = (first + i) & (c.slots - 1)
		if _, err := c.file.ReadAt(buf, at*slotSize); err != nil {
			return 0, nil, err
		}
		switch {
		case hmac.Equal(buf[:tagSize], tag):
			return at, buf, nil
		case [tagSize]byte(buf[:tagSize]) == [tagSize]byte{}:
			return at, nil, nil
		}
	}
	return -1, nil, nil
}

// put keeps an output. One tag always seals one output, so its start can be the nonce.
func (c *idCache) put(epoch int, input, output []byte) error {
	tag := c.tag(epoch, input)
	slot := c.aead.Seal(append([]byte(nil), tag...), tag[:c.aead.NonceSize()], output[:outputKept], tag)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.used*2 >= c.slots {
		if err := c.grow(); err != nil {
			return err
		}
	}
	return c.place(slot)
}

func (c *idCache) place(slot []byte) error {
	at, had, err := c.find(slot[:tagSize])
	if err != nil || at < 0 { // a crowded neighbourhood: it is asked for again
		return err
	}
	if _, err := c.file.WriteAt(slot, at*slotSize); err != nil {
		return err
	}
	if had == nil {
		c.used++
	}
	return nil
}

// grow writes all slots into a file four times as large.
func (c *idCache) grow() error {
	file, err := os.OpenFile(c.path+".new", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	wide := &idCache{path: c.path, file: file, slots: c.slots * 4}
	if err = file.Truncate(wide.slots * slotSize); err == nil {
		err = c.each(wide.place)
	}
	if err == nil {
		err = os.Rename(c.path+".new", c.path)
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	old := c.file
	c.file, c.slots, c.used = wide.file, wide.slots, wide.used
	return old.Close()
}
