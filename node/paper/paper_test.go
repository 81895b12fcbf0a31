package paper_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"accord/crypto/bundle"
	"accord/exchange"
	"accord/node/paper"

	"rsc.io/qr/coding"
)

// The QR of a report's code is small enough to read from a printer's paper: a module
// is at least 0.8 mm where the symbol is 42 mm wide.
func TestTheSymbolIsCoarse(t *testing.T) {
	svg, err := paper.Drawn(strings.Repeat("a", bundle.PaperSize))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(svg), `viewBox="0 0 53 53"`) {
		t.Errorf("%.200s", svg)
	}
	if version := coding.Version(7); version.DataBytes(coding.M) < bundle.PaperSize {
		t.Errorf("%d bytes", version.DataBytes(coding.M))
	}
	for _, bad := range []string{"", "A1", strings.Repeat("A", bundle.PaperSize+1)} {
		if _, err := paper.Drawn(bad); err == nil {
			t.Errorf("%d characters are drawn", len(bad))
		}
	}
}

// What does not verify is not drawn.
func TestNothingUnverifiedIsDrawn(t *testing.T) {
	for _, file := range []string{"", "{}", `{"format":"accord-bundle/1","federation":"x"}`} {
		var page bytes.Buffer
		if err := paper.Write(&page, []byte(file), exchange.Zh, paper.Titles{}, time.Now()); !errors.Is(err, paper.ErrNoReport) || page.Len() > 0 {
			t.Errorf("%q: %v", file, err)
		}
	}
}
