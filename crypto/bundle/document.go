package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"accord/crypto/jws"
	"accord/crypto/sdjwt"
	"accord/crypto/strictjson"
)

// publicSubject begins the subject ids that name organisations, which are
// public; the ids of natural persons are blinded and still personal.
const publicSubject = "org:"

// facts is what a report tells of a document's clear part.
type facts struct {
	Iss string `json:"iss"`
	Sub string `json:"sub"`
	Vct string `json:"vct"`
}

func (v *verifier) documents() {
	for i := range v.bundle.Documents {
		v.document(i)
	}
}

func (v *verifier) document(i int) {
	d := v.bundle.Documents[i]
	ref := "document " + strconv.Itoa(i)
	out := DocumentReport{Kind: d.Kind, RestsOn: d.RestsOn}
	ok := false
	if d.Kind == KindCheck {
		ok = v.add(CheckDocumentKind, ref, unless(d.RestsOn == nil, "an answer rests on no command")) && v.check(d, ref, &out)
	} else if d.Kind == KindReport {
		ok = v.add(CheckDocumentKind, ref, unless(d.RestsOn == nil, "a report rests on no command")) && v.creditReport(d, ref, &out)
	} else if d.Kind == KindMinutes {
		ok = v.add(CheckDocumentKind, ref, unless(d.RestsOn == nil, "minutes rest on no command")) && v.minutes(d, ref, &out)
	} else {
		var typ string
		var err error
		typ, err = typOf(d)
		ok = v.add(CheckDocumentKind, ref, err) && v.judge(d, typ, ref, &out)
	}
	out.OK = ok
	v.Documents = append(v.Documents, out)
}

// typOf is the token type a document of its kind must have.
func typOf(d Document) (string, error) {
	switch d.Kind {
	case KindRecord:
		return sdjwt.TypRecord, nil
	case KindEntry:
		return sdjwt.TypEntry, nil
	case KindRelease:
		jwt, _, _ := strings.Cut(d.SDJWT, "~")
		t, err := jws.Parse(jwt)
		if err != nil {
			return "", err
		}
		if t.Typ != sdjwt.TypRecord && t.Typ != sdjwt.TypEntry {
			return "", errors.New("what is released is neither a record nor an entry")
		}
		return t.Typ, nil
	}
	return "", fmt.Errorf("unknown kind %s", quote(d.Kind))
}

func (v *verifier) judge(d Document, typ, ref string, out *DocumentReport) bool {
	var verified *sdjwt.Verified
	var err error
	ok := true
	if d.Kind == KindRelease {
		verified, err = v.release(d, typ)
		ok = v.add(CheckDocumentBinding, ref, bindingError(err)) && ok
		if errors.Is(err, sdjwt.ErrBinding) {
			// Judge the document itself too, without its binding.
			end := strings.LastIndexByte(d.SDJWT, '~') + 1
			verified, err = sdjwt.Verify(d.SDJWT[:end], typ, v.ring.lookup)
		}
	} else {
		verified, err = sdjwt.Verify(d.SDJWT, typ, v.ring.lookup)
	}
	ok = v.add(CheckDocumentSigned, ref, err) && ok
	if verified != nil {
		ok = v.add(CheckDocumentIssuer, ref, v.issuer(verified, d, out)) && ok
		v.disclosed(verified, out)
	}
	if d.RestsOn != nil {
		ok = v.add(CheckDocumentRests, ref, v.rests(d)) && ok
	}
	return ok
}

// bindingError keeps the errors that are the binding's; the document's own are
// reported under their own name.
func bindingError(err error) error {
	if err == nil || errors.Is(err, sdjwt.ErrBinding) {
		return err
	}
	return errors.New("the released document itself does not hold")
}

// release verifies a document bound to the member that asked for it and to the
// command by which it asked.
func (v *verifier) release(d Document, typ string) (*sdjwt.Verified, error) {
	if d.RestsOn == nil {
		return nil, fmt.Errorf("%w: a release must rest on the command that asked for it", sdjwt.ErrBinding)
	}
	asked := v.bodies[v.bundle.position(*d.RestsOn)]
	verified, _, err := sdjwt.VerifyBound(d.SDJWT, typ, v.ring.lookup, asked.Iss, asked.ID)
	return verified, err
}

// issuer checks that the document names the member whose key signed it, and
// takes what the report tells. What stands in a command was signed with a key
// that counted there; what is released may be older than its key's end.
func (v *verifier) issuer(verified *sdjwt.Verified, d Document, out *DocumentReport) error {
	var f facts
	if err := strictjson.UnmarshalLoose(verified.Clear, &f); err != nil {
		return err
	}
	out.Issuer, out.Type = f.Iss, f.Vct
	out.Subject = v.subjectShown(f.Sub)
	h, ok := v.ring[verified.Issuer.KID()]
	if !ok || f.Iss != h.member {
		return errors.New("the key's holder is another member")
	}
	if d.RestsOn == nil {
		return nil
	}
	if !h.signs(*d.RestsOn) && (d.Kind != KindRelease || *d.RestsOn <= h.after) {
		return errors.New("the key was not valid at the time of the command")
	}
	return nil
}

func (v *verifier) disclosed(verified *sdjwt.Verified, out *DocumentReport) {
	for _, d := range verified.Disclosed {
		field := Disclosed{Name: d.Name()}
		if d.Element() {
			field.Name = "[]"
		}
		if v.opts.Show {
			field.Value = string(d.Value())
		}
		out.Disclosed = append(out.Disclosed, field)
	}
}

// rests checks that a document stands in its command, and that the command
// itself holds. For a release the binding already ties the two together.
func (v *verifier) rests(d Document) error {
	i := v.bundle.position(*d.RestsOn)
	if !v.Commands[i].OK {
		return errors.New("the command itself does not hold")
	}
	if v.bundle.Commands[i].Outcome != Accepted {
		return errors.New("the ledger refused the command")
	}
	if d.Kind == KindRelease {
		return nil
	}
	jwt, _, _ := strings.Cut(d.SDJWT, "~")
	if contains(v.bodies[i].Body, jwt, jwt+"~", d.SDJWT) {
		return nil
	}
	return errors.New("no string in the command's body is this document")
}

// contains says whether one of the texts is, whole and unescaped, a string
// value somewhere in body, which is valid JSON. The texts are of characters
// that JSON never has to escape; a body that spells them otherwise does not
// contain them word for word.
func contains(body []byte, texts ...string) bool {
	for {
		start := bytes.IndexByte(body, '"')
		if start < 0 {
			return false
		}
		body = body[start+1:]
		end := stringEnd(body)
		if end < 0 {
			return false
		}
		value := string(body[:end])
		body = body[end+1:]
		if name := bytes.TrimLeft(body, " \t\r\n"); len(name) > 0 && name[0] == ':' {
			continue // an object member's name, not a value
		}
		for _, text := range texts {
			if value == text {
				return true
			}
		}
	}
}

// stringEnd finds the quote that ends a JSON string's content.
func stringEnd(s []byte) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}
