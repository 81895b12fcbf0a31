package intake

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"sync"
	"time"

	"accord/crypto/strictjson"
)

// A workbook is an archive of compressed XML that somebody else made. It is
// opened in a child process: this very program, started again under a name that
// no command has, with the file as its standard input and limits set before the
// first byte is read. The child can use so much memory and time and open
// nothing; its rows come back through a pipe in one framing. Whatever the file
// does to the child, this process gets an error.
const childName = "accord-read-workbook"

// Limits of the child (reliability.md D55).
const (
	childMemory   = 512 << 20 // bytes of address space and data beyond those of the empty program
	childCPU      = 30        // seconds of processor time
	childPatience = 2 * time.Minute
)

// childRequest is what a child is asked, on file descriptor 3.
type childRequest struct {
	Op         string      `json:"op"` // rows, begin or return
	Sheet      string      `json:"sheet"`
	HeaderRow  int         `json:"header_row"`
	HeaderRows int         `json:"header_rows"`
	Give       *childGiven `json:"give,omitempty"` // of return
	Memory     int64       `json:"memory"`
	CPU        int         `json:"cpu"`
}

// maxRequest bounds what is asked, in bytes: the findings of a sheet that is full of them.
const maxRequest = 64 << 20

// childLimits can be lowered by tests.
type childLimits struct {
	memory   int64
	cpu      int
	patience time.Duration // for which the child may be silent while it is waited for
}

var limitsOfChild = childLimits{memory: childMemory, cpu: childCPU, patience: childPatience}

// childProbe is what tests do inside a child that is confined.
var childProbe func() error

func init() {
	if len(os.Args) > 0 && os.Args[0] == childName {
		os.Exit(childMain())
	}
}

// childMain is the child's whole life.
func childMain() int {
	out := &frameWriter{w: os.Stdout}
	if err := childRun(out); err != nil {
		if out.failed(err) != nil {
			return 3
		}
		return 1
	}
	return 0
}

func childRun(out *frameWriter) error {
	in := os.NewFile(3, "request")
	data, err := io.ReadAll(io.LimitReader(in, maxRequest+1))
	if err != nil || len(data) > maxRequest {
		return ErrChild.With("why", "it was asked what it does not know")
	}
	var req childRequest
	if err := strictjson.Unmarshal(data, &req); err != nil {
		return ErrChild.With("why", "it was asked what it does not know")
	}
	info, err := os.Stdin.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return ErrChild.With("why", "it was not given a file")
	}
	debug.SetMemoryLimit(req.Memory * 3 / 4)
	debug.SetGCPercent(50)
	if err := confine(req.Memory, req.CPU); err != nil {
		return ErrChild.With("why", "its limits cannot be set: "+err.Error())
	}
	ctx := context.Background() // the parent ends the process
	if childProbe != nil && req.Op == "probe" {
		return childProbe()
	}
	if req.Op == "begin" {
		wb, err := openWorkbook(os.Stdin, info.Size())
		if err != nil {
			return err
		}
		all, err := wb.beginnings(ctx)
		if err != nil {
			return err
		}
		return out.beginnings(all)
	}
	if req.Op == "return" && req.Give != nil {
		return req.Give.run(ctx, out, os.Stdin, info.Size())
	}
	s, err := openSheet(ctx, os.Stdin, info.Size(), &Table{Sheet: req.Sheet, HeaderRow: req.HeaderRow, HeaderRows: req.HeaderRows})
	if err != nil {
		return err
	}
	return out.sheet(s)
}

// child is a running child as its parent sees it.
type child struct {
	cmd    *exec.Cmd
	out    *os.File
	errs   bytes.Buffer // bounded by boundedWriter
	frames frameReader
	once   sync.Once // its end is seen once
}

// startChild starts a child on a file. Its environment is empty.
func startChild(ctx context.Context, src io.ReaderAt, size int64, req childRequest) (*child, error) {
	if size > maxWorkbookBytes {
		return nil, ErrLimit.With("limit", "50 MiB")
	}
	file, closeFile, err := asFile(src, size)
	if err != nil {
		return nil, err
	}
	defer closeFile()
	limits := limitsOfChild
	req.Memory, req.CPU = limits.memory, limits.cpu
	ask, err := strictjson.Marshal(req)
	if err != nil {
		return nil, ErrSheet.With("sheet", listed([]string{req.Sheet}))
	}
	if len(ask) > maxRequest {
		return nil, ErrLimit.With("limit", "64 MiB")
	}
	reqR, reqW, err := os.Pipe()
	if err != nil {
		return nil, ErrRead.Wrap(err)
	}
	defer reqR.Close()
	defer reqW.Close()
	outR, outW, err := os.Pipe()
	if err != nil {
		return nil, ErrRead.Wrap(err)
	}
	defer outW.Close()
	c := &child{out: outR}
	c.cmd = &exec.Cmd{Path: ownProgram(), Args: []string{childName}, Env: []string{}, Stdin: file, Stdout: outW,
		Stderr: &boundedWriter{w: &c.errs, left: 16 << 10}, ExtraFiles: []*os.File{reqR}, WaitDelay: 5 * time.Second}
	if err := c.cmd.Start(); err != nil {
		return nil, ErrRead.Wrap(errors.Join(err, outR.Close()))
	}
	c.frames = frameReader{r: &patientReader{f: outR, ctx: ctx, patience: limits.patience}}
	if _, err := reqW.Write(ask); err != nil {
		c.close()
		return nil, c.why(err)
	}
	return c, nil
}

// asFile is the file behind a reader, or a copy of it that has no name: a child
// can only be given a file.
func asFile(src io.ReaderAt, size int64) (*os.File, func(), error) {
	if f, ok := src.(*os.File); ok {
		return f, func() {}, nil
	}
	f, err := os.CreateTemp("", ".accord-workbook-*")
	if err != nil {
		return nil, nil, ErrRead.Wrap(err)
	}
	_, err = io.Copy(f, io.NewSectionReader(src, 0, size))
	if rm := os.Remove(f.Name()); err == nil {
		err = rm
	}
	if err != nil {
		return nil, nil, ErrRead.Wrap(errors.Join(err, f.Close()))
	}
	return f, func() { _ = f.Close() }, nil
}

// close ends the child, whatever it is doing.
func (c *child) close() {
	c.once.Do(func() {
		_ = c.cmd.Process.Kill() // it may be gone already
		_ = c.cmd.Wait()         // how it ended stands in ProcessState
		_ = c.out.Close()
	})
}

// patientReader reads a pipe that may be silent for a given time; the time that
// the reader of its data takes does not count. How long a child works in all is
// bounded by its processor time and not by a clock, which says little on a busy
// machine.
type patientReader struct {
	f        *os.File
	ctx      context.Context
	patience time.Duration
}

// patientStep is how often a cancelled context is noticed.
const patientStep = time.Second

func (r *patientReader) Read(p []byte) (int, error) {
	for left := r.patience; ; {
		if err := r.ctx.Err(); err != nil {
			return 0, err
		}
		if left <= 0 {
			return 0, os.ErrDeadlineExceeded
		}
		start := time.Now()
		if err := r.f.SetReadDeadline(start.Add(min(left, patientStep))); err != nil {
			return 0, err
		}
		n, err := r.f.Read(p)
		left -= time.Since(start)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
	}
}

// boundedWriter keeps the beginning of what is written.
type boundedWriter struct {
	w    io.Writer
	left int
}

func (b *boundedWriter) Write(p []byte) (int, error) {
	keep := p[:min(len(p), b.left)]
	b.left -= len(keep)
	if _, err := b.w.Write(keep); err != nil {
		return 0, err
	}
	return len(p), nil
}
