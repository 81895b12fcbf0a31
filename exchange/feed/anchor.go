package feed

import (
	"iter"

	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/members"
	"accord/exchange/state"
)

// Anchor is the last size and root of a member's feed that the ledger knows.
type Anchor struct {
	Author exchange.MemberID `json:"author"`
	Size   int64             `json:"size"` // entries
	Root   tlog.Hash         `json:"root"` // RFC 6962 root over them
	At     exchange.Millis   `json:"at"`   // ledger time
	Seq    int64             `json:"seq"`  // the statement that brought it
	Count  int64             `json:"count"`
}

var anchors = state.NewTable("feed.anchors", func(a *Anchor) string { return string(a.Author) }).Later()

// Tables lists the tables of this part.
func Tables() []state.AnyTable { return []state.AnyTable{anchors} }

// AnchorOf finds a member's last anchor.
func AnchorOf(r state.Reader, author exchange.MemberID) (Anchor, bool) {
	return anchors.Get(r, string(author))
}

// Anchors gives the last anchor of every author, by author.
func Anchors(r state.Reader) iter.Seq[Anchor] { return anchors.Scan(r, "") }

// AnchorBody is the body of feed.anchor.
type AnchorBody struct {
	Size  int64       `json:"size"`
	Root  tlog.Hash   `json:"root"`
	Proof []tlog.Hash `json:"proof"` // from the last anchor; empty for the first
}

// maxProof is the longest consistency proof there can be: two hashes a level.
const maxProof = 2 * 60

// DecodeAnchor reads the body.
func DecodeAnchor(body []byte) (*AnchorBody, error) {
	b := new(AnchorBody)
	if err := exchange.DecodeBody(exchange.VerbFeedAnchor, body, b); err != nil {
		return nil, err
	}
	if b.Size < 1 || b.Size > tlog.MaxSize || b.Proof == nil || len(b.Proof) > maxProof {
		return nil, exchange.ErrBody.With("verb", exchange.VerbFeedAnchor)
	}
	return b, nil
}

// Anchored is the outcome of feed.anchor.
type Anchored struct {
	Size  int64 `json:"size"`
	Count int64 `json:"count"` // anchors of this feed so far
}

// SetAnchor takes the issuer's new anchor if it extends the last one. A refused
// anchor stays on the ledger, signed: with the last one it is the evidence that
// the author tried to rewrite its feed.
func SetAnchor(a *members.Act, b *AnchorBody) (*Anchored, error) {
	last, _ := anchors.Get(a.Tx, string(a.Issuer.ID))
	if b.Size <= last.Size {
		return nil, ErrAnchorSmaller.With("size", b.Size, "have", last.Size)
	}
	if last.Size == 0 {
		if len(b.Proof) > 0 {
			return nil, ErrAnchorProof.With("have", last.Size)
		}
	} else if tlog.CheckConsistency(b.Proof, last.Size, last.Root, b.Size, b.Root) != nil {
		return nil, ErrAnchorProof.With("have", last.Size)
	}
	next := &Anchor{Author: a.Issuer.ID, Size: b.Size, Root: b.Root, At: a.Now, Seq: a.Seq, Count: last.Count + 1}
	return &Anchored{next.Size, next.Count}, anchors.Insert(a.Tx, next)
}
