package bundle

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"strings"

	"accord/crypto/keys"
)

// A paper's code is what its QR holds: PaperSize characters, one form.
//
//	A1         the form
//	18         unified social credit code; of a person 18 characters of a digest of its id
//	5          minutes since 1970 of the issue, base 36
//	2          days it is valid, base 36
//	1          list entries in force or in notice, base 36, "z" for more than 34
//	6          of the digest of the report, base64url
//	86         ES256 signature of the issuer's attest key, base64url
//
// The signature covers the form's name, the federation and all before it, so that the
// code proves by itself that a member said so: of which subject, when, for how long,
// and how many list entries. What else stands on the paper is proven with the
// report's file alone, whose digest the code has 36 bits of: enough against everybody
// but the issuer, who is bound by its signature on the file.
const (
	paperForm = "A1"
	PaperSize = 120
	paperHead = PaperSize - 86
	paperTag  = "accord-paper/1\n"
)

// Paper is what a code says.
type Paper struct {
	Issuer     string `json:"iss,omitempty"`
	Subject    string `json:"subject,omitempty"` // code, or 18 characters of a digest
	IssuedAt   int64  `json:"iat,omitempty"`     // Unix s, of the minute
	ValidUntil int64  `json:"exp,omitempty"`     // Unix s
	Hits       int    `json:"hits"`              // 35: more than 34
	Digest     string `json:"digest,omitempty"`  // beginning of the report's, base64url
}

// What the report in the file is to a code that was scanned.
const (
	PaperSame  = "same"  // the report of the code
	PaperOlder = "older" // a newer report of the same issuer on the same subject: the paper is superseded
)

// PaperReport tells of a code that was scanned.
type PaperReport struct {
	Paper
	File    string `json:"file,omitempty"` // PaperSame, PaperOlder; "" where there is no report in the file
	Expired bool   `json:"expired"`
}

var errPaper = errors.New("this is no code of a report")

// paperHeadOf is the part of a report's code that is signed.
func paperHeadOf(c *CreditReport, token string) (string, error) {
	sum := sha256.Sum256([]byte(token))
	minutes, days := base36(c.IssuedAt/60, 5), base36((c.ValidUntil-c.IssuedAt)/86400, 2)
	head := paperForm + paperSubject(c.Subject) + minutes + days + base36(min(int64(len(c.Hits)), 35), 1) +
		base64.RawURLEncoding.EncodeToString(sum[:])[:6]
	if len(head) != paperHead || c.ValidUntil-c.IssuedAt < 86400 {
		return "", errPaper
	}
	return head, nil
}

// base36 is a number with leading zeros; longer ones come out too long.
func base36(n int64, width int) string {
	s := strconv.FormatInt(n, 36)
	return strings.Repeat("0", max(0, width-len(s))) + s
}

// paperSubject is a subject in 18 characters.
func paperSubject(subject string) string {
	if code, ok := strings.CutPrefix(subject, publicSubject); ok && len(code) == 18 {
		return code
	}
	sum := sha256.Sum256([]byte("accord-paper-subject/1\n" + subject))
	return "." + base64.RawURLEncoding.EncodeToString(sum[:])[:17]
}

// SignPaper makes the code of a report that stands as token in its file.
func SignPaper(key keys.Private, c *CreditReport, token string) (string, error) {
	head, err := paperHeadOf(c, token)
	if err != nil {
		return "", err
	}
	sig, err := key.Sign([]byte(paperTag + c.Federation + "\n" + head))
	if err != nil {
		return "", err
	}
	return head + base64.RawURLEncoding.EncodeToString(sig), nil
}

// readPaper reads a code and finds the member that signed it.
func readPaper(code, federation string, r ring) (p Paper, err error) {
	if len(code) != PaperSize || !strings.HasPrefix(code, paperForm) || strings.Trim(code, base64url+".") != "" {
		return p, errPaper
	}
	sig, err := base64.RawURLEncoding.Strict().DecodeString(code[paperHead:])
	if err != nil {
		return p, errPaper
	}
	minutes, err1 := strconv.ParseUint(code[20:25], 36, 63)
	days, err2 := strconv.ParseUint(code[25:27], 36, 63)
	hits, err3 := strconv.ParseUint(code[27:28], 36, 8)
	if err := errors.Join(err1, err2, err3); err != nil {
		return p, errPaper
	}
	message := []byte(paperTag + federation + "\n" + code[:paperHead])
	for _, kid := range sortedRing(r) {
		h := r[kid]
		if h.key.Use() == keys.Attest && h.validAt(int64(minutes)*60_000) && h.key.Verify(message, sig) == nil {
			at := int64(minutes) * 60
			return Paper{Issuer: h.member, Subject: code[2:20], IssuedAt: at, ValidUntil: at + int64(days)*86400, Hits: int(hits), Digest: code[28:34]}, nil
		}
	}
	return p, errors.New("no member of this federation signed the code")
}

func sortedRing(r ring) []string {
	all := make([]string, 0, len(r))
	for kid := range r {
		all = append(all, kid)
	}
	slices.Sort(all)
	return all
}

// of says whether the code is of this report.
func (p Paper) of(c *CreditReport, token string) error {
	head, err := paperHeadOf(c, token)
	if err != nil {
		return err
	}
	return unless(p.Issuer == c.Issuer && head == paperForm+p.Subject+base36(p.IssuedAt/60, 5)+base36((p.ValidUntil-p.IssuedAt)/86400, 2)+
		base36(int64(p.Hits), 1)+p.Digest, "the code is of another report")
}
