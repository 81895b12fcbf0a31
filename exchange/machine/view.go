package machine

import (
	"iter"
	"slices"

	"accord/crypto/keys"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/custody"
	"accord/exchange/feed"
	"accord/exchange/journal"
	"accord/exchange/lists"
	"accord/exchange/meeting"
	"accord/exchange/members"
	"accord/exchange/release"
	"accord/exchange/state"
)

// View is the state as of one index. It never changes and is safe for any
// number of goroutines; everything read from one View fits together. What it
// gives is read only.
type View struct {
	machine    *Machine
	state      *state.View
	tree       tlog.View
	force      force
	federation members.Federation
	changed    chan struct{}
	roster     func() members.RosterRow // looked up once: every request asks
}

// Index is the last log entry applied.
func (v *View) Index() uint64 { return v.state.Head().Index }

// Seq is the number of commands answered, and the last one's leaf.
func (v *View) Seq() int64 { return v.state.Head().Seq }

// Refused is how many of them were rejected.
func (v *View) Refused() int64 { return v.state.Head().Refused }

// Time is ledger time: the latest time of a command.
func (v *View) Time() exchange.Millis { return v.state.Head().Time }

// Digest is the chain digest: equal at equal Seq on all nodes.
func (v *View) Digest() state.Digest { return v.state.Head().Chain }

// Size is the number of leaves of the journal's tree: the charter's and one
// for each command.
func (v *View) Size() int64 { return v.tree.Size() }

// Root is the tree's root.
func (v *View) Root() tlog.Hash { return v.tree.Root() }

// Tree is the journal's tree, for roots at smaller sizes and for proofs.
func (v *View) Tree() tlog.View { return v.tree }

// Changed is closed as soon as Machine.View gives a newer state, after Apply
// and after Restore: the seam for long polls.
func (v *View) Changed() <-chan struct{} { return v.changed }

// Rows is the state itself, for a part's own queries.
func (v *View) Rows() *state.View { return v.state }

// Content is the digest of all rows. It reads every row.
func (v *View) Content() (state.Digest, error) { return v.state.Content() }

// Federation is what the charter fixed, with its signed bytes.
func (v *View) Federation() members.Federation { return v.federation }

// Catalogue is the catalogue in force at ledger time.
func (v *View) Catalogue() *catalogue.Catalogue { return v.force.at(v.Time()) }

// CatalogueFor is the one that counts for a command of a time, as far as is decided
// now: for whoever acts.
func (v *View) CatalogueFor(at exchange.Millis) *catalogue.Catalogue {
	return v.force.at(max(at, v.Time()))
}

// NextCatalogue is the version that is adopted and waits for its time.
func (v *View) NextCatalogue() (row members.Version, from exchange.Millis, waits bool) {
	return members.NextVersion(v.state, v.Time())
}

// CatalogueAt is a version that is or was in force.
func (v *View) CatalogueAt(version int) (*catalogue.Catalogue, bool) {
	row, ok := members.VersionOf(v.state, version)
	if !ok {
		return nil, false
	}
	c, err := v.machine.tools.Catalogue(row)
	return c, err == nil
}

// CatalogueVersion is the row of the version in force: its bytes, since when,
// and who endorsed it.
func (v *View) CatalogueVersion() members.Version { return members.VersionAt(v.state, v.Time()) }

// CatalogueVersions gives all versions, oldest first.
func (v *View) CatalogueVersions() iter.Seq[members.Version] { return members.Versions(v.state) }

// Member finds a member.
func (v *View) Member(id exchange.MemberID) (members.Member, bool) { return members.Get(v.state, id) }

// Members lists the members by id.
func (v *View) Members() []members.Member {
	var all []members.Member
	for m := range members.All(v.state) {
		all = append(all, m)
	}
	return all
}

// Roster is the roster in force; before the first one only the charter's digest.
func (v *View) Roster() members.RosterRow { return v.roster() }

// Lineage is the roster in force with all before it.
func (v *View) Lineage() *members.Lineage { return v.machine.tools.Book.Find(v.Roster().Digest) }

// Rosters gives the rosters that came into force after a version, oldest first.
func (v *View) Rosters(after int) iter.Seq[members.RosterRow] { return members.Rosters(v.state, after) }

// RosterSeqs are the statements that brought the rosters since the charter, in the
// ledger's order: of one that the joint meeting decided on the proposal, the votes, and
// last the vote that brought it.
func (v *View) RosterSeqs() (seqs []int64) {
	for row := range v.Rosters(0) {
		seqs = append(append(seqs, row.Papers...), row.Seq)
	}
	slices.Sort(seqs)
	return slices.Compact(seqs)
}

// BringsRoster says whether a statement is the one that brought a roster.
func (v *View) BringsRoster(s journal.Statement) bool {
	if !s.OK || s.Verb != exchange.VerbRoster && s.Verb != exchange.VerbVote {
		return false
	}
	for row := range v.Rosters(0) {
		if row.Seq == s.Seq {
			return true
		}
	}
	return false
}

// BuildOf is what a node announced of itself last.
func (v *View) BuildOf(node string) (members.Build, bool) { return members.BuildOf(v.state, node) }

// KeyAt finds a key that counted at a time, and whose it was.
func (v *View) KeyAt(kid string, at exchange.Millis) (members.Member, keys.Public, bool) {
	return members.KeyAt(v.state, kid, at)
}

// Proposals gives the proposals before the joint meeting, oldest first.
func (v *View) Proposals() iter.Seq[meeting.Proposal] { return meeting.All(v.state) }

// Proposal finds a proposal, with the votes on it and what they come to.
func (v *View) Proposal(id exchange.CommandID) (p meeting.Proposal, cast []meeting.Ballot, t meeting.Tally, ok bool) {
	if p, ok = meeting.Get(v.state, id); ok {
		cast = meeting.Ballots(v.state, id)
		t = p.Tally(v.state, cast)
	}
	return p, cast, t, ok
}

// Entry finds a list entry.
func (v *View) Entry(id exchange.EntryID) (lists.Entry, bool) { return lists.Get(v.state, id) }

// Entries gives a page of list entries and where to continue.
func (v *View) Entries(q lists.Query) (page []lists.Entry, next exchange.EntryID) {
	return lists.Find(v.state, q)
}

// AskEntries answers a question about the entries of all lists; now is the time of
// asking.
func (v *View) AskEntries(q lists.Question, now exchange.Millis, cursor string, limit int) (lists.Found, error) {
	return lists.Ask(v.state, q, q.Stand(v.Size(), v.Time(), now), cursor, limit)
}

// EntryDocument is an entry's document as signed.
func (v *View) EntryDocument(e *lists.Entry) (string, error) { return lists.DocumentOf(v.state, e) }

// Release finds a release, its decision with its sentences.
func (v *View) Release(id exchange.ReleaseID) (release.Release, bool) {
	r, ok := release.Get(v.state, id)
	if ok {
		v.explain(&r)
	}
	return r, ok
}

// Releases gives a page of releases, their decisions with their sentences, and
// where to continue.
func (v *View) Releases(q release.Query) (page []release.Release, next exchange.ReleaseID) {
	page, next = release.Find(v.state, q)
	for i := range page {
		v.explain(&page[i])
	}
	return page, next
}

// WaitingReleases are the pending requests on which an operator's word is asked for.
func (v *View) WaitingReleases(m members.Member, op exchange.OperatorID, at exchange.Millis, limit int) []release.Release {
	return release.Waiting(v.state, m, op, at, limit)
}

func (v *View) explain(r *release.Release) {
	c, ok := v.CatalogueAt(r.Decision.Version)
	requester, known := v.Member(r.Requester)
	author, knownToo := v.Member(r.Record.Author)
	if ok && known && knownToo {
		r.Decision = r.Explain(c, requester.Kind, author.Kind)
	}
}

// Anchor is the last anchor of a member's feed.
func (v *View) Anchor(author exchange.MemberID) (feed.Anchor, bool) {
	return feed.AnchorOf(v.state, author)
}

// Custody is which statements count on the custody of an author's record.
func (v *View) Custody(author exchange.MemberID, record exchange.RecordID) (custody.Deposit, bool) {
	return custody.DepositOf(v.state, author, record)
}

// Custodians are the members that keep a generation.
func (v *View) Custodians(g custody.Generation) (custody.Set, bool) { return custody.SetOf(v.state, g) }

// CustodyAnswers is what custodians delivered under a release.
func (v *View) CustodyAnswers(id exchange.ReleaseID) (custody.Answers, bool) {
	return custody.AnswersOf(v.state, id)
}

// Statement finds a command by its leaf. When the signed bytes cannot be read
// the node is stopped, and there is no statement.
func (v *View) Statement(seq int64) (journal.Statement, bool) {
	s, ok, err := journal.Get(v.state, seq)
	if err != nil {
		v.machine.fail(err)
	}
	return s, ok
}

// FindStatement finds a command by its id, as Statement does.
func (v *View) FindStatement(id exchange.CommandID) (journal.Statement, bool) {
	s, ok := journal.Find(v.state, id)
	if !ok {
		return s, false
	}
	return v.Statement(s.Seq)
}

// Statements gives the commands after a leaf, in order, as Statement does.
func (v *View) Statements(after int64) iter.Seq[journal.Statement] {
	return func(yield func(journal.Statement) bool) {
		for seq := max(after, 0) + 1; seq <= v.Seq(); seq++ {
			if s, ok := v.Statement(seq); !ok || !yield(s) {
				return
			}
		}
	}
}

// IndexOf is the log entry that brought a command, 0 when there is none.
func (v *View) IndexOf(seq int64) uint64 { return journal.IndexOf(v.state, seq) }

// SizeAt is how many leaves the tree had when the log entry with this index had
// been applied; 0 when the view does not reach that index.
func (v *View) SizeAt(index uint64) int64 {
	if index > v.Index() {
		return 0
	}
	return journal.SeqAt(v.state, index) + 1
}
