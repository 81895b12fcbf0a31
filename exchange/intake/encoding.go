package intake

import (
	"bytes"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/transform"
)

// badByte stands in decoded text for input that its encoding cannot mean. It
// never occurs in valid UTF-8, so utf8.ValidString tells which cell is hurt;
// the usual decoders put U+FFFD there, which a file may also really hold.
const badByte = 0xff

var (
	bomUTF8  = []byte{0xef, 0xbb, 0xbf}
	bomUTF16 = []byte{0xff, 0xfe}
)

// sampleBytes is how much of a file decides its encoding when nothing states it.
const sampleBytes = 64 << 10

// detect settles Auto by byte order mark, else by whether most lines of the
// beginning are valid UTF-8: one broken row must not decide for all. It returns the encoding and the length of the mark.
func detect(src io.ReaderAt, size int64, want Encoding) (Encoding, int64, error) {
	head := make([]byte, min(size, sampleBytes))
	if _, err := src.ReadAt(head, 0); err != nil && err != io.EOF {
		return "", 0, ErrRead.Wrap(err)
	}
	switch {
	case bytes.HasPrefix(head, bomUTF8) && (want == UTF8 || want == Auto):
		return UTF8, int64(len(bomUTF8)), nil
	case bytes.HasPrefix(head, bomUTF16) && (want == UTF16LE || want == Auto):
		return UTF16LE, int64(len(bomUTF16)), nil
	case want != Auto:
		return want, 0, nil
	}
	if int64(len(head)) < size { // do not judge a character that the sample cuts
		if end := bytes.LastIndexByte(head, '\n'); end >= 0 {
			head = head[:end]
		}
	}
	valid, invalid := 0, 0
	for line := range bytes.Lines(head) {
		switch {
		case asciiBytes(line) == len(line):
		case utf8.Valid(line):
			valid++
		default:
			invalid++
		}
	}
	if valid >= invalid {
		return UTF8, 0, nil
	}
	return GB18030, 0, nil
}

// lineDecoder turns one physical line into UTF-8 with badByte in place of what
// cannot be decoded. foreign says that the whole line is in another encoding.
func lineDecoder(e Encoding) func([]byte) (text string, foreign bool) {
	if e != GB18030 {
		// UTF-16 was transcoded before lines were cut.
		return func(line []byte) (string, bool) { return string(line), false }
	}
	decoder := simplifiedchinese.GB18030.NewDecoder()
	return func(line []byte) (string, bool) { return decodeGB18030(decoder, line) }
}

// foreignSequences is how many multi-byte sequences a line must have before
// being valid UTF-8 throughout means that it is UTF-8: a GB18030 character has
// a chance of about 1 in 12 to look like one.
const foreignSequences = 8

func decodeGB18030(decoder transform.Transformer, line []byte) (text string, foreign bool) {
	wide := len(line) - asciiBytes(line)
	if wide == 0 {
		return string(line), false
	}
	if wide >= 3*foreignSequences && utf8.Valid(line) {
		return string(line), true
	}
	decoder.Reset()
	if out, _, err := transform.Bytes(decoder, line); err == nil && !bytes.ContainsRune(out, utf8.RuneError) {
		return string(out), false
	}
	return decodeSlowly(decoder, line), false
}

// decodeSlowly goes character by character to mark exactly what is wrong. An
// ASCII byte is never swallowed by a broken character before it, so that cells
// stay where they are.
func decodeSlowly(decoder transform.Transformer, line []byte) string {
	out := make([]byte, 0, len(line)*3/2)
	var buf [8]byte
	for i := 0; i < len(line); {
		if line[i] < 0x80 {
			out = append(out, line[i])
			i++
			continue
		}
		n := sequenceGB18030(line[i:])
		if n == 0 {
			out = append(out, badByte)
			i++
			continue
		}
		decoder.Reset()
		w, _, err := decoder.Transform(buf[:], line[i:i+n], true)
		switch {
		case err != nil,
			string(buf[:w]) == "\uFFFD" && !bytes.Equal(line[i:i+n], []byte{0x84, 0x31, 0xa4, 0x37}):
			out = append(out, badByte)
		default:
			out = append(out, buf[:w]...)
		}
		i += n
	}
	return string(out)
}

// sequenceGB18030 is the length of the well-formed sequence b begins with, 0
// when there is none (GB 18030-2022 clause 5). 0x80 is the euro sign of Windows
// files, as in the WHATWG encoding standard.
func sequenceGB18030(b []byte) int {
	between := func(i int, lo, hi byte) bool { return len(b) > i && b[i] >= lo && b[i] <= hi }
	switch {
	case between(0, 0x80, 0x80):
		return 1
	case !between(0, 0x81, 0xfe):
		return 0
	case between(1, 0x40, 0x7e) || between(1, 0x80, 0xfe):
		return 2
	case between(1, 0x30, 0x39) && between(2, 0x81, 0xfe) && between(3, 0x30, 0x39):
		return 4
	}
	return 0
}

func asciiBytes(b []byte) (n int) {
	for _, c := range b {
		if c < 0x80 {
			n++
		}
	}
	return n
}

// utf16Reader transcodes UTF-16LE to UTF-8 with badByte for a lone surrogate or
// half a unit at the end.
type utf16Reader struct {
	src  io.Reader
	in   [4096]byte
	have int    // bytes of in not yet transcoded
	out  []byte // bytes ready to be read
	err  error
}

func (r *utf16Reader) Read(p []byte) (int, error) {
	for len(r.out) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		n, err := r.src.Read(r.in[r.have:])
		r.have += n
		r.err = err
		r.transcode()
	}
	n := copy(p, r.out)
	r.out = r.out[n:]
	return n, nil
}

func (r *utf16Reader) transcode() {
	out, i := r.out[:0], 0
	unit := func(at int) rune { return rune(r.in[at]) | rune(r.in[at+1])<<8 }
	for ; i+2 <= r.have; i += 2 {
		u := unit(i)
		switch {
		case u >= 0xd800 && u < 0xdc00:
			if i+4 > r.have {
				if r.err == nil {
					goto keep // the other half is still to come
				}
				out = append(out, badByte)
				continue
			}
			if v := unit(i + 2); v >= 0xdc00 && v < 0xe000 {
				out = utf8.AppendRune(out, 0x10000+(u-0xd800)<<10+(v-0xdc00))
				i += 2
				continue
			}
			out = append(out, badByte)
		case u >= 0xdc00 && u < 0xe000:
			out = append(out, badByte)
		default:
			out = utf8.AppendRune(out, u)
		}
	}
keep:
	if r.err != nil && i < r.have {
		out, i = append(out, badByte), r.have
	}
	r.have = copy(r.in[:], r.in[i:r.have])
	r.out = out
}
