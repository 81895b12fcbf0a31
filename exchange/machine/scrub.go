package machine

import (
	"context"
	"fmt"

	"accord/exchange/journal"
	"accord/exchange/lists"
)

// Scrub compares what this node holds with itself, for statements after a
// number, about so many of them: the signed bytes with the digest in their row,
// the row with its leaf of the Merkle tree, and what a nomination was to put on
// lists with the entries that are there. It gives where to go on, 0 at the end,
// and an error when memory or disk has changed under the node, which must stop
// then. It works on the newest view beside Apply; one statement takes about 10 µs.
//
// View.Content, equal on all nodes at equal Seq, covers the rest of the rows.
// What neither can see is a row that was wrong on all from the beginning; Audit
// replays.
func (m *Machine) Scrub(ctx context.Context, after int64, most int) (next int64, err error) {
	v := m.View()
	for seq := after + 1; seq <= v.Seq(); seq++ {
		if err := ctx.Err(); err != nil {
			return seq - 1, err
		}
		if seq > after+int64(most) {
			return seq - 1, nil
		}
		if err := m.scrub(v, seq); err != nil {
			return seq - 1, err
		}
	}
	return 0, nil
}

func (m *Machine) scrub(v *View, seq int64) error {
	s, ok, err := journal.Get(v.state, seq)
	if err != nil {
		return err
	}
	if !ok {
		return journal.ErrJournal.With("why", fmt.Sprintf("statement %d is missing", seq))
	}
	leaf, err := v.tree.Leaf(seq)
	if err != nil {
		return err
	}
	if leaf != s.Leaf() {
		return journal.ErrJournal.With("why", fmt.Sprintf("statement %d is not its leaf", seq))
	}
	c, err := m.open([]byte(s.JWS))
	if err != nil {
		return err
	}
	if c.cmd.ID != s.ID || c.cmd.Issuer != s.Issuer || c.cmd.Operator != s.Operator || c.cmd.At != s.At || c.cmd.Verb != s.Verb {
		return journal.ErrJournal.With("why", fmt.Sprintf("the row of statement %d is not of what was signed", seq))
	}
	if body, nominates := c.body.(*lists.NominateBody); nominates && s.OK {
		return lists.Scrub(v.state, seq, body)
	}
	return nil
}
