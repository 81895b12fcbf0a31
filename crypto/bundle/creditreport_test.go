package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"accord/crypto/cryptotest"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/sdjwt"
)

const testDays = 30

// reported is a file with a report on a subject that is on the black list and has one
// record. change may alter the report before it is signed.
func reported(tb testing.TB, change func(*CreditReport)) *Bundle {
	tb.Helper()
	f, b := answered(tb, nil)
	b.Documents = b.Documents[:1]
	record, _ := f.document("association", sdjwt.TypRecord, func(c map[string]any) {
		c["jti"], c["sub"], c["vct"] = "record-0000000000000001", testSubject, "record/penalty"
	})
	b.AddDocument(KindRecord, record+"~")
	sum := sha256.Sum256([]byte(record))
	_, check := answered(tb, nil)
	t, err := jws.Parse(check.Documents[1].SDJWT)
	if err != nil {
		tb.Fatal(err)
	}
	c := &CreditReport{Purpose: "approval", Documents: []ReportRecord{{Record: "record-0000000000000001", Category: "penalty", Author: "association", IssuedAt: testTime, Digest: hex.EncodeToString(sum[:])}}}
	if err := json.Unmarshal(t.Payload, &c.CreditCheck); err != nil {
		tb.Fatal(err)
	}
	c.Ledger, c.Hits[0].Seq = CheckLedger{Size: f.ledger.Size(), Root: f.ledger.Root().String(), At: testTime}, *b.Documents[0].RestsOn
	c.ValidUntil = c.IssuedAt + testDays*86400
	if change != nil {
		change(c)
	}
	key := cryptotest.Key(c.Issuer, keys.Attest)
	token := must(jws.SignKind(key, ReportKind, must(json.Marshal(c))(tb)))(tb)
	code := must(SignPaper(key, c, token))(tb)
	b.Documents = append(b.Documents, Document{Kind: KindReport, SDJWT: token, Paper: code})
	return b
}

func code(b *Bundle) string { return b.Documents[len(b.Documents)-1].Paper }

// TestAReportVerifies: offline, with what it says of its own expiry.
func TestAReportVerifies(t *testing.T) {
	b := reported(t, nil)
	for _, c := range []struct {
		now     int64
		expired bool
	}{{0, false}, {testTime, false}, {testTime + testDays*86400_000 - 1000, false}, {testTime + testDays*86400_000, true}} {
		r := Verify(marshal(t, b), Options{Now: c.now})
		if !r.OK {
			t.Fatalf("%s: %+v", failed(r), r.Checks)
		}
		d := r.Documents[len(r.Documents)-1]
		if d.Report == nil || d.Report.Subject != testSubject || d.Expired != c.expired || len(d.Report.Documents) != 1 {
			t.Errorf("%+v", d)
		}
		for lang, word := range map[string]string{"zh": "已过有效期", "en": "EXPIRED"} {
			var out strings.Builder
			if err := Render(&out, r, lang); err != nil || strings.Contains(out.String(), word) != c.expired || !strings.Contains(out.String(), "black") {
				t.Errorf("%s: %s", lang, out.String())
			}
		}
	}
}

func TestAReportThatSaysMoreThanItsFile(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*CreditReport)
		want   string
	}{
		"a record that is not there": {func(c *CreditReport) {
			c.Documents = append(c.Documents, ReportRecord{Record: "record-0000000000000009"})
		}, CheckAnswer},
		"a record left out": {func(c *CreditReport) { c.Documents = nil }, CheckAnswer},
		"another digest":    {func(c *CreditReport) { c.Documents[0].Digest = strings.Repeat("0", 64) }, CheckAnswer},
		"another author":    {func(c *CreditReport) { c.Documents[0].Author = "court" }, CheckAnswer},
		"on no list":        {func(c *CreditReport) { c.NotListed = append(c.NotListed, "black") }, CheckAnswer},
		"another position":  {func(c *CreditReport) { c.Ledger.Size++ }, CheckAnswer},
	} {
		if r := Verify(marshal(t, reported(t, c.change)), Options{}); r.OK || failed(r) != c.want {
			t.Errorf("%s: %q fails, want %q", name, failed(r), c.want)
		}
	}
	b := reported(t, nil)
	b.Documents[len(b.Documents)-1].Paper = code(reported(t, func(c *CreditReport) { c.ID = "check-00000000000002" }))
	if r := Verify(marshal(t, b), Options{}); r.OK || failed(r) != CheckPaper {
		t.Errorf("another report's code: %q", failed(r))
	}
	b.Documents[len(b.Documents)-1].Paper = ""
	if _, err := b.Marshal(); err == nil {
		t.Error("a report without a code is written")
	}
}

// TestAScannedPaper is what the code of a QR proves offline, and what not.
func TestAScannedPaper(t *testing.T) {
	b := reported(t, nil)
	own := code(b)
	if len(own) != PaperSize {
		t.Fatalf("%d characters", len(own))
	}
	_, evidence := answered(t, nil) // of the same federation, without the report
	later := reported(t, func(c *CreditReport) { c.IssuedAt += 3600; c.ValidUntil += 3600; c.Replaces = []string{c.ID} })
	for name, c := range map[string]struct {
		code string
		file *Bundle
		ok   bool
		is   string // PaperReport.File
	}{
		"with its report":                        {own, b, true, PaperSame},
		"with the members' keys alone":           {own, evidence, true, ""},
		"with the report that took its place":    {own, later, true, PaperOlder},
		"with an earlier report":                 {code(later), b, false, ""},
		"one character another, with its report": {own[:30] + other(own[30:31]) + own[31:], b, false, ""},
		"one character another, with keys alone": {own[:30] + other(own[30:31]) + own[31:], evidence, false, ""},
		"another signature":                      {own[:50] + other(own[50:51]) + own[51:], evidence, false, ""},
		"another number of entries":              {own[:27] + "0" + own[28:], evidence, false, ""},
		"cut short":                              {own[:PaperSize-1], b, false, ""},
		"nothing like it":                        {"https://example.org/", evidence, false, ""},
	} {
		r := VerifyFile(marshal(t, c.file), Options{Paper: c.code, Now: testTime})
		if r.OK != c.ok || r.Paper == nil || r.Paper.File != c.is {
			t.Errorf("%s: ok %v, %+v (%s)", name, r.OK, r.Paper, failed(r))
			continue
		}
		if c.ok && (r.Paper.Issuer != "court" || "org:"+r.Paper.Subject != testSubject || r.Paper.Hits != 1 || r.Paper.Expired) {
			t.Errorf("%s: %+v", name, r.Paper)
		}
		var out strings.Builder
		if err := Render(&out, r, "en"); err != nil || strings.Contains(out.String(), "SUPERSEDED") != (c.is == PaperOlder) {
			t.Errorf("%s: %s", name, out.String())
		}
	}
	if r := VerifyFile(marshal(t, evidence), Options{Paper: own, Now: testTime + testDays*86400_000}); !r.OK || !r.Paper.Expired {
		t.Errorf("an expired paper: %+v", r.Paper)
	}
	if r := VerifyFile([]byte("c2sp.org/tlog-proof@v1\n"), Options{Paper: own}); r.OK {
		t.Error("a code is judged by a file without keys")
	}
}

func other(c string) string {
	if c == "A" {
		return "B"
	}
	return "A"
}

func FuzzPaper(f *testing.F) {
	b := reported(f, nil)
	f.Add(code(b))
	f.Add("A1")
	_, evidence := answered(f, nil)
	file := marshal(f, evidence)
	f.Fuzz(func(t *testing.T, text string) {
		if r := VerifyFile(file, Options{Paper: text}); text != "" && r.OK && text != code(b) {
			t.Errorf("%q is taken for a code", text)
		}
	})
}
