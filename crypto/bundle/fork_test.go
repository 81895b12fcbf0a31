package bundle

import (
	"bytes"
	"testing"
)

// FuzzParseFork: what is read is what is written.
func FuzzParseFork(f *testing.F) {
	f.Add([]byte(`{"format":"accord-fork/1","federation":"x","charter":{"signatures":["a.b.c"]},"notes":["1","2"],"links":[{"from":0,"to":1,"root":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","proof":[]}]}`))
	f.Add([]byte(`{"format":"accord-fork/1"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		fork, err := ParseFork(data)
		if err != nil {
			return
		}
		again, err := fork.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseFork(again)
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := back.Marshal(); err != nil || !bytes.Equal(twice, again) {
			t.Fatalf("not one spelling: %v", err)
		}
		if VerifyFork(data, Options{}).OK {
			t.Fatal("a fork is proven by nobody's signature")
		}
	})
}

func TestVerifyFileKnowsItsFormats(t *testing.T) {
	for name, c := range map[string]struct{ file, check string }{
		"a bundle":      {`{"format":"accord-bundle/1"}`, CheckForm},
		"a fork":        {`{"format":"accord-fork/1"}`, CheckForkForm},
		"an inclusion":  {"c2sp.org/tlog-proof@v1\n", CheckProofForm},
		"a consistency": {"accord/tlog-consistency@v1\n", CheckProofForm},
		"nothing":       {"", CheckForm},
	} {
		r := VerifyFile([]byte(c.file), Options{})
		if r.OK || len(r.Checks) != 1 || r.Checks[0].Name != c.check || r.Checks[0].Text.Zh == "" || r.Checks[0].Text.En == "" {
			t.Errorf("%s: %+v", name, r.Checks)
		}
	}
}
