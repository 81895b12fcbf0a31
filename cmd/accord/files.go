package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"accord/exchange"
	"accord/node/founding"

	"github.com/urfave/cli/v2"
)

// What can be wrong with a file that a command reads or writes.
var (
	errFileLong = exchange.Define(exchange.KindInvalid, "CLI-020",
		exchange.Text{Zh: "文件 {path} 过大，上限 {limit} 字节", En: "{path} is longer than {limit} bytes"},
		exchange.Text{Zh: "检查是否给错了文件", En: "is it the right file?"})
	errFileThere = exchange.Define(exchange.KindInvalid, "CLI-021",
		exchange.Text{Zh: "文件 {path} 已经存在，没有覆盖", En: "{path} exists already and was not overwritten"},
		exchange.Text{Zh: "换一个文件名，或先删除它", En: "choose another name, or delete it first"})
)

// read reads a file whole, standard input for "-", up to limit bytes.
func (e *env) read(path string, limit int64) ([]byte, error) {
	in := e.Stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, errFileLong.With("path", path, "limit", limit)
	}
	return data, nil
}

// readAll reads several files.
func (e *env) readAll(paths []string, limit int64) ([][]byte, error) {
	var all [][]byte
	for _, path := range paths {
		data, err := e.read(path, limit)
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

// save writes a new file whole, for this user only, and never over another: a
// signature or an evidence file that is gone cannot be made again. "-" is
// standard output.
func (e *env) save(path string, data []byte) error {
	if path == "-" {
		return e.write(string(data))
	}
	return newFile(path, func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
}

// newFile makes a file under its name once it is whole and on the disk, and never over
// another.
func newFile(path string, fill func(f *os.File) error) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return errFileThere.With("path", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".accord-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err = fill(f); err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil { // unlike a rename, a link never replaces
		if errors.Is(err, fs.ErrExist) {
			return errFileThere.With("path", path)
		}
		return err
	}
	return founding.SyncFolder(filepath.Dir(path))
}

// savePaper writes a signed paper or a draft, as a line, to where --out says.
func (e *env) savePaper(c *cli.Context, text []byte) error {
	return e.save(c.String("out"), append(bytes.TrimSpace(text), '\n'))
}

// outFlag says where a new file goes; without a default it must be given.
func (e *env) outFlag(def string) cli.Flag {
	return &cli.StringFlag{Name: "out", Value: def, Required: def == "", Usage: e.outUsage()}
}

// outUsage is said by every command that writes a file.
func (e *env) outUsage() string {
	return e.t("写入新文件 `FILE`，不覆盖；- 为标准输出", "write to the new `FILE`, never over another; - is standard output")
}
