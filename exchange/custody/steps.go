package custody

import (
	"cmp"
	"slices"

	"accord/crypto/share"
	"accord/exchange"
	"accord/exchange/members"
	"accord/exchange/release"
	"accord/exchange/state"
)

// Bounds of one command and of one release.
const (
	MaxDeposits   = 256     // records of one custody.deposit
	maxDeliveries = 16      // by one custodian under one release
	maxGeneration = 1 << 30 // far more than anybody splits
)

// Named names a generation of one record's custody.
type Named struct {
	Record     exchange.RecordID `json:"record"`
	Generation int               `json:"generation"`
	Digest     string            `json:"digest"` // hex SHA-256 of the author's statement
}

// DepositBody is the body of custody.deposit.
type DepositBody struct {
	Category   string              `json:"category"`
	K          int                 `json:"k"`
	Custodians []exchange.MemberID `json:"custodians"` // in the order of their shares: by id
	Records    []Named             `json:"records"`
}

// DecodeDeposit reads the body.
func DecodeDeposit(body []byte) (*DepositBody, error) {
	b := new(DepositBody)
	if err := exchange.DecodeBody(exchange.VerbCustodyDeposit, body, b); err != nil {
		return nil, err
	}
	ok := exchange.ValidName(b.Category) && b.K >= 2 && b.K <= len(b.Custodians) && len(b.Custodians) <= share.MaxHolders &&
		len(b.Records) > 0 && len(b.Records) <= MaxDeposits
	seen := map[exchange.RecordID]bool{}
	for _, m := range b.Custodians {
		ok = ok && exchange.ValidName(string(m))
	}
	for _, r := range b.Records {
		ok = ok && exchange.ValidID(string(r.Record)) && r.Generation >= 1 && r.Generation <= maxGeneration && exchange.ValidHash(r.Digest) && !seen[r.Record]
		seen[r.Record] = true
	}
	if !ok {
		return nil, exchange.ErrBody.With("verb", exchange.VerbCustodyDeposit)
	}
	return b, nil
}

// Deposited is the outcome of custody.deposit.
type Deposited struct {
	Records int `json:"records"`
	Known   int `json:"known"` // of them, stood here before
}

// Put says which statements of the issuer count for its records: with those
// custodians that the catalogue names now, no more and no fewer. What stands here
// already may be said again; another statement for the same generation may not.
func Put(a *members.Act, b *DepositBody) (*Deposited, error) {
	p, ok := PolicyOf(a.Catalogue, members.All(a.Tx), a.Issuer.ID, b.Category)
	if !ok || !p.Enough() || b.K != p.K || !slices.Equal(b.Custodians, p.Custodians) {
		return nil, ErrPolicy.With("category", b.Category)
	}
	set := &Set{Seq: a.Seq, Author: a.Issuer.ID, Category: b.Category, K: b.K, Custodians: b.Custodians, At: a.Now}
	var rows []*Deposit
	for _, n := range b.Records {
		row, _ := DepositOf(a.Tx, a.Issuer.ID, n.Record)
		if g, ok := row.Generation(n.Generation); ok {
			if g.Digest != n.Digest {
				return nil, ErrTwice.With("record", n.Record)
			}
			continue
		}
		want := 1
		if len(row.Generations) > 0 {
			want = row.Generations[0].Number + 1
		}
		if n.Generation != want {
			return nil, ErrGeneration.With("record", n.Record, "want", want)
		}
		next := &Deposit{Author: a.Issuer.ID, Record: n.Record, Generations: []Generation{{n.Generation, n.Digest, a.Seq}}}
		next.Generations = append(next.Generations, row.Generations[:min(len(row.Generations), keptGenerations-1)]...)
		rows = append(rows, next)
	}
	out := &Deposited{Records: len(b.Records), Known: len(b.Records) - len(rows)}
	if len(rows) == 0 {
		return out, nil
	}
	for _, row := range rows {
		if err := deposits.Insert(a.Tx, row); err != nil {
			return nil, err
		}
	}
	return out, sets.Insert(a.Tx, set)
}

// setsOf are the custodians of each record of a release, in its order, for a generation
// of its first record.
func setsOf(r state.Reader, rel *release.Release, generation int) (sets []Set, err error) {
	first, _ := DepositOf(r, rel.Record.Author, rel.Record.ID)
	for _, ref := range rel.Refs() {
		row, _ := DepositOf(r, ref.Author, ref.ID)
		g, ok := first.Beside(&row, generation)
		set, known := SetOf(r, g)
		if !ok || !known || set.Category != ref.Category {
			return nil, ErrNoDeposit.With("record", ref.ID)
		}
		sets = append(sets, set)
	}
	return sets, nil
}

// DeliverBody is the body of custody.deliver.
type DeliverBody struct {
	Release    exchange.ReleaseID `json:"release"`
	Generation int                `json:"generation"`
	Digest     string             `json:"digest"` // hex SHA-256 of the encrypted answer
}

// DecodeDeliver reads the body.
func DecodeDeliver(body []byte) (*DeliverBody, error) {
	b := new(DeliverBody)
	if err := exchange.DecodeBody(exchange.VerbCustodyDeliver, body, b); err != nil {
		return nil, err
	}
	if !exchange.ValidID(string(b.Release)) || b.Generation < 1 || b.Generation > maxGeneration || !exchange.ValidHash(b.Digest) {
		return nil, exchange.ErrBody.With("verb", exchange.VerbCustodyDeliver)
	}
	return b, nil
}

// Stepped is the outcome of custody.deliver and custody.open.
type Stepped struct {
	Release exchange.ReleaseID `json:"release"`
	Answers int                `json:"answers"` // custodians that delivered
}

// Deliver is a custodian's receipt for what it is about to send.
func Deliver(a *members.Act, b *DeliverBody) (*Stepped, error) {
	rel, ok := release.Get(a.Tx, b.Release)
	if !ok {
		return nil, release.ErrUnknown.With("id", b.Release)
	}
	if m, _ := members.Get(a.Tx, rel.Requester); m.Suspended != 0 {
		return nil, members.ErrSuspended.With("member", rel.Requester)
	}
	sets, err := setsOf(a.Tx, &rel, b.Generation)
	if err != nil {
		return nil, err
	}
	switch {
	case slices.ContainsFunc(sets, func(s Set) bool { return s.Index(a.Issuer.ID) == 0 }):
		return nil, ErrNotCustodian.With("member", a.Issuer.ID)
	case suspended(a, rel.Requester):
		return nil, members.ErrSuspended.With("member", rel.Requester)
	case !rel.Standing(a.Now):
		return nil, ErrNotGranted.With("release", b.Release, "status", rel.StatusAt(a.Now))
	}
	if err := rel.Stands(a); err != nil {
		return nil, err
	}
	old, _ := AnswersOf(a.Tx, b.Release)
	next := &Answers{Release: b.Release}
	d := Delivery{Custodian: a.Issuer.ID, Generation: b.Generation, Digest: b.Digest, Operator: a.Command.Operator, At: a.Now, Seq: a.Seq, Times: 1}
	for _, was := range old.Deliveries {
		if was.Custodian == d.Custodian {
			if d.Times = was.Times + 1; d.Times > maxDeliveries {
				return nil, ErrOften.With("count", was.Times)
			}
			was = d
		}
		next.Deliveries = append(next.Deliveries, was)
	}
	if d.Times == 1 {
		next.Deliveries = append(next.Deliveries, d)
	}
	return &Stepped{b.Release, len(next.Deliveries)}, answers.Insert(a.Tx, next)
}

func suspended(a *members.Act, id exchange.MemberID) bool {
	m, ok := members.Get(a.Tx, id)
	return !ok || !m.Takes()
}

// OpenBody is the body of custody.open.
type OpenBody struct {
	Release    exchange.ReleaseID `json:"release"`
	Generation int                `json:"generation"`
	Answers    []Opened           `json:"answers"`
}

// Opened names an answer that the requester opened.
type Opened struct {
	Custodian exchange.MemberID `json:"custodian"`
	Digest    string            `json:"digest"`
}

// DecodeOpen reads the body.
func DecodeOpen(body []byte) (*OpenBody, error) {
	b := new(OpenBody)
	if err := exchange.DecodeBody(exchange.VerbCustodyOpen, body, b); err != nil {
		return nil, err
	}
	ok := exchange.ValidID(string(b.Release)) && b.Generation >= 1 && b.Generation <= maxGeneration && len(b.Answers) >= 2 && len(b.Answers) <= share.MaxHolders
	seen := map[exchange.MemberID]bool{}
	for _, o := range b.Answers {
		ok = ok && exchange.ValidName(string(o.Custodian)) && exchange.ValidHash(o.Digest) && !seen[o.Custodian]
		seen[o.Custodian] = true
	}
	if !ok {
		return nil, exchange.ErrBody.With("verb", exchange.VerbCustodyOpen)
	}
	return b, nil
}

// Open is the requester's receipt for the answers by which it opened the fields:
// from then on the release is opened, as by its author's delivery.
func Open(a *members.Act, b *OpenBody) (*Stepped, error) {
	rel, ok := release.Get(a.Tx, b.Release)
	switch {
	case !ok:
		return nil, release.ErrUnknown.With("id", b.Release)
	case rel.Requester != a.Issuer.ID:
		return nil, release.ErrNotRequester.With("requester", rel.Requester)
	case rel.Opened != nil:
		return nil, release.ErrStatus.With("status", release.Opened, "want", release.Granted)
	}
	sets, err := setsOf(a.Tx, &rel, b.Generation)
	if err != nil {
		return nil, err
	}
	k := slices.MaxFunc(sets, func(x, y Set) int { return cmp.Compare(x.K, y.K) }).K
	all, _ := AnswersOf(a.Tx, b.Release)
	if len(b.Answers) < k {
		return nil, ErrReceipts.With("k", k)
	}
	next := &Answers{Release: all.Release, Deliveries: all.Deliveries, OpenedAt: a.Now, OpenedSeq: a.Seq}
	for _, o := range b.Answers {
		if d, ok := all.Delivery(o.Custodian); !ok || d.Digest != o.Digest || d.Generation != b.Generation {
			return nil, ErrReceipts.With("k", k)
		}
		next.Opened = append(next.Opened, o.Custodian)
	}
	if err := release.OpenedByCustodians(a, rel, b.Answers[0].Digest); err != nil {
		return nil, err
	}
	return &Stepped{b.Release, len(all.Deliveries)}, answers.Insert(a.Tx, next)
}
