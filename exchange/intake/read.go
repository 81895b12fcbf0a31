package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"iter"
	"os"
	"sync/atomic"
	"time"

	"accord/exchange"
	"accord/exchange/catalogue"
)

// Options are what reading needs beside file, mapping and catalogue.
type Options struct {
	// AsOf is the day on which "future" and retention are judged. It is required.
	AsOf time.Time
	// KeyHash digests the framed key and content of a row; nil is SHA-256 in hex.
	// A store that must not let row keys be guessed passes an HMAC. It may not keep
	// its argument.
	KeyHash func([]byte) string
	// Register, when set, answers whether a register holds what a row refers to.
	Register Register
}

// Reader reads one file by one mapping.
type Reader struct {
	src      io.ReaderAt
	size     int64
	mapping  *Mapping
	bindings []*binding
	opts     Options
	digest   [sha256.Size]byte
	report   Report

	given atomic.Int64 // rows so far
	sheet atomic.Int64 // rows up to the end of the sheet being read, as far as it says
	reach atomic.Int64 // how far into a text file the reading is
}

// Open checks the mapping against the catalogue and the file's format. Rows are
// read by Rows. src must not be written to meanwhile; if it is, Rows ends with
// ErrChanged.
func Open(src io.ReaderAt, size int64, m *Mapping, doc *catalogue.Document, opts Options) (*Reader, error) {
	if opts.AsOf.IsZero() || src == nil || size < 0 {
		return nil, exchange.ErrInternal.Wrap(errors.New("intake: AsOf, src and size are required"))
	}
	if opts.KeyHash == nil {
		opts.KeyHash = func(b []byte) string {
			sum := sha256.Sum256(b)
			return hex.EncodeToString(sum[:])
		}
	}
	r := &Reader{src: src, size: size, mapping: m, opts: opts}
	for i := range m.Tables {
		b, err := bind(m, &m.Tables[i], doc, opts)
		if err != nil {
			return nil, err
		}
		r.bindings = append(r.bindings, b)
	}
	if err := checkMagic(src, size, m.File.Format); err != nil {
		return nil, err
	}
	var err error
	r.digest, err = fileDigest(src, size)
	return r, err
}

// Read is Open and Rows in one.
func Read(ctx context.Context, src io.ReaderAt, size int64, m *Mapping, doc *catalogue.Document, opts Options) (*Reader, iter.Seq2[*Row, error], error) {
	r, err := Open(src, size, m, doc, opts)
	if err != nil {
		return nil, nil, err
	}
	return r, r.Rows(ctx), nil
}

// OpenFile opens the file at path; the caller closes the returned file after
// the last row.
func OpenFile(path string, m *Mapping, doc *catalogue.Document, opts Options) (*Reader, io.Closer, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, ErrRead.Wrap(err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		return nil, nil, ErrRead.Wrap(errors.Join(err, f.Close()))
	}
	r, err := Open(f, info.Size(), m, doc, opts)
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return r, f, nil
}

// Digest is the SHA-256 of the file, in hex: the same file twice is known by it.
func (r *Reader) Digest() string { return hex.EncodeToString(r.digest[:]) }

// Report is what the rows given so far came to.
func (r *Reader) Report() *Report { return &r.report }

// Expected is about how many rows there are in all, 0 while nobody can know: of
// text by how much of the file the rows so far took, of a workbook's sheet by
// its own count. It may be called from any goroutine while the rows are read.
func (r *Reader) Expected() int {
	done := r.given.Load()
	if r.mapping.File.Format == XLSX {
		return int(max(r.sheet.Load(), done))
	}
	reach := r.reach.Load()
	if reach <= 0 || done == 0 {
		return 0
	}
	return int(max(int64(float64(done)*float64(r.size)/float64(min(reach, r.size))), done))
}

// farther notes how far a file was read.
type farther struct {
	src   io.ReaderAt
	reach *atomic.Int64
}

func (f farther) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.src.ReadAt(p, off)
	if end := off + int64(n); end > f.reach.Load() {
		f.reach.Store(end)
	}
	return n, err
}

// Rows gives every data record once, in the file's order, sheets in the
// mapping's. An error ends the sequence; what was given before it stands, but a
// caller that wants all or nothing stores only after the end.
func (r *Reader) Rows(ctx context.Context) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		r.report = Report{}
		r.given.Store(0)
		r.reach.Store(0)
		for _, b := range r.bindings {
			more, err := r.table(ctx, b, yield)
			if err != nil {
				yield(nil, err)
				return
			}
			if !more {
				return
			}
		}
		if now, err := fileDigest(r.src, r.size); err != nil || now != r.digest {
			if err == nil {
				err = ErrChanged.With()
			}
			yield(nil, err)
		}
	}
}

func (r *Reader) table(ctx context.Context, b *binding, yield func(*Row, error) bool) (more bool, err error) {
	src, closeSource, err := r.open(ctx, b)
	if err != nil {
		return false, err
	}
	defer closeSource()
	j := newJudge(b)
	for n := 0; ; n++ {
		if n%256 == 0 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		rec, err := src.next()
		if err == io.EOF {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		row, err := j.row(ctx, rec)
		if err != nil {
			return false, err
		}
		r.report.add(row)
		r.given.Add(1)
		if !yield(row, nil) {
			return false, nil
		}
	}
}

// open makes the source of a table, and says how to let go of it.
func (r *Reader) open(ctx context.Context, b *binding) (source, func(), error) {
	f := r.mapping.File
	if f.Format == XLSX {
		rows, err := openChildSheet(ctx, r.src, r.size, b.table)
		if err != nil {
			return nil, nil, err
		}
		r.sheet.Store(r.given.Load() + int64(max(rows.total-b.table.HeaderRow-b.table.HeaderRows+1, 0)))
		src, err := newTabular(rows, b.table, true)
		if err != nil {
			rows.close()
			return nil, nil, err
		}
		return src, rows.close, nil
	}
	src, err := r.openText(ctx, b)
	return src, func() {}, err
}

func (r *Reader) openText(ctx context.Context, b *binding) (source, error) {
	f, from := r.mapping.File, farther{r.src, &r.reach}
	switch f.Format {
	case NDJSON:
		lines, err := newLines(ctx, from, r.size, UTF8)
		if err != nil {
			return nil, err
		}
		return newJSONSource(lines, b.table), nil
	case JSON:
		elements, err := newJSONElements(ctx, from, r.size, f.Encoding, b.table.Rows)
		if err != nil {
			return nil, err
		}
		return newJSONSource(elements, b.table), nil
	case XML:
		return newXMLSource(ctx, from, r.size, f, b.table)
	}
	lines, err := newLines(ctx, from, r.size, f.Encoding)
	if err != nil {
		return nil, err
	}
	csv := &csvSource{lines: lines, separator: f.Separator[0], repair: f.Quotes == "repair"}
	return newTabular(&csvRows{csv: csv, headerRow: b.table.HeaderRow}, b.table, false)
}

// Beginnings of files that are often renamed into one another.
var (
	magicZip = "PK\x03\x04"
	magicOLE = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" // .xls, and encrypted .xlsx
)

// checkMagic refuses a file whose beginning contradicts the mapping's format,
// whatever its name is.
func checkMagic(src io.ReaderAt, size int64, format FileFormat) error {
	head := make([]byte, min(size, 8))
	if _, err := src.ReadAt(head, 0); err != nil && err != io.EOF {
		return ErrRead.Wrap(err)
	}
	is := func(magic string) bool { return len(head) >= len(magic) && string(head[:len(magic)]) == magic }
	wrong := func(why string) error { return ErrFormat.With("format", string(format), "why", why) }
	switch {
	case is(magicOLE):
		return wrong("xls / encrypted")
	case format == XLSX && !is(magicZip):
		return wrong("no zip")
	case format != XLSX && is(magicZip):
		return wrong("zip / xlsx")
	}
	return nil
}

func fileDigest(src io.ReaderAt, size int64) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	n, err := io.Copy(h, io.NewSectionReader(src, 0, size))
	if err != nil {
		return sum, ErrRead.Wrap(err)
	}
	if n != size {
		return sum, ErrChanged.With()
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}
