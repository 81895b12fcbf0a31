package agency

import (
	"context"
	"slices"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/seal"
	"accord/exchange"
	"accord/exchange/custody"
	"accord/exchange/feed"
	"accord/exchange/lists"
	"accord/exchange/machine"
	"accord/exchange/members"
	"accord/exchange/records"
	"accord/exchange/release"
)

// This file is the custodian's side: it believes neither the author that deposits nor
// the member that asks, but its own copy of the ledger.

// ErrNotYet is given while a custodian's ledger does not have what an author deposits.
var ErrNotYet = exchange.Define(exchange.KindConflict, "CUST-030",
	exchange.Text{Zh: "账本上没有这份托管声明，或与之不符", En: "the ledger does not have this custody statement, or has another one"},
	exchange.Text{Zh: "稍后再试；仍不行时由作者单位重新分割", En: "try again in a moment; if it lasts, the author splits again"})

// ErrLongAnswer is given for a release of so many records that a custodian's part of them
// is longer than a signed document may be.
var ErrLongAnswer = exchange.Define(exchange.KindRefused, "CUST-033",
	exchange.Text{Zh: "授权开放 {release} 的 {records} 条记录太多，托管方的答复放不进一份签名文书", En: "release {release} is about {records} records, more than fit into a custodian's signed answer"},
	exchange.Text{Zh: "分几次申请，每次少些记录", En: "ask for fewer records at a time"})

// TakeDeposits verifies what an author deposits here and keeps it; each is answered
// with a receipt or an error's code. A share that is not of the commitment the author
// signed and the ledger names is refused, and so is anything of a record it erased.
func (a *Agency) TakeDeposits(ctx context.Context, author exchange.MemberID, all []Deposit) ([]Deposited, error) {
	view := a.Ledger.View()
	out, kept := make([]Deposited, len(all)), []records.Kept{}
	statements := make([]custody.Statement, len(all))
	for i, d := range all {
		st, k, err := a.judgeDeposit(ctx, view, author, d)
		if out[i] = (Deposited{Record: st.Record, Generation: st.Generation}); err != nil {
			e := exchange.AsError(err)
			if e.Kind == exchange.KindUnavailable || e.Kind == exchange.KindInternal {
				return nil, err
			}
			out[i].Why = e.Code
			continue
		}
		statements[i] = st
		kept = append(kept, k)
	}
	if err := a.Records.KeepShares(ctx, kept); err != nil {
		return nil, err
	}
	a.hit("custody.kept")
	for i, d := range all {
		if out[i].Why != "" {
			continue
		}
		var err error
		if out[i].Receipt, err = a.custodyReceipt(author, statements[i].Record, statements[i].Generation, custody.Digest(d.Statement), custody.Kept); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (a *Agency) judgeDeposit(ctx context.Context, view *machine.View, author exchange.MemberID, d Deposit) (custody.Statement, records.Kept, error) {
	st, err := custody.ReadStatement(d.Statement, author, a.Federation, a.attestKeyOf(author))
	if err != nil {
		return custody.Statement{}, records.Kept{}, err
	}
	if !a.onLedger(view, d.Statement, &st) {
		return st, records.Kept{}, ErrNotYet.With()
	}
	if st.Index(a.Self) == 0 {
		return st, records.Kept{}, custody.ErrNotCustodian.With("member", a.Self)
	}
	if err := st.CheckBoxes(d.Boxes); err != nil {
		return st, records.Kept{}, err
	}
	if _, err := a.sharesIn(d.Share, d.Statement, &st); err != nil {
		return st, records.Kept{}, err
	}
	if said, err := a.Records.Said(ctx, author, st.Record); err != nil {
		return st, records.Kept{}, err
	} else if said == feed.Erasure {
		return st, records.Kept{}, records.ErrErasedHere.With()
	}
	return st, records.Kept{Author: author, Record: st.Record, Generation: st.Generation, Statement: d.Statement, Share: d.Share, Boxes: d.Boxes}, nil
}

// onLedger says whether a statement is the one the ledger names, and says of its
// custodians what the ledger says.
func (a *Agency) onLedger(view *machine.View, token string, st *custody.Statement) bool {
	row, _ := view.Custody(st.Issuer, st.Record)
	g, ok := row.Generation(st.Generation)
	if !ok || g.Digest != custody.Digest(token) {
		return false
	}
	set, ok := view.Custodians(g)
	return ok && set.K == st.K && set.Category == st.Category && slices.Equal(set.Custodians, st.Custodians)
}

// sharesIn opens what an author sealed to this member, with the key it was sealed to,
// and verifies it.
func (a *Agency) sharesIn(jwe, token string, st *custody.Statement) (custody.Shares, error) {
	key, err := a.sealKeyFor(jwe)
	if err != nil {
		return custody.Shares{}, err
	}
	plain, err := seal.Decrypt(key, custody.SharesType, jwe)
	if err != nil {
		return custody.Shares{}, custody.ErrDocument.With("why", "encryption")
	}
	defer clear(plain)
	return custody.DecodeShares(plain, token, st, a.Self)
}

// sealKeyFor is the key that opens what was sealed to this member: the one it has, or
// one it had when that was sealed.
func (a *Agency) sealKeyFor(jwe string) (keys.Private, error) {
	key, err := a.Keys.Key(keys.Seal)
	if err != nil {
		return key, err
	}
	if kid := seal.Recipient(jwe); kid != key.KID() && a.Former != nil {
		if former, err := a.Former(kid); err == nil {
			return former, nil
		}
	}
	return key, nil
}

func (a *Agency) custodyReceipt(author exchange.MemberID, record exchange.RecordID, generation int, digest, did string) (string, error) {
	attest, err := a.Keys.Key(keys.Attest)
	if err != nil {
		return "", err
	}
	return custody.SignReceipt(custody.Receipt{Issuer: a.Self, IssuedAt: int64(a.now()) / 1000, Federation: a.Federation, Author: author,
		Record: record, Generation: generation, Statement: digest, Did: did}, attest)
}

// RetireShares destroys an author's shares of the generations it names and of older
// ones, once the ledger has a newer one, and gives receipts: for what is not here as
// well, since then it is not here.
func (a *Agency) RetireShares(ctx context.Context, author exchange.MemberID, all []custody.Named) ([]Deposited, error) {
	view := a.Ledger.View()
	out, gone := []Deposited{}, []records.Place{}
	for _, n := range all {
		if row, ok := view.Custody(author, n.Record); !ok || row.Generations[0].Number <= n.Generation {
			continue
		}
		token, err := a.custodyReceipt(author, n.Record, n.Generation, n.Digest, custody.Destroyed)
		if err != nil {
			return nil, err
		}
		gone = append(gone, records.Place{Record: n.Record, At: int64(n.Generation) + 1})
		out = append(out, Deposited{Record: n.Record, Generation: n.Generation, Receipt: token})
	}
	if err := a.Records.DropShares(ctx, author, gone); err != nil {
		return nil, err
	}
	a.hit("custody.retired")
	return out, nil
}

// AnswerCustody is the custodian's side of a release: it looks the grant up in its own
// copy of the ledger, takes its shares and the boxes of exactly the granted fields,
// encrypts them to the requester, and leaves the answer's digest on the ledger before
// the answer leaves the house.
func (a *Agency) AnswerCustody(ctx context.Context, op exchange.OperatorID, requester exchange.MemberID, id exchange.ReleaseID, generation int) (string, error) {
	done, err := a.answers.take(ctx, id)
	if err != nil {
		return "", err
	}
	defer done()
	view := a.Ledger.View()
	rel, to, err := a.mayAnswer(view, requester, id)
	if err != nil {
		return "", err
	}
	for _, ref := range rel.Refs() {
		switch said, err := a.Records.Said(ctx, ref.Author, ref.ID); {
		case err != nil:
			return "", err
		case said == feed.Erasure:
			return "", records.ErrErasedHere.With()
		case said == feed.Retraction:
			return "", ErrRetracted.With()
		}
	}
	answer, err := a.custodyAnswer(ctx, view, rel, generation)
	if err != nil {
		return "", err
	}
	if len(answer) > jws.MaxToken {
		return "", ErrLongAnswer.With("release", id, "records", len(rel.Refs()))
	}
	envelope, err := seal.Encrypt(to, custody.AnswerType, []byte(answer))
	if err != nil {
		return "", err
	}
	a.hit("custody.deliver.before")
	_, err = a.Act(ctx, op, exchange.VerbCustodyDeliver, custody.DeliverBody{Release: id, Generation: generation, Digest: digestOf(envelope)})
	a.hit("custody.deliver.after")
	if err != nil {
		return "", err
	}
	return envelope, nil
}

// mayAnswer judges a request for a custodian's answer and gives the key it is
// encrypted to.
func (a *Agency) mayAnswer(view *machine.View, requester exchange.MemberID, id exchange.ReleaseID) (rel release.Release, to keys.Public, err error) {
	rel, ok := view.Release(id)
	if !ok {
		return rel, to, ErrNoRelease.With("release", id)
	}
	if rel.Requester != requester {
		return rel, to, ErrNotParty.With("release", id)
	}
	if at := a.instant(view); !rel.Standing(at) {
		return rel, to, custody.ErrNotGranted.With("release", id, "status", rel.StatusAt(at))
	}
	for _, m := range []exchange.MemberID{a.Self, requester} {
		switch row, ok := view.Member(m); {
		case !ok || row.Status != members.Active:
			return rel, to, ErrNotParty.With("release", id)
		case !row.Takes():
			return rel, to, members.ErrSuspended.With("member", m)
		}
	}
	member, _ := view.Member(requester)
	if to, ok = member.Key(keys.Seal, a.instant(view)); !ok {
		return rel, to, ErrNotParty.With("release", id)
	}
	return rel, to, nil
}

// custodyAnswer is the signed answer over exactly the granted fields of each record.
func (a *Agency) custodyAnswer(ctx context.Context, view *machine.View, rel release.Release, generation int) (string, error) {
	out := custody.Answer{Issuer: a.Self, Audience: rel.Requester, Release: rel.ID, IssuedAt: int64(a.now()) / 1000, Federation: a.Federation}
	first, _ := view.Custody(rel.Record.Author, rel.Record.ID)
	for i, ref := range rel.Refs() {
		row, _ := view.Custody(ref.Author, ref.ID)
		g, ok := first.Beside(&row, generation)
		if !ok {
			return "", custody.ErrNoDeposit.With("record", ref.ID)
		}
		given, err := a.give(ctx, view, &rel, ref, g.Number)
		if err != nil {
			return "", err
		}
		if i == 0 {
			out.Statement, out.Parts = given.Statement, given.Parts
		} else {
			out.More = append(out.More, given)
		}
	}
	attest, err := a.Keys.Key(keys.Attest)
	if err != nil {
		return "", err
	}
	return custody.SignAnswer(out, attest)
}

// give is what this member gives of one record.
func (a *Agency) give(ctx context.Context, view *machine.View, rel *release.Release, ref lists.RecordRef, generation int) (out custody.Given, err error) {
	kept, err := a.Records.SharesOf(ctx, ref.Author, ref.ID)
	if err != nil {
		return out, err
	}
	at := slices.IndexFunc(kept, func(k records.Kept) bool { return k.Generation == generation })
	if at < 0 {
		return out, custody.ErrNoDeposit.With("record", ref.ID)
	}
	k := kept[at]
	st, err := custody.ReadStatement(k.Statement, ref.Author, a.Federation, a.attestKeyOf(ref.Author))
	if err != nil {
		return out, err
	}
	switch {
	case !a.onLedger(view, k.Statement, &st):
		return out, ErrNotYet.With()
	case st.Record != ref.ID || st.RecordDigest != ref.Digest:
		return out, ErrMismatch.With("release", rel.ID, "what", "digest")
	case st.Category != ref.Category:
		return out, ErrMismatch.With("release", rel.ID, "what", "category")
	}
	if err := st.CheckBoxes(k.Boxes); err != nil {
		return out, err
	}
	shares, err := a.sharesIn(k.Share, k.Statement, &st)
	if err != nil {
		return out, err
	}
	out.Statement = k.Statement
	for _, name := range rel.Fields {
		i := slices.IndexFunc(st.Fields, func(f custody.Field) bool { return f.Name == name })
		if i < 0 {
			return out, ErrMismatch.With("release", rel.ID, "what", "field "+name)
		}
		out.Parts = append(out.Parts, custody.Part{Field: name, Share: shares.Shares[i], Box: k.Boxes[i]})
	}
	return out, nil
}
