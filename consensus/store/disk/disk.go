// Package disk is the little a store asks of a file system, so that a test can
// stand in for the disk and fail, hang, fill up or lose power at every single
// call.
//
// Its one idea: durability is spelled out. Bytes are durable after [File.Sync],
// names after [FS.SyncDir], and nothing else is: whoever stands in for the disk
// may forget the rest.
package disk

import (
	"errors"
	"io"
	"time"
)

// ErrFull: the file system has no room. Only what was asked for failed; what is
// on disk already is as good as before.
var ErrFull = errors.New("disk: no space left")

// FS is one directory. Names have no separators.
type FS interface {
	// Make makes the directory, private to its owner, if it is not there.
	Make() error
	// Lock takes the directory for this process until the closer is closed.
	Lock() (io.Closer, error)
	// Open opens a file that exists, for reading and writing.
	Open(name string) (File, error)
	// Create makes an empty file, in place of one that may be there.
	Create(name string) (File, error)
	// Rename gives a file another name, in place of one that may have it.
	Rename(from, to string) error
	Remove(name string) error
	// List gives the names here, in order; fs.ErrNotExist without a directory.
	List() ([]string, error)
	// Modified is when a file was last written.
	Modified(name string) (time.Time, error)
	// SyncDir makes all names of the directory durable.
	SyncDir() error
	// Space is what is left for us and what there is altogether, in bytes.
	Space() (free, total uint64, err error)
}

// File is one open file.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Size() (int64, error)
	// Reserve makes the file size bytes long, zeros where nothing was written,
	// and takes the room for them now, so that writing inside needs none. If it is
	// blanked it was also written over, which costs as much as any writing: a sync of
	// what is written there later is then one of data alone. See Piece.
	Reserve(size int64, blanked bool) error
	// Sync makes the file's bytes and size durable. After it has failed nobody
	// knows what is on disk; it must not be called again.
	Sync() error
}
