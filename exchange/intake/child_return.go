package intake

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"strings"
)

// childGiven is a workbook that is given back with its findings: where they go, and they.
type childGiven struct {
	Tables []childTable `json:"tables"`
	Notes  []Note       `json:"notes"`
}

type childTable struct {
	Sheet      string `json:"sheet"`
	HeaderRow  int    `json:"header_row"`
	HeaderRows int    `json:"header_rows"`
}

// returnByChild has a child write the workbook: to put a column into it, it has to be
// opened like one that is read.
func returnByChild(ctx context.Context, w io.Writer, src io.ReaderAt, size int64, m *Mapping, notes []Note) error {
	give := childGiven{Notes: make([]Note, len(notes))}
	for i := range m.Tables {
		t := &m.Tables[i]
		give.Tables = append(give.Tables, childTable{t.Sheet, t.HeaderRow, t.HeaderRows})
	}
	for i, n := range notes {
		n.Text = strings.ToValidUTF8(n.Text, "?")
		give.Notes[i] = n
	}
	c, err := startChild(ctx, src, size, childRequest{Op: "return", Give: &give})
	if err != nil {
		return err
	}
	defer c.close()
	written := uint64(0)
	for {
		kind, payload, err := c.frames.next()
		switch {
		case err != nil:
			return c.why(err)
		case kind == frameError:
			return c.why(childError(payload))
		case kind == frameEnd && len(payload) == 8 && binary.BigEndian.Uint64(payload) == written:
			return nil
		case kind != frameBytes:
			return c.why(errFrame)
		}
		if _, err := w.Write(payload); err != nil {
			return err
		}
		written += uint64(len(payload))
	}
}

// run is what the child does about it.
func (g *childGiven) run(ctx context.Context, out *frameWriter, src io.ReaderAt, size int64) error {
	m := &Mapping{File: File{Format: XLSX}}
	for _, t := range g.Tables {
		m.Tables = append(m.Tables, Table{Sheet: t.Sheet, HeaderRow: t.HeaderRow, HeaderRows: t.HeaderRows})
	}
	frames := &byteFrames{out: out}
	w := bufio.NewWriterSize(frames, fullFrame)
	if err := returnWorkbook(ctx, w, src, size, m, g.Notes); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return out.send(frameEnd, binary.BigEndian.AppendUint64(nil, frames.sent))
}

// byteFrames sends what is written as frames of bytes.
type byteFrames struct {
	out  *frameWriter
	sent uint64
}

func (b *byteFrames) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		some := rest[:min(len(rest), fullFrame)]
		if err := b.out.send(frameBytes, some); err != nil {
			return 0, err
		}
		b.sent, rest = b.sent+uint64(len(some)), rest[len(some):]
	}
	return len(p), nil
}
