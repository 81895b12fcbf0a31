package witness

import (
	"context"
	"fmt"
	"slices"

	"accord/crypto/bundle"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/machine"
	"accord/exchange/members"
)

// suspicion is a member that signed another root of a size than this node has.
type suspicion struct {
	member exchange.MemberID
	size   int64
}

// suspect keeps a note over another root for Run to judge.
func (w *Witness) suspect(m exchange.MemberID, size int64, note []byte) {
	if w.accused(m) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	s := suspicion{m, size}
	if _, known := w.suspects[s]; known || slices.ContainsFunc(w.alarms, func(a Alarm) bool { return a.Member == m && a.Settled == nil }) {
		return
	}
	w.suspects[s], w.since[s] = note, w.Clock()
	w.Log.Error("a member signed another history of the ledger", "member", m, "size", size, "note", string(note))
}

// judge decides every suspicion as soon as a quorum's signatures show who is
// wrong, and in any case when Grace is over.
func (w *Witness) judge(ctx context.Context) {
	w.mu.Lock()
	var open []suspicion
	for s := range w.suspects {
		open = append(open, s)
	}
	w.mu.Unlock()
	for _, s := range open {
		w.judgeOne(ctx, s)
	}
}

// votes are what the members signed of one size.
type votes struct {
	size int64
	ours tlog.Hash
	by   map[exchange.MemberID]tlog.Hash
	// notes are the signed notes, this member's first.
	notes [][]byte
}

// poll asks every member to sign the size in question.
func (w *Witness) poll(ctx context.Context, s suspicion, theirs []byte) (votes, error) {
	ours, err := w.Ledger.View().Tree().RootAt(s.size)
	if err != nil {
		return votes{}, err
	}
	v := votes{size: s.size, ours: ours, by: map[exchange.MemberID]tlog.Hash{}}
	// What this node holds counts even if it may not sign it any more.
	if own, err := w.Sign(ctx, s.size); err == nil {
		v.notes = append(v.notes, own)
	}
	v.take(s.member, theirs)
	ctx, cancel := context.WithTimeout(ctx, gatherTimeout)
	defer cancel()
	answers := w.everybody(ctx, func(ctx context.Context, p Peer, m members.Member) ([]byte, error) {
		answer, err := p.Checkpoint(ctx, s.size)
		return []byte(answer.Note), err
	})
	for _, t := range answers {
		if t.err != nil {
			continue
		}
		if only, c, _, err := w.of(t.member, t.note); err == nil && c.Size == s.size {
			v.take(t.member.ID, only)
		}
	}
	return v, nil
}

// take counts a member's first word; a second, different one is kept as
// evidence and not counted.
func (v *votes) take(m exchange.MemberID, note []byte) {
	c, _, err := tlog.Read(note)
	if err != nil {
		return
	}
	said, twice := v.by[m]
	if twice && said == c.Root {
		return
	}
	if !twice {
		v.by[m] = c.Root
	}
	v.notes = append(v.notes, note)
}

// sides counts who signed as this node did and the largest group that did not.
func (v *votes) sides(self exchange.MemberID) (with, against []exchange.MemberID) {
	with = []exchange.MemberID{self}
	groups := map[tlog.Hash][]exchange.MemberID{}
	for m, root := range v.by {
		if root == v.ours {
			with = append(with, m)
		} else {
			groups[root] = append(groups[root], m)
		}
	}
	for _, g := range groups {
		slices.Sort(g)
		if len(g) > len(against) || len(g) == len(against) && g[0] < against[0] {
			against = g
		}
	}
	slices.Sort(with)
	return with, against
}

func (w *Witness) judgeOne(ctx context.Context, s suspicion) {
	w.mu.Lock()
	theirs, open := w.suspects[s]
	since := w.since[s]
	w.mu.Unlock()
	if !open { // settled together with another
		return
	}
	v, err := w.poll(ctx, s, theirs)
	if err != nil {
		w.Log.Error("a difference cannot be judged", "member", s.member, "size", s.size, "error", err)
		return
	}
	view := w.Ledger.View()
	quorum := view.Federation().CosignQuorum
	with, against := v.sides(w.Self)
	a := Alarm{Kind: KindFork, Size: s.size, Index: indexOf(view, s.size), Member: s.member, Ours: v.ours.String(),
		Theirs: v.by[s.member].String(), With: with, Against: against}
	switch {
	case len(with) >= quorum:
		a.Verdict = VerdictMember
		a.Why = fmt.Sprintf("%s signed another ledger of size %d than a quorum (%s)", s.member, s.size, names(with))
	case len(against) >= quorum:
		a.Verdict, a.Stops = VerdictSelf, true
		a.Why = fmt.Sprintf("a quorum (%s) signed another ledger of size %d than this node", names(against), s.size)
	case w.Clock().Sub(since) < w.Grace:
		return // more of them may answer yet
	default:
		a.Verdict, a.Stops = VerdictUndecided, true
		a.Why = fmt.Sprintf("%s signed another ledger of size %d than this node, and no quorum says which is right", names(against), s.size)
	}
	w.raise(a, w.evidence(view, v))
	w.mu.Lock()
	defer w.mu.Unlock()
	for other := range w.suspects {
		if other.member == s.member || a.Stops {
			delete(w.suspects, other)
			delete(w.since, other)
		}
	}
}

// evidence makes the self-contained file: charter, rosters, the notes of both sides, and
// the proof that this node's side continues what was last agreed on.
func (w *Witness) evidence(view *machine.View, v votes) []byte {
	f := bundle.Fork{Format: bundle.ForkFormat, Federation: w.Federation, Charter: bundle.Charter{Signatures: w.Genesis.Signatures}}
	for _, seq := range view.RosterSeqs() {
		s, ok := view.Statement(seq)
		if !ok {
			w.Log.Error("the evidence of a fork lacks rosters", "statement", seq)
			break // the later ones do not stand without it
		}
		f.Rosters = append(f.Rosters, s.JWS)
	}
	for _, n := range v.notes {
		f.Notes = append(f.Notes, string(n))
	}
	if agreed, ok := w.before(v.size); ok && len(v.notes) > 0 {
		ours := slices.IndexFunc(v.notes, func(n []byte) bool { c, _, err := tlog.Read(n); return err == nil && c.Root == v.ours })
		proof, err := view.Tree().ProveConsistency(agreed.Size, v.size)
		if err == nil && ours >= 0 {
			f.Notes = append(f.Notes, agreed.Note)
			f.Links = append(f.Links, bundle.Link{From: len(f.Notes) - 1, To: ours, Root: agreed.Root, Proof: proof})
		}
	}
	raw, err := f.Marshal()
	if err != nil {
		w.Log.Error("the evidence of a fork is incomplete", "error", err)
		for _, n := range v.notes {
			raw = append(raw, n...)
		}
	}
	return raw
}

// before is the newest cosigned checkpoint below a size.
func (w *Witness) before(size int64) (found Cosigned, ok bool) {
	for _, c := range w.Chain() {
		if c.Size < size {
			found, ok = c, true
		}
	}
	return found, ok
}
