package tlog

import (
	"bytes"
	"testing"
)

func FuzzParseCheckpoint(f *testing.F) {
	f.Add(testCheckpoint().Text())
	f.Add("go.sum database tree\n6476701\nmb8QLQIs0Z0yP5Cstq6guj87oXWeC9gEM8oVikmm9Wk=\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCheckpoint(text)
		if err == nil && c.Text() != text {
			t.Errorf("%q reads as %q", text, c.Text())
		}
		if err != nil && c != (Checkpoint{}) {
			t.Error("error with a result")
		}
	})
}

func FuzzParseKey(f *testing.F) {
	f.Add("sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")
	f.Add("accord/qinghai/member/regulator+7cadbb19+BNdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea")
	f.Fuzz(func(t *testing.T, vkey string) {
		k, err := ParseKey(vkey)
		if err == nil && k.String() != vkey {
			t.Errorf("%q reads as %q", vkey, k)
		}
	})
}

func FuzzParseSignature(f *testing.F) {
	f.Add("— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=")
	f.Fuzz(func(t *testing.T, line string) {
		s, err := ParseSignature(line)
		if err == nil && s.String() != line {
			t.Errorf("%q reads as %q", line, s)
		}
	})
}

// FuzzOpen: a note that opens prints back byte for byte, so two different notes
// are never the same evidence.
func FuzzOpen(f *testing.F) {
	a, b := testSigner(f, "a"), testSigner(f, "b")
	c := testCheckpoint()
	f.Add(signed(f, c, a))
	f.Add(signed(f, c, a, b))
	f.Add(signed(f, c, b))
	f.Fuzz(func(t *testing.T, msg []byte) {
		got, err := Open(msg, c.Origin, a.Key())
		if err != nil {
			if got != nil {
				t.Error("error with a result")
			}
			return
		}
		if got.Checkpoint != c {
			t.Errorf("believed %+v", got.Checkpoint)
		}
		if !bytes.HasPrefix(msg, []byte(c.Text()+"\n"+sigPrefix)) || len(got.Signatures) != 1 {
			t.Errorf("opened %q", msg)
		}
		for _, s := range got.Unknown {
			if !bytes.Contains(msg, []byte(s.String()+"\n")) {
				t.Errorf("unknown signature %q is not on the note", s)
			}
		}
	})
}

func FuzzParsePolicy(f *testing.F) {
	f.Add([]byte("witness a accord/qinghai/member/regulator+7cadbb19+BNdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea url\ngroup g 1 a\nquorum g\n"))
	f.Add([]byte("log sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8\nquorum none\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParsePolicy(data)
		if err != nil {
			if p != nil {
				t.Error("error with a result")
			}
			return
		}
		again, err := ParsePolicy([]byte(p.String()))
		if err != nil || again.String() != p.String() {
			t.Errorf("canonical form does not survive: %v\n%s", err, p)
		}
	})
}

func FuzzParseProofFile(f *testing.F) {
	p, _, _ := testProof(f)
	text, _ := p.MarshalText()
	f.Add(text)
	p.Extra = []byte("extra")
	text, _ = p.MarshalText()
	f.Add(text)
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParseProofFile(data)
		if err != nil {
			if p != nil {
				t.Error("error with a result")
			}
			return
		}
		if again, err := p.MarshalText(); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%q reads as %q, %v", data, again, err)
		}
	})
}

func FuzzParseTilePath(f *testing.F) {
	f.Add("tile/0/x001/x234/067")
	f.Add("tile/entries/000.p/112")
	f.Fuzz(func(t *testing.T, path string) {
		if tile, err := ParseTilePath(path); err == nil && tile.Path() != path {
			t.Errorf("%q reads as %q", path, tile.Path())
		}
	})
}

func FuzzParseEntryBundle(f *testing.F) {
	f.Add([]byte{0, 1, 'a', 0, 0}, 2)
	f.Fuzz(func(t *testing.T, data []byte, width int) {
		entries, err := ParseEntryBundle(data, width)
		if err != nil {
			if entries != nil {
				t.Error("error with a result")
			}
			return
		}
		if again, err := EntryBundle(entries); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%x reads as %x, %v", data, again, err)
		}
	})
}

func FuzzUnmarshalTree(f *testing.F) {
	for _, n := range []int64{0, 1, 5} {
		data, _ := testTree(n).View().MarshalBinary()
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tree, err := UnmarshalTree(data)
		if err != nil {
			if tree != nil {
				t.Error("error with a result")
			}
			return
		}
		if again, err := tree.View().MarshalBinary(); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%x reads as %x, %v", data, again, err)
		}
	})
}

func FuzzUnmarshalFrontier(f *testing.F) {
	for _, n := range []int64{0, 1, 5, 300} {
		data, _ := testTree(n).View().Frontier().MarshalBinary()
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var fr Frontier
		if fr.UnmarshalBinary(data) != nil {
			return
		}
		if again, err := fr.MarshalBinary(); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%x reads as %x, %v", data, again, err)
		}
		fr.Root()
	})
}
