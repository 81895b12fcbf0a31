package agency

import (
	"context"
	"encoding/json"
	"errors"

	"accord/crypto/keys"
	"accord/crypto/sdjwt"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/lists"
)

// Nomination is what an operator wants on a list.
type Nomination struct {
	List        string
	Subject     exchange.SubjectID
	SubjectKind string
	Name        string // public; a natural person's is dropped
	Ground      string
	Records     []lists.RecordRef
	Decision    *lists.DecisionRef
	TermDays    int
	Measures    []string
}

// Nominate writes the entry's document, signs it, and puts it on the ledger.
// The name of a natural person never stands in the document in clear.
func (a *Agency) Nominate(ctx context.Context, op exchange.OperatorID, n Nomination) (exchange.EntryID, error) {
	for {
		attest, err := a.Keys.Key(keys.Attest)
		if err != nil {
			return "", err
		}
		doc, id, err := a.entryDocument(attest, n)
		if err != nil {
			return "", err
		}
		_, err = a.Act(ctx, op, exchange.VerbNominate, lists.NominateBody{Entries: []lists.Document{{Doc: doc}}})
		if !errors.Is(err, lists.ErrForeign) || !a.replaced(attest) {
			return id, err
		}
	}
}

// entryDocument is the SD-JWT of an entry, without disclosures.
func (a *Agency) entryDocument(attest keys.Private, n Nomination) (string, exchange.EntryID, error) {
	release, err := a.Keys.Key(keys.Release)
	if err != nil {
		return "", "", err
	}
	id, err := a.randomID()
	if err != nil {
		return "", "", err
	}
	name := n.Name
	if n.Subject.Namespace() == exchange.SubjectPerson {
		name = ""
	}
	clear, err := strictjson.Marshal(lists.Claims{
		Issuer: a.Self, Subject: n.Subject, ID: exchange.EntryID(id), IssuedAt: int64(a.now()) / 1000,
		Type: lists.VCT(n.List), Federation: a.Federation, Catalogue: a.Ledger.View().Catalogue().Document().Version,
		List: n.List, SubjectKind: n.SubjectKind, Name: name, Ground: n.Ground, Records: n.Records,
		Decision: n.Decision, TermDays: n.TermDays, Measures: n.Measures,
		Cnf: lists.Confirmation{JWK: json.RawMessage(release.Public().JWK())},
	})
	if err != nil {
		return "", "", err
	}
	jwt, _, err := sdjwt.Issue(attest, TypEntry, clear, nil, 0, a.Rand, entryVisible...)
	return jwt + "~", exchange.EntryID(id), err
}

// entryVisible are claims of an entry that may never be hidden.
var entryVisible = []string{"fed", "cat", "list", "subject_kind", "name", "ground", "records", "decision", "term_days", "measures"}

// Withdraw takes an entry back during its notice.
func (a *Agency) Withdraw(ctx context.Context, op exchange.OperatorID, b lists.WithdrawBody) error {
	_, err := a.Act(ctx, op, exchange.VerbWithdraw, b)
	return err
}

// Remove takes a listed entry off.
func (a *Agency) Remove(ctx context.Context, op exchange.OperatorID, b lists.RemoveBody) error {
	_, err := a.Act(ctx, op, exchange.VerbRemove, b)
	return err
}
