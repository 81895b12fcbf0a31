package machine

import (
	"errors"

	"accord/crypto/strictjson"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/journal"
	"accord/exchange/members"
	"accord/exchange/state"
)

// Apply decides the commands of one log entry, in order, in one transaction,
// and gives one encoded exchange.Result for each. An error means that this node
// must stop: it was given something it cannot understand, or its own rows are
// at fault. Then nothing of the entry is applied, and nothing later will be.
func (m *Machine) Apply(index uint64, payloads [][]byte) ([][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fault != nil {
		return nil, m.fault
	}
	results, err := m.apply(index, payloads)
	if err != nil {
		m.fault = ErrStopped.Wrap(err, "why", exchange.AsError(err).Code)
		return nil, m.fault
	}
	return results, nil
}

// run is one call of Apply.
type run struct {
	*Machine
	tx     *state.Tx
	index  uint64
	force  force // the catalogues before the next command
	agreed int   // machine version in force before the next command
	leaves []tlog.Hash
}

func (m *Machine) apply(index uint64, payloads [][]byte) ([][]byte, error) {
	v := m.View()
	if index <= v.Index() {
		return nil, ErrStopped.With("why", "an entry was given twice or out of order")
	}
	m.at("machine.apply.begin")
	r := &run{Machine: m, tx: m.store.Begin(), index: index, force: v.force, agreed: v.federation.MachineVersion}
	defer r.tx.Abort()
	commands := make([]*opened, len(payloads))
	for i, payload := range payloads {
		var err error
		if commands[i], err = m.open(payload); err != nil {
			return nil, err
		}
	}
	m.verify(commands, payloads)
	results := make([][]byte, len(payloads))
	for i, c := range commands {
		result, err := r.one(c)
		if err != nil {
			return nil, err
		}
		if results[i], err = result.Encode(); err != nil {
			return nil, err
		}
	}
	if len(r.leaves) > 0 {
		if err := journal.Pack(r.tx, index); err != nil {
			return nil, err
		}
	}
	m.at("machine.apply.commit")
	next, err := r.tx.Commit(index)
	if err != nil {
		return nil, err
	}
	m.at("machine.apply.committed")
	for _, leaf := range r.leaves {
		m.tree.Append(leaf)
	}
	m.publish(m.store, m.tree, next, r.force)
	for _, c := range commands {
		m.remembered.drop(c)
	}
	m.at("machine.apply.published")
	return results, nil
}

// one decides one command.
func (r *run) one(c *opened) (exchange.Result, error) {
	now := max(r.tx.Head().Time, c.cmd.At)
	issuer, key, err := keyOf(r.tx, c, now)
	if refusal := r.authentic(c, key, err); refusal != nil {
		return r.turnAway(c, refusal), nil
	}
	if c.since > r.agreed {
		return r.turnAway(c, ErrInactive.With("verb", c.cmd.Verb, "since", c.since)), nil
	}
	if first, known := journal.Find(r.tx, c.cmd.ID); known {
		if first.Digest != c.sum {
			return r.turnAway(c, ErrConflict.With()), nil
		}
		answer := first.Answer(r.index)
		answer.Repeat = true
		return answer, nil
	}
	return r.decide(c, issuer, now)
}

// turnAway answers a command that is no leaf: it is not authentic, its verb is not
// in force, or its id is another's. It changes nothing at all.
func (r *run) turnAway(c *opened, refusal *exchange.Error) exchange.Result {
	refusal.Cause = nil
	return exchange.Result{ID: c.cmd.ID, Index: r.index, Error: refusal}
}

// decide carries out the verb and records the command with its answer.
func (r *run) decide(c *opened, issuer members.Member, now exchange.Millis) (exchange.Result, error) {
	act := &members.Act{Tx: r.tx, Command: c.cmd, Token: c.token, Seq: r.tx.Head().Seq + 1, Now: now,
		Issuer: issuer, Catalogue: r.force.at(now), Tools: r.tools, Tree: r.journal}
	outcome, refusal, err := r.perform(c, act)
	if err != nil {
		return exchange.Result{}, err
	}
	s := journal.Statement{Seq: act.Seq, ID: c.cmd.ID, Verb: c.verb.name, Issuer: issuer.ID, Operator: c.cmd.Operator,
		At: c.cmd.At, OK: refusal == nil, Error: refusal, Outcome: outcome, Digest: c.sum, JWS: c.token}
	if err := journal.Append(r.tx, s); err != nil {
		return exchange.Result{}, err
	}
	leaf := s.Leaf()
	r.leaves = append(r.leaves, leaf)
	r.tx.CloseCommand(state.Digest(leaf), now, refusal != nil)
	if refusal == nil {
		if err := r.renew(c.verb.name); err != nil {
			return exchange.Result{}, err
		}
	}
	return s.Answer(r.index), nil
}

// journal is the tree with the leaves of this entry's earlier commands: how they
// were packed into entries must not show in any answer.
func (r *run) journal() tlog.View { return r.tree.View().With(r.leaves) }

// renew takes over what a command has changed for all later ones.
func (r *run) renew(verb exchange.Verb) (err error) {
	switch verb {
	case exchange.VerbAdopt:
		r.force, err = r.forceOf(r.tx, r.tx.Head().Time)
	case exchange.VerbVote: // it may have brought either
		if r.force, err = r.forceOf(r.tx, r.tx.Head().Time); err == nil {
			err = r.agree()
		}
	case exchange.VerbRoster, exchange.VerbAnnounce:
		err = r.agree()
	}
	return err
}

// agree takes over the machine version in force.
func (r *run) agree() (err error) {
	if r.agreed = members.Fed(r.tx).MachineVersion; r.agreed > Version {
		err = ErrTooOld.With("agreed", r.agreed, "version", Version)
	}
	return err
}

// suspendedMay are the verbs that a suspended member keeps: what its node can apply
// concerns all, and so does why the ledger went on after a loss.
func suspendedMay(verb exchange.Verb) bool {
	return verb == exchange.VerbAnnounce || verb == exchange.VerbRecover
}

// perform gives the outcome, or the refusal, or a fault. That a refusal has
// changed no row is asserted here for every part.
func (r *run) perform(c *opened, act *members.Act) (outcome []byte, refusal *exchange.Error, err error) {
	if act.Issuer.Suspended != 0 && !suspendedMay(c.verb.name) {
		return nil, members.ErrSuspended.With("member", act.Issuer.ID), nil
	}
	if want := act.Catalogue.Document().Version; c.cmd.Catalogue != want {
		return nil, ErrCatalogue.With("got", c.cmd.Catalogue, "want", want), nil
	}
	out, err := c.verb.apply(act, c.body)
	if err != nil {
		if !errors.As(err, &refusal) || refusal.Kind == exchange.KindInternal {
			return nil, nil, err
		}
		if r.tx.Touched() != 0 {
			return nil, nil, ErrStopped.Wrap(err, "why", "a refusal changed rows")
		}
		refusal.Cause = nil
		return nil, refusal, nil
	}
	if plain, ok := out.(interface{ AppendJSON([]byte) []byte }); ok {
		return plain.AppendJSON(nil), nil, nil
	}
	outcome, err = strictjson.Marshal(out)
	return outcome, nil, err
}
