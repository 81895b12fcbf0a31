package intake

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"

	"accord/exchange"
)

// jsonElements gives the members of one array of a JSON document, each as the
// text it is written in, so that a broken row costs itself only. Around the
// array it is strict: what is no JSON, or names the array twice, is an error of
// the whole file. Memory is bounded by one member.
type jsonElements struct {
	ctx    context.Context
	in     *bufio.Reader
	path   []string
	number int // line of the next byte, from 1
	opened bool
	ended  bool
	buf    strings.Builder
}

func newJSONElements(ctx context.Context, src io.ReaderAt, size int64, want Encoding, rows string) (*jsonElements, error) {
	if size > maxTextFileSize {
		return nil, ErrLimit.With("limit", "4 GiB")
	}
	encoding, skip, err := detect(src, size, want)
	if err != nil {
		return nil, err
	}
	var in io.Reader = io.NewSectionReader(src, skip, size-skip)
	switch encoding {
	case UTF16LE:
		in = &utf16Reader{src: in}
	case GB18030:
		l, err := newLines(ctx, src, size, encoding)
		if err != nil {
			return nil, err
		}
		in = &linesReader{lines: l}
	}
	e := &jsonElements{ctx: ctx, in: bufio.NewReaderSize(in, 64<<10), number: 1}
	if rows != "" {
		e.path = strings.Split(rows, ".")
	}
	return e, nil
}

// linesReader is decoded lines as a stream again.
type linesReader struct {
	lines *lines
	rest  string
}

func (r *linesReader) Read(p []byte) (int, error) {
	for r.rest == "" {
		ln, err := r.lines.next()
		if err != nil {
			return 0, err
		}
		if ln.fault == "line_too_long" {
			return 0, ErrLimit.With("limit", "1 MiB")
		}
		r.rest = ln.text + "\n"
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// next gives the next member of the array.
func (e *jsonElements) next() (line, error) {
	if e.ctx.Err() != nil {
		return line{}, e.ctx.Err()
	}
	if e.ended {
		return line{}, io.EOF
	}
	first := !e.opened
	if first {
		if err := e.open(); err != nil {
			return line{}, err
		}
		e.opened = true
	}
	c, err := e.space()
	switch {
	case err != nil:
		return line{}, err
	case c == ']':
		e.ended = true
		_, _ = e.byte()
		if err := e.tail(); err != nil {
			return line{}, err
		}
		return line{}, io.EOF
	case !first && c != ',':
		return line{}, notJSON()
	case !first:
		_, _ = e.byte()
		if _, err := e.space(); err != nil {
			return line{}, err
		}
	}
	ln := line{number: e.number}
	var long bool
	if ln.text, long, err = e.value(); err != nil {
		return line{}, err
	}
	if ln.text == "" && !long {
		return line{}, notJSON()
	}
	if long {
		ln.fault = "line_too_long"
	}
	return ln, nil
}

func notJSON() error { return ErrDamaged.With("where", "JSON") }

// open goes down the path to the first byte inside the array.
func (e *jsonElements) open() error {
	for _, name := range e.path {
		if err := e.expect('{'); err != nil {
			return err
		}
		for first := true; ; first = false {
			if !first {
				if err := e.expect(','); err != nil {
					return ErrHeader.With("missing", listed([]string{strings.Join(e.path, ".")}), "extra", "-")
				}
			}
			found, err := e.name()
			if err != nil {
				return err
			}
			if found == name {
				break
			}
			if _, err := e.space(); err != nil {
				return err
			}
			if _, _, err := e.value(); err != nil {
				return err
			}
		}
	}
	return e.expect('[')
}

// tail reads what stands behind the array: other members, never the same again.
func (e *jsonElements) tail() error {
	for level := len(e.path) - 1; level >= 0; {
		c, err := e.space()
		if err != nil {
			return err
		}
		_, _ = e.byte()
		switch c {
		case '}':
			level--
		case ',':
			name, err := e.name()
			if err != nil {
				return err
			}
			if name == e.path[level] {
				return notJSON()
			}
			if _, err := e.space(); err != nil {
				return err
			}
			if _, _, err := e.value(); err != nil {
				return err
			}
		default:
			return notJSON()
		}
	}
	for {
		switch c, err := e.byte(); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case strings.IndexByte(" \t\r\n", c) < 0:
			return notJSON()
		}
	}
}

// name reads a member's name and the colon behind it.
func (e *jsonElements) name() (string, error) {
	if c, err := e.space(); err != nil || c != '"' {
		return "", errors.Join(err, notJSON())
	}
	text, long, err := e.value()
	if err != nil || long {
		return "", errors.Join(err, notJSON())
	}
	w := &walker{in: text}
	name := w.str()
	if w.fatal != "" {
		return "", notJSON()
	}
	return name, e.expect(':')
}

func (e *jsonElements) expect(want byte) error {
	c, err := e.space()
	if err != nil {
		return err
	}
	if c != want {
		return notJSON()
	}
	_, _ = e.byte()
	return nil
}

// space passes white space and shows the byte behind it.
func (e *jsonElements) space() (byte, error) {
	for {
		c, err := e.byte()
		switch {
		case err == io.EOF:
			return 0, notJSON()
		case err != nil:
			return 0, err
		case strings.IndexByte(" \t\r\n", c) < 0:
			return c, e.unread(c)
		}
	}
}

func (e *jsonElements) byte() (byte, error) {
	c, err := e.in.ReadByte()
	if c == '\n' && err == nil {
		e.number++
	}
	var known *exchange.Error
	if err != nil && err != io.EOF && !errors.As(err, &known) {
		err = ErrRead.Wrap(err)
	}
	return c, err
}

func (e *jsonElements) unread(c byte) error {
	if c == '\n' {
		e.number--
	}
	return e.in.UnreadByte()
}

// value reads one value as it is written, by brackets and strings alone; long
// says that it is longer than a row may be, and was passed over.
func (e *jsonElements) value() (text string, long bool, err error) {
	e.buf.Reset()
	depth, quoted, escaped := 0, false, false
	for {
		c, err := e.byte()
		if err == io.EOF {
			if depth > 0 || quoted {
				return "", false, notJSON()
			}
			break
		}
		if err != nil {
			return "", false, err
		}
		if !quoted && depth == 0 && strings.IndexByte(",]} \t\r\n:", c) >= 0 {
			if err := e.unread(c); err != nil {
				return "", false, err
			}
			break
		}
		if e.buf.Len() < maxRecordBytes {
			e.buf.WriteByte(c)
		} else {
			long = true
		}
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped, quoted = c == '\\', c != '"'
		case c == '"':
			quoted = true
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		if !quoted && depth == 0 && (c == '"' || c == '}' || c == ']') {
			break
		}
	}
	return e.buf.String(), long, nil
}
