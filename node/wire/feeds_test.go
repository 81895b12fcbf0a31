package wire

import (
	"testing"

	"accord/crypto/strictjson"
)

// Documents go over the wire by the million: the short way of writing and reading a
// line must be the encoder's, in every line.
func TestLinesOfDocumentsAreTheEncoders(t *testing.T) {
	for _, d := range []FeedDocument{{}, {Index: 7, Document: "aA0-_.b"}, {Index: 0, Document: "x"}, {Index: 1, Document: `a"b`}, {Index: 2, Document: "a\\b"},
		{Index: 3, Lack: "withheld", Category: "complaint", Namespace: "org", Catalogue: 2}, {Index: 4, Document: "x", Lack: "erased"}, {Index: -1, Document: "x"}, {Index: 5, Document: "\xff"}} {
		want, werr := strictjson.Marshal(d)
		got, err := d.Line()
		if string(got) != string(want) || (err == nil) != (werr == nil) {
			t.Errorf("%+v is %s, %v instead of %s, %v", d, got, err, want, werr)
		}
		if err != nil {
			continue
		}
		if back, err := ParseFeedDocument(got); err != nil || back != d {
			t.Errorf("%s is read as %+v, %v", got, back, err)
		}
	}
	for _, line := range []string{``, `{}x`, `{"index":1,"document":"a","catalogue":0}`, `{"index":1,"document":"a","more":1}`, `{"index":1,"document":"a"} {}`, `{"index":01,"document":"a"}`, `{"index":1,"index":2}`, `{"Index":1}`} {
		var d FeedDocument
		if _, err := ParseFeedDocument([]byte(line)); (err == nil) != (strictjson.Unmarshal([]byte(line), &d) == nil) {
			t.Errorf("%s: %v", line, err)
		}
	}
}
