package api

import (
	"encoding/hex"
	"net/http"

	"accord/crypto/tlog"
	"accord/exchange/journal"
	"accord/node/wire"
)

// maxPageBytes bounds the signed bytes on one page of statements: a client
// reads no more than 64 MiB, and one statement has at most a quarter.
const maxPageBytes = 8 << 20

// ledger is where this node's copy of the ledger stands.
func (s *Server) ledger(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r, "read")
	if err != nil {
		return err
	}
	linear := q.linear()
	if err := q.err(); err != nil {
		return err
	}
	if err := publicOnly(r, linear, nil, ""); err != nil {
		return err
	}
	view, err := s.read(w, r, linear)
	if err != nil {
		return err
	}
	root := view.Root()
	return answer(w, wire.Ledger{Index: view.Index(), Size: view.Size(), Root: hex.EncodeToString(root[:]),
		Digest: view.Digest().String(), Time: view.Time().Time()})
}

// statements is a page of the ledger as it was signed, for members.
func (s *Server) statements(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r, "after", "limit", "read")
	if err != nil {
		return err
	}
	after, limit, linear := q.number("after", 0, 0, 1<<53-1), q.limit(), q.linear()
	if err := q.err(); err != nil {
		return err
	}
	view, err := s.read(w, r, linear)
	if err != nil {
		return err
	}
	out := wire.Statements{Statements: []wire.Statement{}, Next: after, Size: view.Size()}
	bytes := 0
	for st := range view.Statements(after) {
		bytes += len(st.JWS)
		if len(out.Statements) == limit || bytes > maxPageBytes && len(out.Statements) > 0 {
			break
		}
		out.Statements = append(out.Statements, statementOf(&st, view.IndexOf(st.Seq)))
		out.Next = st.Seq
	}
	return answer(w, out)
}

func statementOf(st *journal.Statement, index uint64) wire.Statement {
	return wire.Statement{Seq: st.Seq, Index: index, ID: st.ID, Verb: st.Verb, Issuer: st.Issuer, Operator: st.Operator,
		At: st.At.Time(), OK: st.OK, JWS: st.JWS}
}

// checkpoint is this node's signed note over its ledger at a size.
func (s *Server) checkpoint(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r, "size")
	if err != nil {
		return err
	}
	size := q.number("size", 0, 1, 1<<53-1)
	if err := q.err(); err != nil {
		return err
	}
	// A member that asks for more than there is here is further on: catch up.
	if size > s.view().Size() && callerOf(r).Member != "" {
		if err := s.Node.Barrier(r); err != nil {
			return err
		}
	}
	note, err := s.Witness.Sign(r.Context(), size)
	if err != nil {
		return err
	}
	point, _, err := tlog.Read(note)
	if err != nil {
		return err
	}
	return answer(w, wire.Checkpoint{Size: point.Size, Note: string(note)})
}
