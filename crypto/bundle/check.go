package bundle

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
)

// KindCheck is a member's signed answer to a credit check, as a JWS.
const KindCheck = "check"

// TypCheck is the type of such an answer; the attest key signs it.
const TypCheck = "accord-check+jws"

// CheckKind is its kind of token.
var CheckKind = jws.Kind{Typ: TypCheck, Use: keys.Attest}

// CreditCheck is the answer to "what is there about this subject": one signed
// document. What it lists is in the same file with its proof; what it says of
// records is the member's own word, complete up to where it says.
type CreditCheck struct {
	Federation string `json:"fed"`
	Issuer     string `json:"iss"`
	IssuedAt   int64  `json:"iat"` // Unix s
	ID         string `json:"jti"`
	Subject    string `json:"sub"`
	Catalogue  int    `json:"cat"`

	Ledger CheckLedger `json:"ledger"` // where the answer stands
	// Hits are the entries that were on a list, or about to be (nominated), and
	// NotListed the lists the subject was proven not to be on.
	Hits      []CheckHit `json:"hits"`
	NotListed []string   `json:"not_listed"`
	// Measures are those of the entries in force.
	Measures []CheckMeasure `json:"measures"`
	Grades   []CheckGrade   `json:"grades"`
	// Objections that are open. NotKept names what the federation keeps no account
	// of, so that an empty list of it means nothing.
	Objections []string      `json:"objections"`
	NotKept    []string      `json:"not_kept"`
	Records    []CheckRecord `json:"records"` // active ones, by category and author
	Feeds      []CheckFeed   `json:"feeds"`   // how much of each author's records was looked at
	// Faulty are active records that this member holds and that do not verify as their
	// author's: they are counted, and nothing else is told of them.
	Faulty []CheckFaulty `json:"faulty,omitempty"`
}

// CheckLedger is a position of the ledger.
type CheckLedger struct {
	Size int64  `json:"size"`
	Root string `json:"root"`
	At   int64  `json:"at"` // the time whose statuses are meant, Unix ms
}

// CheckHit is a list entry.
type CheckHit struct {
	Entry  string `json:"entry"`
	List   string `json:"list"`
	Status string `json:"status"` // nominated, listed
	By     string `json:"by"`
	Ground string `json:"ground"`
	From   int64  `json:"from"`  // Unix ms
	Until  int64  `json:"until"` // Unix ms
	Seq    int64  `json:"seq"`   // the command it stands in
}

// CheckMeasure is a measure that an entry brings.
type CheckMeasure struct {
	Measure string `json:"measure"`
	List    string `json:"list"`
	Entry   string `json:"entry"`
}

// CheckGrade is a rating, as a record of its author says it.
type CheckGrade struct {
	Grade    string `json:"grade"`
	Category string `json:"category"`
	Author   string `json:"author"`
	Record   string `json:"record"`
	IssuedAt int64  `json:"issued_at"` // Unix ms
}

// CheckFaulty is a record that does not verify.
type CheckFaulty struct {
	Record   string `json:"record"`
	Category string `json:"category"`
	Author   string `json:"author"` // as it was taken over from
}

// CheckRecord counts records.
type CheckRecord struct {
	Category string `json:"category"`
	Author   string `json:"author"`
	Active   int    `json:"active"`
	Adverse  bool   `json:"adverse"`
}

// CheckFeed is how far an author's records had been taken over.
type CheckFeed struct {
	Author   string `json:"author"`
	Entries  int64  `json:"entries"`  // "up to"
	Withheld int64  `json:"withheld"` // that the catalogue does not let the member hold
	Erased   int64  `json:"erased"`
	Missing  int64  `json:"missing"` // that the author did not give
}

// check verifies an answer by its issuer's attest key and against the rest of the
// file: a hit has its document, a list it is not on its proof, and the position is
// the checkpoint's.
func (v *verifier) check(d Document, ref string, out *DocumentReport) bool {
	t, err := jws.VerifyKind(d.SDJWT, CheckKind, v.ring.lookup)
	ok := v.add(CheckDocumentSigned, ref, err)
	if !ok {
		return false
	}
	var c CreditCheck
	if err := strictjson.Unmarshal(t.Payload, &c); err != nil {
		return v.add(CheckAnswer, ref, err)
	}
	out.Issuer, out.Type, out.Subject = c.Issuer, KindCheck, v.subjectShown(c.Subject)
	h := v.ring[t.KID]
	ok = v.add(CheckDocumentIssuer, ref, unless(h.member == c.Issuer && h.validAt(c.IssuedAt*1000), "the key's holder and time are others"))
	ok = v.add(CheckAnswer, ref, v.answers(&c)) && ok
	if !isPublicSubject(c.Subject) && !v.opts.Show {
		c.Subject = ""
	}
	out.Answer = &c
	return ok
}

// answers compares an answer with what the file proves.
func (v *verifier) answers(c *CreditCheck) error {
	switch {
	case c.Federation != v.bundle.Federation:
		return errors.New("the answer is of another federation")
	case c.Ledger.Size != v.tree.Size || c.Ledger.Root != v.tree.Root.String():
		return errors.New("the answer stands on another position than the checkpoint")
	}
	l := v.bundle.Lists
	if l == nil || l.At != c.Ledger.At {
		return errors.New("the members' word on the lists is missing, or of another time")
	}
	for _, list := range c.NotListed {
		if !slices.ContainsFunc(l.Absent, func(a Absent) bool { return a.List == list && a.Subject == c.Subject }) {
			return errors.New("no proof that the subject is not on list " + quote(list))
		}
	}
	for _, hit := range c.Hits {
		if slices.Contains(c.NotListed, hit.List) {
			return errors.New("the subject is said to be on list " + quote(hit.List) + " and not to be")
		}
		if err := v.shows(hit, c.Subject); err != nil {
			return err
		}
	}
	return nil
}

// shows looks for the document of a hit in the file. That document's own checks
// stand beside.
func (v *verifier) shows(hit CheckHit, subject string) error {
	for _, d := range v.bundle.Documents {
		if d.Kind != KindEntry || d.RestsOn == nil || *d.RestsOn != hit.Seq {
			continue
		}
		token, _, _ := strings.Cut(d.SDJWT, "~")
		t, err := jws.Parse(token)
		if err != nil {
			continue
		}
		var f struct {
			facts
			ID   string `json:"jti"`
			List string `json:"list"`
		}
		if strictjson.UnmarshalLoose(t.Payload, &f) == nil && f.ID == hit.Entry && f.List == hit.List && f.Sub == subject && f.Iss == hit.By {
			return nil
		}
	}
	return errors.New("the document of entry " + quote(hit.Entry) + " in command " + strconv.FormatInt(hit.Seq, 10) + " is not in the file")
}

// isPublicSubject says whether an id names an organisation.
func isPublicSubject(subject string) bool { return strings.HasPrefix(subject, publicSubject) }
