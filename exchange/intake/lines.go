package intake

import (
	"bufio"
	"context"
	"errors"
	"io"
)

// Limits of text files.
const (
	maxLineBytes    = 1 << 20   // a longer physical line is refused as a row
	maxRecordBytes  = 1 << 20   // a record of several lines is given up beyond this
	maxTextFileSize = 4 << 30   // bytes
	maxRows         = 5_000_000 // data records of one table
)

// line is one physical line, decoded, without its end.
type line struct {
	text   string
	number int    // 1-based
	fault  string // kind of finding that makes the whole line unusable
}

// lines cuts a file into physical lines. Lines can be put back, which is how
// reading goes on behind a quotation mark that is never closed.
type lines struct {
	ctx    context.Context
	in     *bufio.Reader
	decode func([]byte) (string, bool)
	number int
	back   []line // put back, next one last
}

func newLines(ctx context.Context, src io.ReaderAt, size int64, want Encoding) (*lines, error) {
	if size > maxTextFileSize {
		return nil, ErrLimit.With("limit", "4 GiB")
	}
	encoding, skip, err := detect(src, size, want)
	if err != nil {
		return nil, err
	}
	var in io.Reader = io.NewSectionReader(src, skip, size-skip)
	if encoding == UTF16LE {
		in = &utf16Reader{src: in}
	}
	return &lines{ctx: ctx, in: bufio.NewReaderSize(in, 64<<10), decode: lineDecoder(encoding)}, nil
}

// next gives the next line, io.EOF at the end.
func (l *lines) next() (line, error) {
	if n := len(l.back); n > 0 {
		ln := l.back[n-1]
		l.back = l.back[:n-1]
		return ln, nil
	}
	if l.number%1024 == 0 && l.ctx.Err() != nil {
		return line{}, l.ctx.Err()
	}
	raw, long, err := l.read()
	if err != nil {
		return line{}, err
	}
	l.number++
	ln := line{number: l.number}
	foreign := false
	if ln.text, foreign = l.decode(raw); foreign {
		ln.fault = "bad_encoding"
	}
	if long {
		ln.fault = "line_too_long"
	}
	return ln, nil
}

// read gives the bytes of one line without LF or CRLF, at most maxLineBytes of
// them. The last line may lack its end.
func (l *lines) read() (raw []byte, long bool, err error) {
	for {
		part, err := l.in.ReadSlice('\n')
		if room := maxLineBytes + 2 - len(raw); len(part) > room {
			part, long = part[:room], true
		}
		raw = append(raw, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == io.EOF && len(raw) == 0 && !long:
			return nil, false, io.EOF
		case err != nil && err != io.EOF:
			return nil, false, ErrRead.Wrap(err)
		}
		break
	}
	if n := len(raw); n > 0 && raw[n-1] == '\n' {
		raw = raw[:n-1]
	}
	if n := len(raw); n > 0 && raw[n-1] == '\r' {
		raw = raw[:n-1]
	}
	if len(raw) > maxLineBytes {
		raw, long = raw[:maxLineBytes], true
	}
	return raw, long, nil
}

// putBack returns lines so that next gives them again, in order.
func (l *lines) putBack(again []line) {
	for i := len(again) - 1; i >= 0; i-- {
		l.back = append(l.back, again[i])
	}
}
