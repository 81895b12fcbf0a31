package feeds

import (
	"context"

	"accord/crypto/bundle"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/feed"
	"accord/exchange/meeting"
	"accord/exchange/members"
	"accord/exchange/records"
)

// word is what a part brings of the ledger: verified from the charter that this node
// has, by the rosters' endorsements, inclusion proofs and a checkpoint that enough
// members cosigned. It stands beside what the ledger here says, and never in it.
type word struct {
	line      *members.Lineage
	anchors   []anchored
	catalogue *catalogue.Catalogue // nil: none was adopted after the charter's
	from      exchange.Millis      // since when it counts, at the earliest
	motions   map[exchange.CommandID]*motion
}

// motion is what is before the joint meeting, with the votes so far.
type motion struct {
	roster    members.SignedRoster
	catalogue string
	from      exchange.Millis // when the catalogue is to count
	yes       int
}

// anchored is an anchor with the statement that brought it.
type anchored struct {
	feed.Anchor
	paper string // JWS
}

// readWord verifies what a part says of the ledger about its author; nil for none.
func (f *Feeds) readWord(p *Part) (*word, error) {
	if p.word == nil {
		return nil, nil
	}
	trust := bundle.DigestOf(f.Genesis.Charter)
	if r := bundle.Verify(p.word, bundle.Options{Trust: &trust}); !r.OK || !r.Anchored {
		return nil, ErrPart.With("why", "what it says of the ledger")
	}
	b, err := bundle.Parse(p.word)
	if err != nil {
		return nil, ErrPart.Wrap(err, "why", "what it says of the ledger")
	}
	w := &word{motions: map[exchange.CommandID]*motion{}}
	if w.line, err = f.Genesis.Lineage(); err != nil {
		return nil, err
	}
	for _, c := range b.Commands {
		if c.Outcome != bundle.Accepted {
			continue
		}
		if err := w.take(p.Author, c); err != nil {
			return nil, ErrPart.Wrap(err, "why", "what it says of the ledger")
		}
	}
	return w, nil
}

// take reads a statement that was proved to be on the ledger and accepted there.
func (w *word) take(author exchange.MemberID, c bundle.Command) error {
	t, err := jws.Parse(c.JWS)
	if err != nil {
		return err
	}
	var s exchange.Command
	if err := strictjson.UnmarshalLoose(t.Payload, &s); err != nil {
		return err
	}
	switch {
	case s.Verb == exchange.VerbRoster:
		r, err := members.DecodeRoster(s.Body)
		if err != nil {
			return err
		}
		w.line, err = w.line.Extend(*r, nil)
		return err
	case s.Verb == exchange.VerbPropose:
		p, err := meeting.DecodePropose(s.Body)
		if err != nil {
			return err
		}
		m := &motion{}
		if p.Roster != nil {
			m.roster = members.SignedRoster{Document: p.Roster.Document, Proofs: p.Roster.Proofs}
		}
		if p.Catalogue != nil {
			m.catalogue, m.from = p.Catalogue.Document, p.Catalogue.From
		}
		w.motions[s.ID] = m
	case s.Verb == exchange.VerbVote:
		return w.vote(s.Body, s.At)
	case s.Verb == exchange.VerbFeedAnchor && s.Issuer == author:
		a, err := feed.DecodeAnchor(s.Body)
		if err != nil {
			return err
		}
		w.anchors = append(w.anchors, anchored{feed.Anchor{Author: author, Size: a.Size, Root: a.Root, Seq: c.Index}, c.JWS})
	case s.Verb == exchange.VerbAdopt:
		a, err := members.DecodeAdopt(s.Body)
		if err != nil {
			return err
		}
		doc, err := catalogue.Parse([]byte(a.Document))
		if err != nil {
			return err
		}
		w.catalogue, w.from = catalogue.New(doc), 0
	}
	return nil
}

// vote takes in a vote of the joint meeting, and what it brings once enough of them
// came: the ledger accepted each.
func (w *word) vote(body []byte, at exchange.Millis) error {
	v, err := meeting.DecodeVote(body)
	if err != nil {
		return err
	}
	m := w.motions[v.Proposal]
	if m == nil || v.Endorsement == "" {
		return nil
	}
	m.yes++
	if m.roster.Document != "" {
		m.roster.Endorsements = append(m.roster.Endorsements, v.Endorsement)
		if line, err := w.line.Extend(m.roster, nil); err == nil {
			w.line = line
		}
		return nil
	}
	if m.yes < w.line.Roster().Quorums.Adopt {
		return nil
	}
	doc, err := catalogue.Parse([]byte(m.catalogue))
	if err == nil {
		w.catalogue, w.from = catalogue.New(doc), max(m.from, at+meeting.Notice)
	}
	return err
}

// authorKeys are the author's keys for a use, whenever they counted, as the ledger
// here has them and as a part proves them.
func (fl *follow) authorKeys(use keys.Use) (all []keys.Public) {
	m, _ := fl.Ledger.View().Member(fl.author)
	for _, k := range m.Keys {
		if k.Public.Use() == use {
			all = append(all, k.Public)
		}
	}
	if fl.word == nil {
		return all
	}
	for at := fl.word.line; at != nil; at = at.Parent() {
		m, _ := at.Roster().Member(fl.author)
		for _, k := range m.Keys {
			if k.Use() == use {
				all = append(all, k)
			}
		}
	}
	return all
}

// anchors are the author's anchors that this node knows of, by size.
func (fl *follow) anchors() (all []anchored) {
	view := fl.Ledger.View()
	if fl.word != nil {
		all = fl.word.anchors
	}
	if a, ok := view.Anchor(fl.author); ok {
		s, _ := view.Statement(a.Seq)
		all = append(all, anchored{a, s.JWS})
	}
	if len(all) == 2 && all[0].Size > all[1].Size {
		all[0], all[1] = all[1], all[0]
	}
	return all
}

// catalogueAt is a version that is or was in force. One that was adopted for a later day
// is not: an author could withhold by it before that day.
func (fl *follow) catalogueAt(version int) (*catalogue.Catalogue, bool) {
	if c, ok := fl.Ledger.View().CatalogueAt(version); ok {
		return c, true
	}
	if fl.word != nil && fl.word.catalogue != nil && fl.word.catalogue.Document().Version == version &&
		exchange.MillisOf(fl.Clock()) >= fl.word.from {
		return fl.word.catalogue, true
	}
	return nil, false
}

// reached are the anchors that a part can be held against: those in what is held or
// in the part itself. What lies beyond it the next one is held against.
func reached(all []anchored, have records.Feed, until int64) (some []anchored) {
	for _, a := range all {
		if a.Size <= max(until, have.Edge.Size()) {
			some = append(some, a)
		}
	}
	return some
}

// past judges a part whose checkpoint has fewer entries than are held: an older file,
// unless it shows another history.
func (fl *follow) past(ctx context.Context, have records.Feed, h head) error {
	root, err := fl.own(ctx, have.Edge.Size()).RootAt(h.Size)
	if err == nil && root != h.Root {
		return fl.accuse(KindRewrite, h.Size, "what it showed before is not the beginning of what it shows now",
			fl.history(ctx, have, anchored{}, h))
	}
	return err
}
