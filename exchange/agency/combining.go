package agency

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"

	"accord/crypto/sdjwt"
	"accord/crypto/seal"
	"accord/crypto/share"
	"accord/exchange"
	"accord/exchange/custody"
	"accord/exchange/lists"
	"accord/exchange/machine"
	"accord/exchange/records"
	"accord/exchange/release"
)

// This file is the requester's side of a release that custodians serve.

// The errors of opening by custodians.
var (
	ErrFewCustodians = exchange.Define(exchange.KindUnavailable, "CUST-031",
		exchange.Text{Zh: "只有 {have} 个托管方给出了有效的份额，需要 {k} 个", En: "{have} custodians gave good shares, and it takes {k}"},
		exchange.Text{Zh: "稍后再试；用 accord release show 查看谁已交付", En: "try again later; accord release show says who has delivered"})
	ErrNoCopy = exchange.Define(exchange.KindNotFound, "CUST-032",
		exchange.Text{Zh: "本节点没有该记录的签名部分，无法核对托管方给出的内容", En: "this node does not hold the record's signed part, so what custodians give cannot be checked"},
		exchange.Text{Zh: "用 accord feed status 查看镜像", En: "see accord feed status"})
)

// AskCustodian asks a custodian's node for its answer.
type AskCustodian func(ctx context.Context, m exchange.MemberID, id exchange.ReleaseID, generation int) (envelope string, err error)

// CustodyFault is a custodian that gave nothing usable, and why: an error's code where
// it answered nothing, a word where its answer does not hold.
type CustodyFault struct {
	Custodian exchange.MemberID
	Why       string
}

// custodyReply is an answer that verified: all its shares are of the commitments.
type custodyReply struct {
	from     exchange.MemberID
	envelope string
	given    []custody.Given     // of each record of the release, in its order
	st       []custody.Statement // the author's, likewise
}

// OpenByCustodians opens a granted release without the record's author: it asks the
// custodians, believes of what they give only what the author's commitments and the
// record's own digests prove, and leaves its receipt on the ledger before the fields
// are returned.
func (a *Agency) OpenByCustodians(ctx context.Context, op exchange.OperatorID, id exchange.ReleaseID, ask AskCustodian) (Opened, []CustodyFault, error) {
	view := a.Ledger.View()
	rel, ok := view.Release(id)
	switch {
	case !ok:
		return Opened{}, nil, ErrNoRelease.With("release", id)
	case rel.Requester != a.Self:
		return Opened{}, nil, ErrNotParty.With("release", id)
	case !rel.Standing(a.instant(view)):
		return Opened{}, nil, custody.ErrNotGranted.With("release", id, "status", rel.StatusAt(a.instant(view)))
	}
	signed, err := a.copies(ctx, &rel)
	if err != nil {
		return Opened{}, nil, err
	}
	row, ok := view.Custody(rel.Record.Author, rel.Record.ID)
	if !ok {
		return Opened{}, nil, custody.ErrNoDeposit.With("record", rel.Record.ID)
	}
	var faults []CustodyFault
	var last error
	for _, g := range row.Generations { // an author that went away in between may have left the newest unfinished
		set, _ := view.Custodians(g)
		replies, bad := a.askAll(ctx, op, view, rel, g, set, ask)
		faults = append(faults, bad...)
		if len(replies) < set.K {
			last = cmp.Or(last, error(ErrFewCustodians.With("have", len(replies), "k", set.K)))
			continue
		}
		opened, err := a.openReplies(&rel, signed, replies)
		if err != nil {
			return Opened{}, faults, err
		}
		body := custody.OpenBody{Release: id, Generation: g.Number}
		for _, r := range replies {
			body.Answers = append(body.Answers, custody.Opened{Custodian: r.from, Digest: digestOf(r.envelope)})
		}
		a.hit("custody.open.before")
		_, err = a.Act(ctx, op, exchange.VerbCustodyOpen, body)
		a.hit("custody.open.after")
		if err != nil {
			return Opened{}, faults, err
		}
		return opened, faults, nil
	}
	return Opened{}, faults, last
}

// copies are the signed parts of a release's records, as this node holds them.
func (a *Agency) copies(ctx context.Context, rel *release.Release) (signed []string, err error) {
	for _, ref := range rel.Refs() {
		rec, err := a.Records.Get(ctx, ref.ID)
		switch {
		case errors.Is(err, records.ErrNotFound) || err == nil && (rec.Author != ref.Author || rec.Digest != ref.Digest):
			return nil, ErrNoCopy.With()
		case err != nil:
			return nil, err
		case rec.Status == records.Retracted:
			return nil, ErrRetracted.With()
		}
		signed = append(signed, rec.JWT)
	}
	return signed, nil
}

// askAll asks all custodians of a generation at once, until as many as it takes gave
// good shares.
func (a *Agency) askAll(ctx context.Context, op exchange.OperatorID, view *machine.View, rel release.Release, g custody.Generation, set custody.Set, ask AskCustodian) (good []custodyReply, faults []CustodyFault) {
	ctx, enough := context.WithCancel(ctx)
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, m := range set.Custodians {
		if row, ok := view.Member(m); !ok || !row.Takes() {
			faults = append(faults, CustodyFault{m, "suspended or left"})
			continue
		}
		all.Go(func() {
			var envelope string
			var err error
			if m == a.Self {
				envelope, err = a.AnswerCustody(ctx, op, a.Self, rel.ID, g.Number)
			} else {
				envelope, err = ask(ctx, m, rel.ID, g.Number)
			}
			why := ""
			var reply custodyReply
			if err != nil {
				why = exchange.AsError(err).Code
			} else {
				reply, why = a.readReply(view, rel, g, m, envelope)
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case len(good) >= set.K: // what comes now is not needed
			case why != "":
				faults = append(faults, CustodyFault{m, why})
			default:
				if good = append(good, reply); len(good) == set.K {
					enough()
				}
			}
		})
	}
	all.Wait()
	enough()
	slices.SortFunc(faults, func(x, y CustodyFault) int { return cmp.Compare(x.Custodian, y.Custodian) })
	return good, faults
}

// readReply opens a custodian's envelope and says why it does not count, "" when it
// does.
func (a *Agency) readReply(view *machine.View, rel release.Release, g custody.Generation, m exchange.MemberID, envelope string) (r custodyReply, why string) {
	key, err := a.sealKeyFor(envelope)
	if err != nil {
		return r, exchange.AsError(err).Code
	}
	token, err := seal.Decrypt(key, custody.AnswerType, envelope)
	if err != nil {
		return r, "encryption"
	}
	answer, err := custody.ReadAnswer(string(token), m, a.Self, rel.ID, a.Federation, a.attestKeyOf(m))
	if err != nil {
		return r, "signature"
	}
	given, refs := answer.Of(), rel.Refs()
	if len(given) != len(refs) {
		return r, "records"
	}
	r = custodyReply{from: m, envelope: envelope, given: given}
	first, _ := view.Custody(rel.Record.Author, rel.Record.ID)
	for i, ref := range refs {
		row, _ := view.Custody(ref.Author, ref.ID)
		want, ok := first.Beside(&row, g.Number)
		st, why := a.judgeGiven(view, &rel, ref, want.Number, m, given[i])
		if !ok || why != "" {
			return custodyReply{}, cmp.Or(why, "another statement")
		}
		r.st = append(r.st, st)
	}
	return r, ""
}

// judgeGiven verifies what a custodian gives of one record against what its author signed
// and the ledger names; "" for good.
func (a *Agency) judgeGiven(view *machine.View, rel *release.Release, ref lists.RecordRef, generation int, m exchange.MemberID, given custody.Given) (st custody.Statement, why string) {
	st, err := custody.ReadStatement(given.Statement, ref.Author, a.Federation, a.attestKeyOf(ref.Author))
	if err != nil || !a.onLedger(view, given.Statement, &st) || st.Generation != generation || st.Record != ref.ID || st.RecordDigest != ref.Digest {
		return st, "another statement"
	}
	if len(given.Parts) != len(rel.Fields) {
		return st, "fields"
	}
	for i, p := range given.Parts {
		f := st.Field(p.Field)
		if f == nil || p.Field != rel.Fields[i] || custody.Digest(string(p.Box)) != f.Box {
			return st, "fields"
		}
		if share.Verify(share.Commitment(f.Commitment), share.Share{Index: st.Index(m), Value: p.Share}) != nil {
			return st, "share"
		}
	}
	return st, ""
}

// openReplies opens every record of a release out of what the custodians gave.
func (a *Agency) openReplies(rel *release.Release, signed []string, replies []custodyReply) (Opened, error) {
	var out Opened
	for i, ref := range rel.Refs() {
		one, err := a.combineRecord(rel, ref, i, signed[i], replies)
		if err != nil {
			return Opened{}, err
		}
		out.Records = append(out.Records, one)
	}
	if len(out.Records) == 1 {
		out.Fields, out.Bound = out.Records[0].Fields, out.Records[0].Bound
	}
	return out, nil
}

// combineRecord combines the shares of every granted field of one record, opens its box,
// and accepts what comes out only if the record the author signed names its digest.
func (a *Agency) combineRecord(rel *release.Release, ref lists.RecordRef, at int, jwt string, replies []custodyReply) (OpenedRecord, error) {
	st := &replies[0].st[at]
	var disclosures []sdjwt.Disclosure
	for i, name := range rel.Fields {
		f := st.Field(name)
		var shares []share.Share
		for _, r := range replies {
			shares = append(shares, share.Share{Index: st.Index(r.from), Value: r.given[at].Parts[i].Share})
		}
		key, _, err := share.Combine(share.Commitment(f.Commitment), st.Context(f), shares)
		if err != nil {
			return OpenedRecord{}, ErrDelivery.With("what", "shares")
		}
		plain, err := seal.OpenUnder(key, seal.Binding{Record: string(st.Record), Field: f.Name, Digest: f.Digest}, st.Generation, replies[0].given[at].Parts[i].Box)
		clear(key)
		if err != nil {
			return OpenedRecord{}, ErrDelivery.With("what", "encryption")
		}
		d, err := sdjwt.ParseDisclosure(string(plain))
		if err != nil || d.Name() != name || d.Digest() != f.Digest {
			return OpenedRecord{}, ErrDelivery.With("what", "field "+name)
		}
		disclosures = append(disclosures, d)
	}
	shown := sdjwt.Combine(jwt, disclosures)
	verified, err := sdjwt.Verify(shown, TypRecord, a.attestKeyOf(ref.Author), recordVisible...)
	if err != nil {
		return OpenedRecord{}, ErrDelivery.Wrap(err, "what", "signature")
	}
	if what := matches(verified, ref, rel.Fields); what != "" {
		return OpenedRecord{}, ErrDelivery.With("what", what)
	}
	out := OpenedRecord{Record: ref.ID, Fields: map[string]json.RawMessage{}, Bound: shown}
	for _, d := range verified.Disclosed {
		out.Fields[d.Name()] = d.Value()
	}
	return out, nil
}
