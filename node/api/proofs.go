package api

import (
	"net/http"

	"accord/crypto/bundle"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/machine"
	"accord/node/witness"
)

// ErrLeaf is given when a proof is asked for what is no leaf.
var ErrLeaf = exchange.Define(exchange.KindNotFound, "LEDGER-027",
	exchange.Text{Zh: "账本没有所指的声明", En: "there is no such statement on the ledger"},
	exchange.Text{Zh: "用 accord ledger statements 查看", En: "see accord ledger statements"})

// pointFor is a cosigned checkpoint to prove under: of exactly size, or for 0
// one of at least least leaves. Strangers get what has been gathered and do not
// make this node call on the others.
func (s *Server) pointFor(r *http.Request, size, least int64) (witness.Cosigned, error) {
	if size > 0 {
		if c, ok := s.Witness.At(size); ok {
			return c, nil
		}
	} else if c, ok := s.Witness.Newest(); ok && c.Size >= least {
		return c, nil
	}
	if c := callerOf(r); !c.Local && c.Member == "" {
		return witness.Cosigned{}, witness.ErrNoCheckpoint.With()
	}
	if size > 0 {
		return s.Witness.Gather(r.Context(), size)
	}
	return s.Witness.Vouched(r.Context(), least)
}

// inclusion is a C2SP tlog-proof that a statement is on the ledger. Its extra
// data is the leaf, so that the file explains itself.
func (s *Server) inclusion(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r, "statement", "entry", "seq", "size")
	if err != nil {
		return err
	}
	statement, entry := q.text("statement", exchange.ValidID), q.text("entry", exchange.ValidID)
	seq, size := q.number("seq", -1, 0, 1<<53-1), q.number("size", 0, 1, 1<<53-1)
	if err := q.err(); err != nil {
		return err
	}
	view := s.view()
	switch {
	case statement != "" && entry == "" && seq < 0:
		st, ok := view.FindStatement(exchange.CommandID(statement))
		if !ok {
			return ErrLeaf.With()
		}
		seq = st.Seq
	case entry != "" && statement == "" && seq < 0:
		e, ok := view.Entry(exchange.EntryID(entry))
		if !ok {
			return agency.ErrEntry.With("entry", printable(entry))
		}
		seq = e.Seq
	case seq < 0 || statement != "" || entry != "":
		return ErrQuery.With("name", "statement, entry, seq")
	}
	if size > 0 && seq >= size {
		return ErrLeaf.With()
	}
	point, err := s.pointFor(r, size, seq+1)
	if err != nil {
		return err
	}
	file, err := s.proofFile(view, seq, point)
	if err != nil {
		return err
	}
	return raw(w, "text/plain; charset=utf-8", file)
}

func (s *Server) proofFile(view *machine.View, seq int64, point witness.Cosigned) ([]byte, error) {
	leaf, ok := leafOf(view, seq)
	if !ok {
		return nil, ErrLeaf.With()
	}
	proof, err := view.Tree().ProveInclusion(seq, point.Size)
	if err != nil {
		return nil, ErrLeaf.Wrap(err)
	}
	note, err := s.withLogLine([]byte(point.Note))
	if err != nil {
		return nil, err
	}
	p := tlog.ProofFile{Extra: leaf, Index: seq, Proof: proof, Checkpoint: note}
	return p.MarshalText()
}

// leafOf is the data of a leaf.
func leafOf(view *machine.View, seq int64) ([]byte, bool) {
	if seq == 0 {
		return bundle.CharterLeaf([]byte(view.Federation().Charter)), true
	}
	st, ok := view.Statement(seq)
	return bundle.Leaf(string(st.ID), []byte(st.JWS), st.Recorded()), ok
}

// consistency is a proof that one cosigned checkpoint begins another.
func (s *Server) consistency(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r, "from", "to")
	if err != nil {
		return err
	}
	from, to := q.number("from", 0, 1, 1<<53-1), q.number("to", 0, 1, 1<<53-1)
	if err := q.err(); err != nil {
		return err
	}
	if from == 0 || to > 0 && to < from {
		return ErrQuery.With("name", "from")
	}
	file, err := s.consistencyFile(r, from, to)
	if err != nil {
		return err
	}
	return raw(w, "text/plain; charset=utf-8", file)
}

func (s *Server) consistencyFile(r *http.Request, from, to int64) ([]byte, error) {
	older, err := s.pointFor(r, from, 0)
	if err != nil {
		return nil, err
	}
	newer, err := s.pointFor(r, to, from)
	if err != nil {
		return nil, err
	}
	proof, err := s.view().Tree().ProveConsistency(older.Size, newer.Size)
	if err != nil {
		return nil, ErrQuery.Wrap(err, "name", "to")
	}
	p := tlog.ConsistencyFile{Proof: proof}
	if p.Old, err = s.withLogLine([]byte(older.Note)); err != nil {
		return nil, err
	}
	if p.New, err = s.withLogLine([]byte(newer.Note)); err != nil {
		return nil, err
	}
	return p.MarshalText()
}
