package records

import (
	"bytes"
	"crypto/rand"
	"testing"

	"accord/crypto/seal"
	"accord/crypto/strictjson"
)

// What is stored by the million is written without looking at types; it must be what
// the encoder writes, since it is read back by the decoder and told apart by digests.
func TestSealedFieldsAreWrittenAsTheEncoderDoes(t *testing.T) {
	sealer, err := seal.NewSealer(bytes.Repeat([]byte{7}, seal.KeySize), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var fields []SealedField
	for _, name := range []string{"id_number", "phone"} {
		box, err := sealer.Seal(seal.Binding{Record: "r", Field: name, Digest: "d"}, []byte("639900199000000000"))
		if err != nil {
			t.Fatal(err)
		}
		fields = append(fields, SealedField{Field: name, Digest: "digest-" + name, Sealed: box})
	}
	for _, apart := range []bool{false, true} {
		var rows []sealedJSON
		for i := range fields {
			row := sealedJSON{Field: fields[i].Field, Digest: fields[i].Digest, Sealed: &fields[i].Sealed}
			if apart {
				row.Sealed, row.Box = nil, fields[i].Sealed.Box
			}
			rows = append(rows, row)
		}
		want, err := strictjson.Marshal(rows)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := plainSealed(fields, apart)
		if !ok || !bytes.Equal(got, want) {
			t.Errorf("apart %v: %s instead of %s", apart, got, want)
		}
		if back, err := decodeSealed(string(got)); err != nil || len(back) != 2 || !bytes.Equal(back[1].Sealed.Box, fields[1].Sealed.Box) {
			t.Errorf("read back: %d fields, %v", len(back), err)
		}
	}
	for _, odd := range []SealedField{{Field: "a", Digest: "d", Erased: true}, {Field: "a", Digest: `d"`, Sealed: fields[0].Sealed}, {Field: "a", Digest: "d"}} {
		if _, ok := plainSealed([]SealedField{odd}, false); ok {
			t.Errorf("%+v is written the short way", odd.Digest)
		}
	}
}
