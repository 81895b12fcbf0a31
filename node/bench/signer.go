package bench

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"runtime"
	"sync"
	"time"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/sdjwt"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/identifiers"
	"accord/exchange/lists"
	"accord/node/demo"
)

// signer makes nominations as a member's own software would: each entry a
// signed document about a subject of its own, all entries of a statement under
// one signature. Every statement is as good as any other on the ledger.
type signer struct {
	member                   exchange.MemberID
	command, attest, release keys.Private

	mu   sync.Mutex
	next int // the next subject; guarded by mu
}

// statement is one signed command and the entries in it.
type statement struct {
	token   []byte
	entries []exchange.EntryID
}

// many signs n statements of so many entries each, on all processors. They are
// good for a minute.
func (s *signer) many(n, entries int) ([]statement, error) {
	s.mu.Lock()
	first := s.next
	s.next += n * entries
	s.mu.Unlock()
	out := make([]statement, n)
	errs := make([]error, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for w := range errs {
		wg.Go(func() {
			for i := w; i < n && errs[w] == nil; i += len(errs) {
				out[i], errs[w] = s.one(first+i*entries, entries)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *signer) one(subject, entries int) (statement, error) {
	var st statement
	var body lists.NominateBody
	now := time.Now()
	for i := range entries {
		doc, id, err := s.document(subject+i, now)
		if err != nil {
			return st, err
		}
		body.Entries = append(body.Entries, lists.Document{Doc: doc})
		st.entries = append(st.entries, id)
	}
	raw, err := strictjson.Marshal(body)
	if err != nil {
		return st, err
	}
	id := randomID()
	payload, err := exchange.Command{Federation: demo.Federation, Issuer: s.member, Operator: demo.Operator, At: exchange.MillisOf(now),
		Catalogue: 1, ID: exchange.CommandID(id), Verb: exchange.VerbNominate, Body: json.RawMessage(raw)}.Encode()
	if err != nil {
		return st, err
	}
	token, err := jws.Sign(s.command, jws.TypCommand, payload)
	st.token = []byte(token)
	return st, err
}

// document is the signed document of one entry.
func (s *signer) document(subject int, now time.Time) (string, exchange.EntryID, error) {
	id := randomID()
	code, err := organisation(subject)
	if err != nil {
		return "", "", err
	}
	claims, err := strictjson.Marshal(lists.Claims{Issuer: s.member, Subject: exchange.SubjectID("org:" + code), ID: exchange.EntryID(id),
		IssuedAt: now.Unix(), Type: lists.VCT("black"), Federation: demo.Federation, Catalogue: 1, List: "black", SubjectKind: "enterprise",
		Name: "例省某某保险代理有限公司", Ground: "decision", Decision: &lists.DecisionRef{Number: "例银保监罚决字〔2026〕17号", Authority: "例省保险监管局", Date: "2026-06-30"},
		TermDays: 365, Cnf: lists.Confirmation{JWK: json.RawMessage(s.release.Public().JWK())}})
	if err != nil {
		return "", "", err
	}
	jwt, _, err := sdjwt.Issue(s.attest, agency.TypEntry, claims, nil, 0, rand.Reader, "list")
	return jwt + "~", exchange.EntryID(id), err
}

// organisation is the n-th code of organisations that do not exist.
func organisation(n int) (string, error) {
	body := fmt.Sprintf("91639900M%08d", n)
	check, err := identifiers.USCCCheck(body)
	return body + string(check), err
}

func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}
