package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/feed"
	"accord/exchange/machine"
	"accord/exchange/records"
	"accord/exchange/subjects"
	"accord/node/audit"
	"accord/node/wire"
)

// record is the signed part of one record: an own one for peers, anybody's for
// operators, got from its author's node and verified here.
func (s *Server) record(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r, "author")
	if err != nil {
		return err
	}
	author := exchange.MemberID(q.name("author"))
	if err := q.err(); err != nil {
		return err
	}
	peer := callerOf(r).Member != ""
	if peer && author != "" && author != s.Agency.Self {
		return ErrCaller.With() // each asks the author, nobody is a go-between
	}
	id := exchange.RecordID(r.PathValue("id"))
	if !exchange.ValidID(string(id)) {
		return records.ErrNotFound.With()
	}
	var held heldRecord
	if peer {
		held, err = s.recordForPeer(r, id)
	} else {
		looked := s.glance(r, audit.Event{Act: "record.read", Record: id})
		held, err = s.holdRecord(r.Context(), author, id)
		looked()
	}
	if err != nil {
		return err
	}
	out, err := recordOf(s.view(), held, true)
	if err != nil {
		return err
	}
	if peer {
		out = signedPart(out)
	}
	return answer(w, out)
}

// refusedAfter is when a member learns that there is no record for it, counted from its
// asking: what was looked up until then does not show in the time.
const refusedAfter = 20 * time.Millisecond

// recordForPeer is an own record for a member that the catalogue lets hold it. What it
// may not hold and what does not exist it cannot tell apart: the same answer, at the
// same time, with the same line in the audit log, in which the subject sees the first.
func (s *Server) recordForPeer(r *http.Request, id exchange.RecordID) (heldRecord, error) {
	begun, caller := time.Now(), callerOf(r)
	held, err := s.holdOwn(r.Context(), id)
	switch {
	case err == nil && s.mayHold(caller.Member, held.own):
		return held, nil
	case err != nil && !errors.Is(err, records.ErrNotFound):
		return heldRecord{}, err
	}
	refusal := records.ErrNotFound.With()
	if err := s.Audit.Write(audit.Event{At: s.Clock(), Act: "record.read", Caller: caller.String(), Record: id, Result: refusal.Code}); err != nil {
		return heldRecord{}, err
	}
	select {
	case <-time.After(refusedAfter - time.Since(begun)):
	case <-r.Context().Done():
	}
	return heldRecord{}, refusal
}

// mayHold says whether the catalogue lets a member hold the signed part of a record.
func (s *Server) mayHold(id exchange.MemberID, rec *records.Record) bool {
	view := s.view()
	m, ok := view.Member(id)
	return ok && m.Takes() && feed.Entitled(view.Catalogue(), rec.Category, rec.Subject.Namespace(), m.Kind)
}

// signedPart takes away what the author knows of a record beside what it
// signed. Flags among it tell of private values; who entered it is the author's
// own business.
func signedPart(r wire.Record) wire.Record {
	r.Operator, r.Source, r.Flags, r.PrivateFields, r.KnownAt = "", "", nil, nil, nil
	return r
}

// recordOf shows a record. A record that did not verify shows none of its
// claims, so that nobody takes them for signed.
func recordOf(view *machine.View, h heldRecord, verified bool) (wire.Record, error) {
	out := wire.Record{Verified: verified, Status: h.status, ReplacedBy: h.replacedBy, Digest: records.DigestOf(h.jwt),
		Document: h.jwt + "~"}
	if verified {
		ref := agency.ReferenceTo(h.claims.Issuer, h.claims, h.jwt)
		out.ID, out.Category, out.Author, out.Subject = ref.ID, ref.Category, ref.Author, h.claims.Subject
		out.SubjectKind, out.Replaces = h.claims.SubjectKind, h.claims.Replaces
		out.IssuedAt = time.Unix(h.claims.IssuedAt, 0).UTC()
		public, err := strictjson.Marshal(h.claims.Public)
		if err != nil {
			return wire.Record{}, err
		}
		out.PublicFields = json.RawMessage(public)
		if cat, ok := view.CatalogueAt(h.claims.Catalogue); ok {
			out.PrivateFields = privateNames(cat, ref.Category, h.claims.SubjectKind, h.claims.Public)
		}
	}
	own := h.own
	if own == nil {
		out.Disputed = subjects.DisputedRecord(view.Rows(), out.ID, view.Time())
		return out, nil
	}
	out.ID, out.Category, out.Author, out.Subject, out.SubjectKind = own.ID, own.Category, own.Author, own.Subject, own.SubjectKind
	out.Disputed = subjects.DisputedRecord(view.Rows(), own.ID, view.Time())
	out.KnownAt, out.EndedAt = instantOf(own.KnownAt), instantOf(own.EndedAt)
	out.Operator, out.IssuedAt, out.Status = own.Operator, own.IssuedAt.Time(), string(own.Status)
	out.Replaces, out.ReplacedBy, out.Source, out.Flags = own.Replaces, own.ReplacedBy, own.Source, own.Flags
	if len(own.Sealed) > 0 {
		out.PrivateFields = nil
		for _, f := range own.Sealed {
			if !f.Erased {
				out.PrivateFields = append(out.PrivateFields, f.Field)
			}
		}
	}
	return out, nil
}

// instantOf is a time that may be missing.
func instantOf(at exchange.Millis) *time.Time {
	if at == 0 {
		return nil
	}
	t := at.Time()
	return &t
}
