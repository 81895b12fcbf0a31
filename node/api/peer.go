package api

import (
	"context"
	"strings"

	"accord/crypto/oprf"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/records"
	"accord/node/feeds"
	"accord/node/wire"
	"accord/node/witness"
)

// Peer is what this node asks of another member's node. client.Client is one.
type Peer interface {
	Record(ctx context.Context, id exchange.RecordID, author exchange.MemberID) (wire.Record, error)
	Deliver(ctx context.Context, id exchange.ReleaseID) (wire.Delivery, error)
	AnswerCustody(ctx context.Context, id exchange.ReleaseID, generation int) (wire.Delivery, error)
	witness.Peer
	feeds.Peer
	PetitionTexts(ctx context.Context, id exchange.CommandID) (wire.PetitionTexts, error)
	Evaluate(ctx context.Context, epoch, version int, blinded []oprf.Element) (oprf.Evaluation, error)
	BlindingPart(ctx context.Context, version int) (string, error)
	Rosters(ctx context.Context, after int) (wire.Rosters, error)
	Membership(ctx context.Context) (wire.Membership, error)
	Recoveries(ctx context.Context) (wire.Recoveries, error)
}

// heldRecord is a record whose signature this node has just verified, from its
// own store or from its author's node.
type heldRecord struct {
	jwt    string // the signed part, without the tilde
	claims agency.RecordClaims
	own    *records.Record // nil when it is another member's
	// What the author's node says beside what it signed; empty for own ones.
	status     string
	replacedBy exchange.RecordID
}

// active refuses records that their author has replaced or taken back.
func (h heldRecord) active() error {
	status := h.status
	if h.own != nil {
		status = string(h.own.Status)
	}
	if status != string(records.Active) {
		return records.ErrNotActive.With()
	}
	return nil
}

// holdRecord gets a record from where it lies and verifies it. An empty author
// is this member.
func (s *Server) holdRecord(ctx context.Context, author exchange.MemberID, id exchange.RecordID) (heldRecord, error) {
	if author == "" || author == s.Agency.Self {
		return s.holdOwn(ctx, id)
	}
	peer, err := s.Node.Peer(author)
	if err != nil {
		return heldRecord{}, err
	}
	got, err := peer.Record(ctx, id, "")
	if err != nil {
		return heldRecord{}, err
	}
	jwt, whole := strings.CutSuffix(got.Document, "~")
	if !whole {
		return heldRecord{}, agency.ErrDelivery.With("what", "form")
	}
	claims, _, err := s.Agency.VerifyRecord(author, jwt)
	if err != nil {
		return heldRecord{}, err
	}
	status := records.Status(got.Status)
	known := status == records.Active || status == records.Corrected || status == records.Retracted
	if claims.ID != id || !known || got.ReplacedBy != "" && !exchange.ValidID(string(got.ReplacedBy)) {
		return heldRecord{}, agency.ErrDelivery.With("what", "record")
	}
	return heldRecord{jwt: jwt, claims: claims, status: got.Status, replacedBy: got.ReplacedBy}, nil
}

func (s *Server) holdOwn(ctx context.Context, id exchange.RecordID) (heldRecord, error) {
	rec, err := s.Agency.Records.Get(ctx, id)
	if err != nil {
		return heldRecord{}, err
	}
	if rec.Author != s.Agency.Self {
		return heldRecord{}, records.ErrNotFound.With()
	}
	claims, _, err := s.Agency.VerifyRecord(rec.Author, rec.JWT)
	if err != nil {
		return heldRecord{}, err
	}
	return heldRecord{jwt: rec.JWT, claims: claims, own: &rec}, nil
}
