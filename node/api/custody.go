package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/custody"
	"accord/exchange/machine"
	"accord/exchange/records"
	"accord/exchange/release"
	"accord/node/audit"
	"accord/node/wire"
)

// maxDepositBody is the longest body of deposits, in bytes.
const maxDepositBody = 16 << 20

// takeDeposits keeps what an author hands this node as a custodian.
func (s *Server) takeDeposits(w http.ResponseWriter, r *http.Request) error {
	var in wire.CustodyDeposits
	if err := body(r, &in); err != nil {
		return err
	}
	if len(in.Deposits) == 0 || len(in.Deposits) > custody.MaxDeposits {
		return ErrBody.With().At("/deposits")
	}
	all := make([]agency.Deposit, len(in.Deposits))
	for i, d := range in.Deposits {
		all[i] = agency.Deposit{Statement: d.Statement, Share: d.Share}
		for _, text := range d.Boxes {
			box, err := base64.RawURLEncoding.Strict().DecodeString(text)
			if err != nil {
				return ErrBody.With().At("/deposits/boxes")
			}
			all[i].Boxes = append(all[i].Boxes, box)
		}
	}
	if err := s.Node.Barrier(r); err != nil { // what the author has just put on the ledger counts
		return err
	}
	got, err := s.Agency.TakeDeposits(r.Context(), callerOf(r).Member, all)
	if err != nil {
		return err
	}
	return answer(w, custodyReceipts(got))
}

// retireCustody destroys what an author has replaced.
func (s *Server) retireCustody(w http.ResponseWriter, r *http.Request) error {
	var in wire.RetireCustody
	if err := body(r, &in); err != nil {
		return err
	}
	if len(in.Generations) == 0 || len(in.Generations) > 1000 {
		return ErrBody.With().At("/generations")
	}
	all := make([]custody.Named, len(in.Generations))
	for i, n := range in.Generations {
		if !exchange.ValidID(string(n.Record)) || n.Generation < 1 || !exchange.ValidHash(n.Digest) {
			return ErrBody.With().At("/generations")
		}
		all[i] = custody.Named(n)
	}
	if err := s.Node.Barrier(r); err != nil {
		return err
	}
	got, err := s.Agency.RetireShares(r.Context(), callerOf(r).Member, all)
	if err != nil {
		return err
	}
	return answer(w, custodyReceipts(got))
}

func custodyReceipts(all []agency.Deposited) wire.CustodyReceipts {
	out := wire.CustodyReceipts{Receipts: make([]wire.CustodyReceipt, len(all))}
	for i, d := range all {
		out.Receipts[i] = wire.CustodyReceipt(d)
	}
	return out
}

// answerCustody is this custodian's answer to the member to which a release was
// granted.
func (s *Server) answerCustody(w http.ResponseWriter, r *http.Request) error {
	var in wire.AskCustodian
	if err := body(r, &in); err != nil {
		return err
	}
	if in.Generation < 1 {
		return ErrBody.With().At("/generation")
	}
	row, err := s.grantedRow(r)
	if err != nil {
		return err
	}
	out := wire.Delivery{Release: row.ID}
	err = s.act(r, s.eventOf("custody.deliver", &row), func(*audit.Event) (err error) {
		out.Envelope, err = s.Agency.AnswerCustody(r.Context(), nodeOperator, callerOf(r).Member, row.ID, in.Generation)
		return err
	})
	s.Metrics.Release("custody", outcome(err))
	if err != nil {
		return err
	}
	return answer(w, out)
}

// shownIn puts what was opened into an answer: of one record its fields, of several each
// by itself.
func shownIn(out *wire.Opened, opened agency.Opened) {
	if out.Fields = opened.Fields; len(opened.Records) > 1 {
		out.Fields = map[string]json.RawMessage{}
		for _, one := range opened.Records {
			out.Records = append(out.Records, wire.OpenedRecord{Record: one.Record, Fields: one.Fields})
		}
	}
}

// openFrom opens a granted release by its author's delivery or, where the author's
// node does not answer and the record is in custody, by its custodians.
func (s *Server) openFrom(r *http.Request, row *release.Release, custodians bool, out *wire.Opened) error {
	op := callerOf(r).Operator.Name
	if !custodians {
		opened, err := s.openFromAuthor(r, row)
		if err == nil {
			out.Verified = true
			shownIn(out, opened)
			return nil
		}
		if _, kept := s.view().Custody(row.Record.Author, row.Record.ID); !kept || !unanswered(err) {
			return err
		}
	}
	opened, faults, err := s.Agency.OpenByCustodians(r.Context(), op, row.ID, func(ctx context.Context, m exchange.MemberID, id exchange.ReleaseID, generation int) (string, error) {
		peer, err := s.Node.Peer(m)
		if err != nil {
			return "", err
		}
		got, err := peer.AnswerCustody(ctx, id, generation)
		return got.Envelope, err
	})
	for _, f := range faults {
		out.Faults = append(out.Faults, wire.CustodyFault(f))
		s.Log.Warn("a custodian gave nothing usable", "release", row.ID, "custodian", f.Custodian, "why", f.Why)
	}
	if err != nil {
		return err
	}
	out.Verified = true
	shownIn(out, opened)
	if got, ok := s.view().CustodyAnswers(row.ID); ok {
		out.Custodians = got.Opened
	}
	return nil
}

func (s *Server) openFromAuthor(r *http.Request, row *release.Release) (agency.Opened, error) {
	peer, err := s.Node.Peer(row.Record.Author)
	if err != nil {
		return agency.Opened{}, errAway{err}
	}
	delivery, err := peer.Deliver(r.Context(), row.ID)
	if err != nil {
		if e := exchange.AsError(err); e.Kind == exchange.KindUnavailable || e.Kind == exchange.KindUnknownOutcome {
			err = errAway{err}
		}
		return agency.Opened{}, err
	}
	if delivery.Release != row.ID {
		return agency.Opened{}, agency.ErrDelivery.With("what", "release")
	}
	return s.Agency.Open(r.Context(), callerOf(r).Operator.Name, row.ID, delivery.Envelope)
}

// errAway is the error of an author's node that gave no answer: nothing of its
// judgement.
type errAway struct{ error }

func (e errAway) Unwrap() error { return e.error }

func unanswered(err error) bool {
	_, is := err.(errAway)
	return is
}

// holdForAsking is holdRecord that goes by this node's own mirror where the record
// stands there: the author looks at it again before it delivers. Where the mirror has it
// not, or not as it was, the author's node is asked; where that does not answer and
// custodians keep the record, what the mirror has will do: what the ledger decides and
// custodians give, this node verifies anyway.
func (s *Server) holdForAsking(ctx context.Context, author exchange.MemberID, id exchange.RecordID) (heldRecord, error) {
	mirrored, here := s.holdMirrored(ctx, author, id)
	if here && mirrored.status == string(records.Active) {
		return mirrored, nil
	}
	held, err := s.holdRecord(ctx, author, id)
	if err != nil && here {
		if _, kept := s.view().Custody(author, id); kept {
			return mirrored, nil
		}
	}
	return held, err
}

// holdMirrored gets a record of another member from this node's mirror and verifies it.
func (s *Server) holdMirrored(ctx context.Context, author exchange.MemberID, id exchange.RecordID) (heldRecord, bool) {
	if author == "" || author == s.Agency.Self {
		return heldRecord{}, false
	}
	rec, err := s.Agency.Records.Get(ctx, id)
	if err != nil || rec.Author != author {
		return heldRecord{}, false
	}
	claims, _, err := s.Agency.VerifyRecord(author, rec.JWT)
	if err != nil {
		return heldRecord{}, false
	}
	return heldRecord{jwt: rec.JWT, claims: claims, status: string(rec.Status), replacedBy: rec.ReplacedBy}, true
}

// custodyOf are the custodians' receipts under a release.
func custodyOf(view *machine.View, id exchange.ReleaseID) (out []wire.CustodyDelivery) {
	all, _ := view.CustodyAnswers(id)
	for _, d := range all.Deliveries {
		out = append(out, wire.CustodyDelivery{Custodian: d.Custodian, Generation: d.Generation, Digest: d.Digest, At: d.At.Time(), Opened: slices.Contains(all.Opened, d.Custodian)})
	}
	return out
}

// custodyStatus is how far own records are in custody, who lacks what, and what is
// kept here for others.
func (s *Server) custodyStatus(w http.ResponseWriter, r *http.Request) error {
	if _, err := queryOf(r); err != nil {
		return err
	}
	ctx, store, view := r.Context(), s.Agency.Records, s.view()
	out := wire.CustodyStatus{Categories: []wire.CustodyCategory{}, Custodians: []wire.CustodyMember{}, Kept: []wire.CustodyKept{}}
	deals, err := store.DealCounts(ctx)
	if err != nil {
		return err
	}
	for _, p := range s.Agency.Custodies(view) {
		row := wire.CustodyCategory{Category: p.Category, K: p.K, Custodians: p.Custodians, Enough: p.Enough()}
		for _, status := range []records.Status{records.Active, records.Corrected} {
			n, err := store.Count(ctx, records.Filter{Author: s.Agency.Self, Category: p.Category, Status: status})
			if err != nil {
				return err
			}
			row.Records += n
		}
		for _, d := range deals {
			if d.Category == p.Category {
				row.Dealt, row.Complete = d.Dealt, d.Complete
			}
		}
		out.Categories = append(out.Categories, row)
	}
	if err := s.custodians(ctx, &out); err != nil {
		return err
	}
	kept, err := store.KeptCounts(ctx)
	if err != nil {
		return err
	}
	for _, author := range slices.Sorted(maps.Keys(kept)) {
		out.Kept = append(out.Kept, wire.CustodyKept{Author: author, Records: kept[author]})
	}
	setIndex(w, view)
	return answer(w, out)
}

func (s *Server) custodians(ctx context.Context, out *wire.CustodyStatus) error {
	hands, err := s.Agency.Records.HandCounts(ctx)
	if err != nil {
		return err
	}
	rows, why := map[exchange.MemberID]*wire.CustodyMember{}, s.Node.CustodyFaults()
	for _, h := range hands {
		row := rows[h.Member]
		if row == nil {
			row = &wire.CustodyMember{Member: h.Member, Why: why[h.Member]}
			rows[h.Member] = row
		}
		switch h.State {
		case records.HandDue:
			row.Lacks = h.Count
		case records.HandHas:
			row.Keeps = h.Count
		case records.HandRetire:
			row.Retires = h.Count
		case records.HandRetired:
			row.Retired = h.Count
		}
	}
	for _, m := range slices.Sorted(maps.Keys(rows)) {
		out.Custodians = append(out.Custodians, *rows[m])
	}
	return nil
}

// handStates are the words for the states of hands.
var handStates = map[records.HandState]string{records.HandDue: "due", records.HandHas: "kept", records.HandRetire: "retire", records.HandRetired: "retired"}

// recordCustody is the custody of one record, with the receipts for an own one.
func (s *Server) recordCustody(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r, "author")
	if err != nil {
		return err
	}
	author := exchange.MemberID(q.text("author", exchange.ValidName))
	if err := q.err(); err != nil {
		return err
	}
	id := exchange.RecordID(r.PathValue("id"))
	if author == "" {
		author = s.Agency.Self
	}
	view := s.view()
	row, ok := view.Custody(author, id)
	if !ok || !exchange.ValidID(string(id)) {
		return custody.ErrNoDeposit.With("record", printable(string(id)))
	}
	out := wire.RecordCustody{Author: author, Record: id, Generations: []wire.CustodyGeneration{}, Hands: []wire.CustodyHand{}}
	for _, g := range row.Generations {
		set, _ := view.Custodians(g)
		out.Generations = append(out.Generations, wire.CustodyGeneration{Generation: g.Number, Digest: g.Digest, K: set.K, Custodians: set.Custodians})
	}
	if author == s.Agency.Self {
		hands, err := s.Agency.Records.Hands(r.Context(), id)
		if err != nil {
			return err
		}
		for _, h := range hands {
			out.Hands = append(out.Hands, wire.CustodyHand{Generation: h.Generation, Member: h.Member, State: handStates[h.State], Kept: h.Kept, Destroyed: h.Destroyed})
		}
	}
	setIndex(w, view)
	return answer(w, out)
}
