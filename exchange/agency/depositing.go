package agency

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"accord/crypto/keys"
	"accord/crypto/seal"
	"accord/crypto/share"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/custody"
	"accord/exchange/machine"
	"accord/exchange/members"
	"accord/exchange/records"
)

// This file is the author's side of custody: it deals the keys of sealed fields, says
// so on the ledger, and hands each custodian its part until it has its receipt. What
// is to be done follows from the records and the rows beside them, so that a round
// can end anywhere and the next goes on.

// dealAtOnce bounds how many records one round deals of a category.
const dealAtOnce = 64

// Custodies are the policies under which this member's records stand now.
func (a *Agency) Custodies(view *machine.View) (all []custody.Policy) {
	cat := view.Catalogue()
	for i := range cat.Document().Categories {
		if p, ok := custody.PolicyOf(cat, members.All(view.Rows()), a.Self, cat.Document().Categories[i].ID); ok {
			all = append(all, p)
		}
	}
	return all
}

// setOf names a policy: records dealt under another one are dealt again.
func setOf(p custody.Policy) string {
	all := make([]string, len(p.Custodians))
	for i, m := range p.Custodians {
		all[i] = string(m)
	}
	return fmt.Sprintf("%d:%s", p.K, strings.Join(all, ","))
}

// setNumber is a name for a set that fits into a position.
func setNumber(set string) int64 {
	sum := sha256.Sum256([]byte(set))
	return int64(binary.BigEndian.Uint64(sum[:8]) >> 1)
}

// walk names the position up to which a category's records are dealt, and the one that
// says under which policy.
func walk(category string) (place, under string) {
	return "custody/dealt/" + category, "custody/under/" + category
}

// DealCustody splits the field keys of own records that are in no custody yet, or in
// one of another policy, and says whether there is more to do.
func (a *Agency) DealCustody(ctx context.Context) (more bool, err error) {
	view := a.Ledger.View()
	for _, p := range a.Custodies(view) {
		if !p.Enough() {
			continue
		}
		again, err := a.dealCategory(ctx, view, p)
		if err != nil {
			return false, err
		}
		more = more || again
	}
	return more, nil
}

func (a *Agency) dealCategory(ctx context.Context, view *machine.View, p custody.Policy) (more bool, err error) {
	set := setOf(p)
	place, under := walk(p.Category)
	at, err := a.Records.Position(ctx, place)
	if err != nil {
		return false, err
	}
	if was, err := a.Records.Position(ctx, under); err != nil {
		return false, err
	} else if was != setNumber(set) { // begin anew, and only then believe that it did
		at = 0
		if err := a.Records.SetPosition(ctx, records.Position{Feed: place}); err != nil {
			return false, err
		}
		if err := a.Records.SetPosition(ctx, records.Position{Feed: under, Index: setNumber(set)}); err != nil {
			return false, err
		}
	}
	next, err := a.Records.ToDeal(ctx, a.Self, p.Category, at, dealAtOnce)
	if err != nil || len(next) == 0 {
		return false, err
	}
	var deals []records.Deal
	for _, n := range next {
		d, err := a.deal(ctx, view, p, set, n.Record)
		if err != nil {
			return false, err
		}
		if d != nil {
			deals = append(deals, *d)
		}
	}
	a.hit("custody.deal")
	err = a.Records.Deal(ctx, deals, records.Position{Feed: place, Index: next[len(next)-1].At})
	return len(next) == dealAtOnce, err
}

// deal splits the keys of one record's fields; nil: there is nothing to do.
func (a *Agency) deal(ctx context.Context, view *machine.View, p custody.Policy, set string, id exchange.RecordID) (*records.Deal, error) {
	generation, dealt, err := a.Records.LastDealt(ctx, id)
	if err != nil || dealt == set {
		return nil, err
	}
	if d, ok := view.Custody(a.Self, id); ok { // a store put back from a backup may know less
		generation = max(generation, d.Generations[0].Number)
	}
	rec, err := a.Records.Get(ctx, id)
	if errors.Is(err, records.ErrNotFound) { // erased meanwhile
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	jti, err := a.randomID()
	if err != nil {
		return nil, err
	}
	st := custody.Statement{Issuer: a.Self, ID: jti, IssuedAt: int64(a.now()) / 1000, Federation: a.Federation, Record: rec.ID, RecordDigest: rec.Digest,
		Category: rec.Category, Generation: generation + 1, K: p.K, Custodians: p.Custodians}
	out := &records.Deal{Record: rec.ID, Generation: st.Generation, Category: rec.Category, Set: set}
	shared := make([][]share.Share, 0, len(rec.Sealed))
	for _, f := range rec.Sealed {
		if f.Erased || !releasable(view.Catalogue(), &rec, f.Field) {
			continue
		}
		plain, err := a.sealer.Open(seal.Binding{Record: string(rec.ID), Field: f.Field, Digest: f.Digest}, f.Sealed)
		if err != nil {
			return nil, ErrSealed.Wrap(err, "field", f.Field)
		}
		field := custody.Field{Name: f.Field, Digest: f.Digest}
		c, shares, key, err := share.Split(p.K, len(p.Custodians), st.Context(&field))
		if err != nil {
			return nil, err
		}
		box, err := seal.SealUnder(key, seal.Binding{Record: string(rec.ID), Field: f.Field, Digest: f.Digest}, st.Generation, plain, a.Rand)
		clear(key)
		clear(plain)
		if err != nil {
			return nil, err
		}
		field.Commitment, field.Box = custody.Bytes(c), custody.Digest(string(box))
		st.Fields, out.Boxes, shared = append(st.Fields, field), append(out.Boxes, box), append(shared, shares)
	}
	if len(st.Fields) == 0 {
		return nil, nil
	}
	return out, a.handsOf(view, out, &st, shared)
}

// releasable says whether the catalogue lets a field ever be released: what it
// classes as secret nobody keeps for anybody.
func releasable(c *catalogue.Catalogue, rec *records.Record, field string) bool {
	class, ok := c.ClassOf(rec.Category, field, rec.SubjectKind)
	return ok && class != catalogue.Secret && class != catalogue.Public
}

// handsOf signs the statement and seals each custodian's shares to it.
func (a *Agency) handsOf(view *machine.View, d *records.Deal, st *custody.Statement, dealt [][]share.Share) error {
	attest, err := a.Keys.Key(keys.Attest)
	if err != nil {
		return err
	}
	if d.Statement, err = custody.SignStatement(*st, attest); err != nil {
		return err
	}
	for i, m := range st.Custodians {
		member, _ := view.Member(m)
		to, ok := member.Key(keys.Seal, a.instant(view))
		if !ok {
			return custody.ErrPolicy.With("category", st.Category)
		}
		shares := custody.Shares{Statement: custody.Digest(d.Statement), Index: i + 1}
		for _, f := range dealt {
			shares.Shares = append(shares.Shares, f[i].Value)
		}
		plain, err := shares.Encode()
		if err != nil {
			return err
		}
		jwe, err := seal.Encrypt(to, custody.SharesType, plain)
		clear(plain)
		if err != nil {
			return err
		}
		d.Hands = append(d.Hands, records.Hand{Member: m, Share: jwe})
	}
	for _, f := range dealt {
		for i := range f {
			clear(f[i].Value)
		}
	}
	return nil
}

// AnchorCustody puts statements on the ledger that are not there, and drops those that
// cannot come there any more: what they are of is dealt again.
func (a *Agency) AnchorCustody(ctx context.Context, op exchange.OperatorID) error {
	waiting, err := a.Records.Unanchored(ctx, custody.MaxDeposits)
	if err != nil || len(waiting) == 0 {
		return err
	}
	view := a.Ledger.View()
	now := map[string]custody.Policy{}
	for _, p := range a.Custodies(view) {
		now[p.Category] = p
	}
	var there, stale []records.Deal
	for _, d := range waiting {
		row, _ := view.Custody(a.Self, d.Record)
		g, ok := row.Generation(d.Generation)
		switch {
		case ok && g.Digest == custody.Digest(d.Statement):
			there = append(there, d)
		case ok || setOf(now[d.Category]) != d.Set:
			stale = append(stale, d)
		}
	}
	if err := errors.Join(a.Records.Anchored(ctx, there), a.dropDeals(ctx, stale)); err != nil {
		return err
	}
	settled := slices.Concat(there, stale)
	for category, p := range now {
		body := custody.DepositBody{Category: category, K: p.K, Custodians: p.Custodians}
		var group []records.Deal
		for _, d := range waiting {
			if d.Category == category && !slices.ContainsFunc(settled, func(s records.Deal) bool { return s.Record == d.Record && s.Generation == d.Generation }) {
				group = append(group, d)
				body.Records = append(body.Records, custody.Named{Record: d.Record, Generation: d.Generation, Digest: custody.Digest(d.Statement)})
			}
		}
		if err := a.anchorGroup(ctx, op, body, group); err != nil {
			return err
		}
	}
	return nil
}

func (a *Agency) anchorGroup(ctx context.Context, op exchange.OperatorID, body custody.DepositBody, group []records.Deal) error {
	if len(group) == 0 {
		return nil
	}
	a.hit("custody.anchor.before")
	_, err := a.Act(ctx, op, exchange.VerbCustodyDeposit, body)
	a.hit("custody.anchor.after")
	switch {
	case err == nil:
		return a.Records.Anchored(ctx, group)
	case errors.Is(err, custody.ErrPolicy), errors.Is(err, custody.ErrGeneration), errors.Is(err, custody.ErrTwice):
		return a.dropDeals(ctx, group)
	}
	return err
}

// dropDeals forgets dealings that left this house for nobody, and has their categories
// gone through again.
func (a *Agency) dropDeals(ctx context.Context, stale []records.Deal) error {
	if len(stale) == 0 {
		return nil
	}
	for _, d := range stale {
		place, _ := walk(d.Category)
		if err := a.Records.SetPosition(ctx, records.Position{Feed: place}); err != nil {
			return err
		}
	}
	return a.Records.DropDeals(ctx, stale)
}

// Bounds of what goes to a custodian at once.
const (
	handAtOnce   = 64
	handBytes    = 4 << 20
	retireAtOnce = 1000
)

// Deposit is what a custodian is handed of one record.
type Deposit struct {
	Statement string
	Share     string
	Boxes     [][]byte
}

// Deposited is what a custodian says of one deposit: its receipt, or why not.
type Deposited struct {
	Record     exchange.RecordID
	Generation int
	Receipt    string
	Why        string // an error's code
}

// Custodian is a custodian's node as its author's asks it.
type Custodian interface {
	TakeDeposits(ctx context.Context, all []Deposit) ([]Deposited, error)
	Retire(ctx context.Context, all []custody.Named) ([]Deposited, error)
}

// HandOver brings a custodian what is due to it and what it is to destroy, and keeps
// its receipts. more says that there was more of it than goes at once.
func (a *Agency) HandOver(ctx context.Context, m exchange.MemberID, peer Custodian) (more bool, err error) {
	due, err := a.Records.Due(ctx, m, records.HandDue, handAtOnce)
	if err != nil {
		return false, err
	}
	size, deposits := 0, []Deposit{}
	for i, h := range due {
		for _, b := range h.Boxes {
			size += len(b)
		}
		if i > 0 && size > handBytes {
			due = due[:i]
			break
		}
		deposits = append(deposits, Deposit{h.Statement, h.Share, h.Boxes})
	}
	if len(due) > 0 {
		a.hit("custody.hand.before")
		said, err := peer.TakeDeposits(ctx, deposits)
		a.hit("custody.hand.after")
		if err != nil {
			return false, err
		}
		got := a.receipts(m, due, said, custody.Kept)
		if err := a.Records.HandKept(ctx, got); err != nil {
			return false, err
		}
		more = len(got) > 0 // what it does not take is tried with the next round
	}
	old, err := a.Records.Due(ctx, m, records.HandRetire, retireAtOnce)
	if err != nil || len(old) == 0 {
		return more, err
	}
	named := make([]custody.Named, len(old))
	for i, h := range old {
		named[i] = custody.Named{Record: h.Record, Generation: h.Generation, Digest: custody.Digest(h.Statement)}
	}
	said, err := peer.Retire(ctx, named)
	if err != nil {
		return more, err
	}
	got := a.receipts(m, old, said, custody.Destroyed)
	return more || len(got) == retireAtOnce, a.Records.HandDestroyed(ctx, got)
}

// receipts are the hands for which a custodian signed what it had to.
func (a *Agency) receipts(m exchange.MemberID, hands []records.Hand, said []Deposited, did string) (got []records.Hand) {
	by := map[records.Place]string{}
	for _, d := range said {
		by[records.Place{Record: d.Record, At: int64(d.Generation)}] = d.Receipt
	}
	for _, h := range hands {
		token := by[records.Place{Record: h.Record, At: int64(h.Generation)}]
		want := custody.Receipt{Issuer: m, Federation: a.Federation, Author: a.Self, Record: h.Record, Generation: h.Generation, Statement: custody.Digest(h.Statement), Did: did}
		if _, err := custody.ReadReceipt(token, want, a.attestKeyOf(m)); err != nil {
			continue
		}
		if h.Kept = token; did == custody.Destroyed {
			h.Kept, h.Destroyed = "", token
		}
		got = append(got, h)
	}
	return got
}
