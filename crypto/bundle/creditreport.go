package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
)

// KindReport is a member's signed credit report, as a JWS.
const KindReport = "report"

// TypReport is the type of a credit report; the attest key signs it.
const TypReport = "accord-report+jws"

// ReportKind is its kind of token.
var ReportKind = jws.Kind{Typ: TypReport, Use: keys.Attest}

// CreditReport is what there is about a subject, for a purpose and for a time: a
// credit check with the records themselves, which are in the same file as their
// authors signed them. It discloses no private field.
type CreditReport struct {
	CreditCheck
	Purpose    string         `json:"purpose"` // id in the catalogue
	ValidUntil int64          `json:"exp"`     // Unix s
	Documents  []ReportRecord `json:"documents"`
	Replaces   []string       `json:"replaces,omitempty"` // reports on the subject that this one takes the place of
}

// ReportRecord is a record of a report, whose document is in the file.
type ReportRecord struct {
	Record   string `json:"record"`
	Category string `json:"category"`
	Author   string `json:"author"`
	IssuedAt int64  `json:"issued_at"` // Unix ms
	Digest   string `json:"digest"`    // hex SHA-256 of the signed part
}

// creditReport verifies a report by its issuer's attest key and against the rest of
// the file, and the code on its paper.
func (v *verifier) creditReport(d Document, ref string, out *DocumentReport) bool {
	t, err := jws.VerifyKind(d.SDJWT, ReportKind, v.ring.lookup)
	ok := v.add(CheckDocumentSigned, ref, err)
	if !ok {
		return false
	}
	c := new(CreditReport)
	if err := strictjson.Unmarshal(t.Payload, c); err != nil {
		return v.add(CheckAnswer, ref, err)
	}
	out.Issuer, out.Type, out.Subject = c.Issuer, KindReport, v.subjectShown(c.Subject)
	h := v.ring[t.KID]
	ok = v.add(CheckDocumentIssuer, ref, unless(h.member == c.Issuer && h.validAt(c.IssuedAt*1000), "the key's holder and time are others"))
	err = v.answers(&c.CreditCheck)
	if err == nil {
		err = v.holds(c)
	}
	ok = v.add(CheckAnswer, ref, err) && ok
	paper, err := readPaper(d.Paper, v.bundle.Federation, v.ring)
	if err == nil {
		err = paper.of(c, d.SDJWT)
	}
	ok = v.add(CheckPaper, ref, err) && ok
	if v.opts.Paper != "" {
		v.compare(c, d.Paper)
	}
	out.Expired = v.opts.Now != 0 && v.opts.Now/1000 >= c.ValidUntil
	if !isPublicSubject(c.Subject) && !v.opts.Show {
		c.Subject = ""
	}
	out.Report = c
	return ok
}

// holds looks for the document of every record in the file, and for records that the
// report does not name. The documents' own checks stand beside.
func (v *verifier) holds(c *CreditReport) error {
	if c.ValidUntil <= c.IssuedAt {
		return errors.New("the report was never valid")
	}
	held := map[string]ReportRecord{}
	for _, d := range v.bundle.Documents {
		if d.Kind != KindRecord {
			continue
		}
		token, _, _ := strings.Cut(d.SDJWT, "~")
		t, err := jws.Parse(token)
		if err != nil {
			continue
		}
		var f struct {
			facts
			ID string `json:"jti"`
		}
		if strictjson.UnmarshalLoose(t.Payload, &f) == nil && f.Sub == c.Subject {
			sum := sha256.Sum256([]byte(token))
			held[f.ID] = ReportRecord{f.ID, strings.TrimPrefix(f.Vct, "record/"), f.Iss, 0, hex.EncodeToString(sum[:])}
		}
	}
	for _, r := range c.Documents {
		r.IssuedAt = 0
		if held[r.Record] != r {
			return errors.New("the document of record " + quote(r.Record) + " is not in the file, or is another")
		}
		delete(held, r.Record)
	}
	return unless(len(held) == 0, "the file holds records that the report does not name")
}

// compare judges a scanned code by the report in the file: it is its own, that of one
// this report took the place of, or another's.
func (v *verifier) compare(c *CreditReport, own string) {
	given, err := readPaper(v.opts.Paper, v.bundle.Federation, v.ring)
	if v.Paper == nil {
		v.scanned(given, err)
	}
	if err != nil || v.Paper.File != "" || len(own) != PaperSize {
		return
	}
	switch {
	case v.opts.Paper[:paperHead] == own[:paperHead]: // a signature has more than one form
		v.Paper.File = PaperSame
	case given.Issuer == c.Issuer && given.Subject == paperSubject(c.Subject) && given.IssuedAt <= c.IssuedAt/60*60:
		v.Paper.File = PaperOlder
	default:
		v.add(CheckPaperFile, "", errors.New("the code is of another report"))
		return
	}
	v.add(CheckPaperFile, "", nil)
}

// scanned reports a code that was given.
func (v *verifier) scanned(p Paper, err error) {
	v.Paper = &PaperReport{Paper: p}
	v.add(CheckPaper, "paper", err)
	v.Paper.Expired = err == nil && v.opts.Now != 0 && v.opts.Now/1000 >= p.ValidUntil
}

// paper judges a code where the file holds no report: by the members' keys alone.
func (v *verifier) paper() {
	if v.opts.Paper == "" || v.Paper != nil || slices.ContainsFunc(v.Documents, func(d DocumentReport) bool { return d.Report != nil }) {
		return
	}
	v.scanned(readPaper(v.opts.Paper, v.bundle.Federation, v.ring))
}
