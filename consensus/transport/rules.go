package transport

import (
	"bytes"
	"errors"

	"github.com/hashicorp/raft"
)

// ruleSender: the header names the proven peer, at an address the membership
// has for it, and speaks our protocol version.
func (g *Guard) ruleSender(r *request) error {
	if r.header.ProtocolVersion != raft.ProtocolVersionMax {
		return errors.New("protocol version")
	}
	if string(r.header.ID) != r.peer {
		return errors.New("header names another node")
	}
	memberships := g.view.Memberships()
	if len(memberships) == 0 {
		return &notYet{why: laterStarting} // it has not read whom it believes
	}
	known := false
	for _, servers := range memberships {
		for _, s := range servers {
			if string(s.ID) != r.peer {
				continue
			}
			known = true
			if string(s.Address) == string(r.header.Addr) {
				return nil
			}
		}
	}
	if !known {
		return errors.New("not in the membership")
	}
	return errors.New("header names another address")
}

// ruleRole: who has no vote sends Raft nothing but answers.
func (g *Guard) ruleRole(r *request) error {
	if s, _ := g.find(r.peer); s.Suffrage != raft.Voter {
		return errors.New("not a voter")
	}
	return nil
}

// ruleTransfer: we never transfer leadership (raft#696), so nobody has a reason
// to ask for an election at once or for a vote against a living leader.
func (g *Guard) ruleTransfer(r *request) error {
	if v, ok := r.cmd.(*raft.RequestVoteRequest); ok && !v.LeadershipTransfer {
		return nil
	}
	return errors.New("leadership transfer is not used")
}

// ruleTerm: no term zero, no leap.
func (g *Guard) ruleTerm(r *request) error {
	if r.term == 0 {
		return errors.New("term zero")
	}
	if ours := g.view.Term(); r.term > ours && r.term-ours > maxTermJump {
		return errors.New("term jumps ahead")
	}
	return nil
}

// ruleElection: who leads shows that it was elected, who stands shows that a
// majority would have it stand. What is of an older term than ours raft answers
// by naming ours, and that is all it does.
func (g *Guard) ruleElection(r *request) error {
	var err error
	switch c := r.cmd.(type) {
	case *raft.AppendEntriesRequest:
		if r.term < g.view.Term() {
			return errPast
		}
		err = g.elections.admitLeader(r.peer, r.term, r.proofs.Term)
	case *raft.InstallSnapshotRequest:
		if r.term < g.view.Term() {
			return nil // a rule further down refuses it
		}
		err = g.elections.admitLeader(r.peer, r.term, r.proofs.Term)
	case *raft.RequestVoteRequest:
		if r.term < g.view.Term() {
			return nil
		}
		err = g.elections.admitCandidate(r.peer, c, r.proofs)
	case *raft.RequestPreVoteRequest:
		err = g.elections.admitPreCandidate(c, r.proofs)
	}
	if errors.Is(err, ErrMalformed) || errors.Is(err, errNoCertificate) {
		return accuse(err, nil)
	}
	return err
}

// errPast: of a term that is over. An honest leader may have sent it before it heard,
// with entries that others have replaced since; raft does not look at them.
var errPast = errors.New("transport: a term that is over")

// ruleEntries: entries follow one another from the previous one, their terms do
// not fall nor pass the sender's, their types are the three we use, and a
// configuration decodes. Raft ends the process over an unknown type or an
// undecodable configuration.
func (g *Guard) ruleEntries(r *request) error {
	c := r.cmd.(*raft.AppendEntriesRequest)
	index, term := c.PrevLogEntry, c.PrevLogTerm
	if (index == 0) != (term == 0) || term > c.Term {
		return errors.New("previous entry")
	}
	for _, e := range c.Entries {
		if index++; e.Index != index || e.Term < term || e.Term == 0 || e.Term > c.Term {
			return errors.New("entries out of sequence")
		}
		term = e.Term
		switch e.Type {
		case raft.LogCommand:
		case raft.LogNoop:
			if len(e.Data) != 0 {
				return errors.New("no-op with data")
			}
		case raft.LogConfiguration:
			if _, err := DecodeConfiguration(e.Data); err != nil {
				return err
			}
		default:
			return errors.New("entry type")
		}
	}
	return nil
}

// ruleCommitted: nothing at or below our floor may change. The entry must be the
// one we hold, bit by bit; where the log no longer holds it, a snapshot covers it
// and raft has no business there either. Above the floor, an entry can only be
// replaced by one of another term, and not if the leader said when it asked for
// votes that its log holds ours.
func (g *Guard) ruleCommitted(r *request) error {
	c := r.cmd.(*raft.AppendEntriesRequest)
	if len(c.Entries) == 0 {
		return nil
	}
	floor, last := g.view.Floor(), g.view.LastIndex()
	for _, e := range c.Entries {
		if e.Index > max(floor, last) {
			return nil
		}
		have, ok := g.view.Stored(e.Index)
		switch {
		case !ok && e.Index > floor:
			return nil
		case !ok:
			if _, prev := g.view.Stored(c.PrevLogEntry); c.PrevLogEntry == 0 || prev {
				return errors.New("below the log")
			}
			return nil // raft misses the previous entry too, says so, and the sender falls back to a snapshot
		case have.Term == e.Term && have.Type == e.Type && bytes.Equal(have.Data, e.Data):
		case e.Index <= floor:
			return accuse(errors.New("changes a committed entry"), EncodeEntry(have))
		case have.Term == e.Term:
			return accuse(errors.New("two entries of one term at one place"), EncodeEntry(have))
		default:
			return g.cut(c, e.Index, last, have)
		}
	}
	return nil
}

// cut judges the removal of our entries from an index on. Two logs with an entry
// of the same index and term are equal up to it. So if the leader claimed, when it
// was elected, a last entry of a term of which we hold an entry, up to where it
// claimed, then its log holds ours up to there, or it lied to its voters.
func (g *Guard) cut(c *raft.AppendEntriesRequest, from, last uint64, have raft.Log) error {
	if g.view.Term() != c.Term {
		return &notYet{why: laterTerm} // until raft is in this term an older leader could add to our log meanwhile
	}
	lastIndex, lastTerm, ok := g.elections.claim(c.Term)
	if !ok {
		return nil
	}
	lo, hi := from, min(last, lastIndex) // terms do not fall along the log
	for lo <= hi {
		mid := lo + (hi-lo)/2
		e, ok := g.view.Stored(mid)
		switch {
		case !ok:
			return nil
		case e.Term == lastTerm:
			return accuse(errors.New("removes what it claimed to hold when it was elected"), EncodeEntry(have))
		case e.Term < lastTerm:
			lo = mid + 1
		default:
			hi = mid - 1
		}
	}
	return nil
}

// ruleCommands: commands are judged before they are stored. Those already held
// were judged when they came.
func (g *Guard) ruleCommands(r *request) error {
	c := r.cmd.(*raft.AppendEntriesRequest)
	floor := g.view.Floor()
	var fresh []*raft.Log
	for _, e := range c.Entries {
		if e.Type == raft.LogCommand && e.Index > floor {
			fresh = append(fresh, e)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	return g.view.Check(fresh)
}

// ruleMembership: a membership entry follows from the signed governance.
func (g *Guard) ruleMembership(r *request) error {
	c := r.cmd.(*raft.AppendEntriesRequest)
	for _, e := range c.Entries {
		if e.Type != raft.LogConfiguration || e.Index <= g.view.Floor() {
			continue
		}
		if have, ok := g.view.Stored(e.Index); ok && have.Term == e.Term {
			continue // judged when it came
		}
		configuration, err := DecodeConfiguration(e.Data)
		if err != nil {
			return err
		}
		if err := g.view.Governs(configuration.Servers); err != nil {
			return accuse(err, nil)
		}
	}
	return nil
}

// ruleSnapshot: only from the node we follow, only ahead of what we have, with
// a configuration that decodes and within the size cap. Whether its content is
// the truth is not known here.
func (g *Guard) ruleSnapshot(r *request) error {
	c := r.cmd.(*raft.InstallSnapshotRequest)
	if c.SnapshotVersion != raft.SnapshotVersionMax {
		return errors.New("snapshot version")
	}
	if leader := g.view.Leader(); leader != r.peer || c.Term != g.view.Term() {
		return errors.New("not from the leader we follow")
	}
	if c.Size > g.cfg.MaxSnapshot {
		return errors.New("snapshot too large")
	}
	if c.LastLogTerm == 0 || c.LastLogTerm > c.Term || c.ConfigurationIndex == 0 || c.ConfigurationIndex > c.LastLogIndex {
		return errors.New("snapshot position")
	}
	if _, err := DecodeConfiguration(c.Configuration); err != nil {
		return err
	}
	have, ok := g.view.Stored(c.LastLogIndex)
	if index, term := g.view.Covered(); !ok && index == c.LastLogIndex {
		have, ok = raft.Log{Index: index, Term: term, Type: raft.LogNoop}, true
	}
	switch behind := c.LastLogIndex <= g.view.Floor(); {
	case ok && have.Term == c.LastLogTerm:
		return errHeld
	case ok && behind:
		return accuse(errors.New("a snapshot that contradicts a committed entry"), EncodeEntry(have))
	case behind:
		return errors.New("snapshot behind our own state")
	}
	return nil
}

// errHeld: the log, or a snapshot here, ends or goes on behind the entry the snapshot
// ends with, hence holds all before it; not a refusal.
var errHeld = errors.New("transport: what the snapshot covers is here")

// DecodeConfiguration decodes a membership without raft's panic, and accepts
// only the one encoding raft itself would write and a membership it would use.
func DecodeConfiguration(b []byte) (c raft.Configuration, err error) {
	if len(b) > MaxConfiguration {
		return raft.Configuration{}, malformed("configuration too long")
	}
	defer func() {
		if recover() != nil {
			c, err = raft.Configuration{}, malformed("configuration")
		}
	}()
	c = raft.DecodeConfiguration(b)
	if !bytes.Equal(raft.EncodeConfiguration(c), b) {
		return raft.Configuration{}, malformed("configuration encoding")
	}
	return c, CheckConfiguration(c)
}

// CheckConfiguration says whether a membership can be used: ids and addresses
// present, short and unique, at least one voter, no staging.
func CheckConfiguration(c raft.Configuration) error {
	ids, addrs, voters := map[raft.ServerID]bool{}, map[raft.ServerAddress]bool{}, 0
	for _, s := range c.Servers {
		if s.ID == "" || len(s.ID) > maxID || s.Address == "" || len(s.Address) > maxAddr || ids[s.ID] || addrs[s.Address] {
			return malformed("configuration server")
		}
		ids[s.ID], addrs[s.Address] = true, true
		switch s.Suffrage {
		case raft.Voter:
			voters++
		case raft.Nonvoter:
		default:
			return malformed("configuration suffrage")
		}
	}
	if voters == 0 {
		return malformed("configuration without voter")
	}
	return nil
}
