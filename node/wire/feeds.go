package wire

import (
	"strconv"
	"time"

	"accord/crypto/strictjson"
	"accord/crypto/tlog"
	"accord/exchange"
)

// FeedEntry names an entry of a feed by its place and the digest of its document.
type FeedEntry struct {
	Index  int64  `json:"index"`
	Digest string `json:"digest"` // SHA-256, lower-case hex
}

// AskDocuments asks an author's node for the documents of entries of its feed.
type AskDocuments struct {
	Entries []FeedEntry `json:"entries"`
}

// FeedDocument is one of them, a line of the answer: the document as signed or, with
// Lack, why there is none.
type FeedDocument struct {
	Index     int64  `json:"index"`
	Document  string `json:"document,omitempty"`  // of an erased record: the erasure
	Lack      string `json:"lack,omitempty"`      // withheld, erased, missing
	Category  string `json:"category,omitempty"`  // of a withheld record
	Namespace string `json:"namespace,omitempty"` // of its subject
	Catalogue int    `json:"catalogue,omitzero"`  // version that does not let the asker hold it
}

// Line is the document as a line of the answer, without its end.
func (d FeedDocument) Line() ([]byte, error) {
	if d != (FeedDocument{Index: d.Index, Document: d.Document}) || d.Index < 0 || d.Document == "" || !strictjson.PlainString(d.Document) {
		return strictjson.Marshal(d)
	}
	line := strconv.AppendInt(append(make([]byte, 0, len(d.Document)+40), `{"index":`...), d.Index, 10)
	return append(append(append(line, `,"document":"`...), d.Document...), `"}`...), nil
}

// ParseFeedDocument reads such a line.
func ParseFeedDocument(line []byte) (d FeedDocument, err error) {
	p := strictjson.NewPlain(string(line))
	p.Skip(`{"index":`)
	d.Index = p.Int()
	p.Skip(`,"document":`)
	d.Document = p.String()
	p.Next(`,"catalogue":0`) // as earlier versions wrote it
	p.Skip("}")
	if p.Done() {
		return d, nil
	}
	d = FeedDocument{}
	return d, strictjson.Unmarshal(line, &d)
}

// FeedReceipt is a member's signed word that it erased what an erasure names.
type FeedReceipt struct {
	JWS string `json:"jws"`
}

// FeedStatus is where one feed stands at this node.
type FeedStatus struct {
	Author     exchange.MemberID `json:"author"`
	Own        bool              `json:"own"`
	Size       int64             `json:"size"` // entries here
	Seen       int64             `json:"seen"` // entries of the newest checkpoint seen
	Root       tlog.Hash         `json:"root"` // over the entries here
	Anchor     int64             `json:"anchor"`
	AnchoredAt *time.Time        `json:"anchored_at,omitempty"` // ledger time
	Withheld   int64             `json:"withheld"`              // records this member may not hold
	Erased     int64             `json:"erased"`
	Missing    int64             `json:"missing"`             // records the author does not give
	PolledAt   *time.Time        `json:"polled_at,omitempty"` // when the author was asked last
	WellAt     *time.Time        `json:"well_at,omitempty"`   // when that ended well last
	Alarms     int               `json:"alarms"`              // open ones
}

// FeedAlarm is something found wrong with a feed.
type FeedAlarm struct {
	ID        string              `json:"id"`
	Author    exchange.MemberID   `json:"author"`
	Kind      string              `json:"kind"` // checkpoint, shrunk, rewrite, anchor, document, signature, missing, stalled, own
	Size      int64               `json:"size"` // entries, or the entry, at which it shows
	Why       string              `json:"why"`
	FoundAt   time.Time           `json:"found_at"`
	Evidence  string              `json:"evidence,omitempty"` // file under the data folder
	SettledBy exchange.OperatorID `json:"settled_by,omitempty"`
	Reason    string              `json:"reason,omitempty"`
}

// FeedsStatus is every feed at this node, with the alarms.
type FeedsStatus struct {
	Feeds  []FeedStatus `json:"feeds"`
	Alarms []FeedAlarm  `json:"alarms"`
}

// ExportFeed asks for a part of this member's feed as a file for another member.
type ExportFeed struct {
	To    exchange.MemberID `json:"to"`
	Since int64             `json:"since"` // first entry
}

// FeedImported is what became of a part that was taken in.
type FeedImported struct {
	Author   exchange.MemberID `json:"author"`
	From     int64             `json:"from"`     // first entry of the part
	Until    int64             `json:"until"`    // entry behind its last
	New      int64             `json:"new"`      // entries that were not here before
	Size     int64             `json:"size"`     // entries here now
	Seen     int64             `json:"seen"`     // entries of the author's feed when it made the part
	Anchored int64             `json:"anchored"` // entries of the anchor that it was held against; 0 for none
	Withheld int64             `json:"withheld"`
	Erased   int64             `json:"erased"`
	Missing  int64             `json:"missing"`
}

// FeedAcknowledged is what an acknowledgement said of this member's feed.
type FeedAcknowledged struct {
	Member   exchange.MemberID `json:"member"`
	Size     int64             `json:"size"`     // entries it holds
	Of       int64             `json:"of"`       // entries there are
	Receipts int               `json:"receipts"` // for erasures, that came with it
}

// TypeCompressedLines is the media type of the answer to AskDocuments: NDJSON in
// gzip. It is not named as an encoding of the transfer, so that no proxy unpacks it.
const TypeCompressedLines = "application/x-ndjson+gzip"

// KeptReceipt is a member's receipt for an erasure, as it signed it.
type KeptReceipt struct {
	Member exchange.MemberID `json:"member"`
	At     time.Time         `json:"at"`
	JWS    string            `json:"jws"`
}

// FeedReceipts are the receipts for one erasure, and the members that gave none yet.
type FeedReceipts struct {
	Receipts []KeptReceipt       `json:"receipts"`
	Awaited  []exchange.MemberID `json:"awaited"`
}

// EraseRecord orders a record destroyed.
type EraseRecord struct {
	Ground    string `json:"ground"`    // retention, order, request
	Reference string `json:"reference"` // number of the decision; goes into this member's audit log, digested
}

// Erasure is the signed order that goes into the feed.
type Erasure struct {
	ID       string            `json:"id"`
	Record   exchange.RecordID `json:"record"`
	Ground   string            `json:"ground"`
	Document string            `json:"document"`
}

// Change is one entry of a log, numbered from 0 without gaps.
type Change struct {
	Number  int64              `json:"number"`
	Kind    string             `json:"kind"`              // of a feed: record, correction, retraction, erasure; of the ledger: the verb where it is public, or statement
	ID      string             `json:"id"`                // random
	Entry   string             `json:"entry"`             // the log entry; its hash is the leaf
	At      *time.Time         `json:"at,omitempty"`      // of the ledger
	Member  exchange.MemberID  `json:"member,omitempty"`  // who said it
	Entries []exchange.EntryID `json:"entries,omitempty"` // list entries that it is about
}

// Changes is a part of a log in order, with the log's signed head.
type Changes struct {
	Log        string   `json:"log"`  // its origin
	Size       int64    `json:"size"` // entries of the log now
	Next       int64    `json:"next"` // since for the call that goes on
	Changes    []Change `json:"changes"`
	Checkpoint string   `json:"checkpoint,omitempty"` // signed note; it may be older than the newest change
}

// Webhook is an endpoint that is told of changes.
type Webhook struct {
	Name       string            `json:"name"`
	URL        string            `json:"url"`
	Feed       exchange.MemberID `json:"feed,omitempty"` // whose feed; empty: the ledger
	Scheme     string            `json:"scheme"`         // v1 (HMAC-SHA256) or v1a (Ed25519)
	Next       int64             `json:"next"`           // number of the change that is sent next
	Behind     int64             `json:"behind"`         // changes there are from it on
	SentAt     *time.Time        `json:"sent_at,omitempty"`
	Failures   int               `json:"failures"` // of the next change so far
	RetryAt    *time.Time        `json:"retry_at,omitempty"`
	Why        string            `json:"why,omitempty"` // of the last failure
	DisabledAt *time.Time        `json:"disabled_at,omitempty"`
	DisabledBy string            `json:"disabled_by,omitempty"` // operator; absent: it failed too long
}

// Webhooks are a node's endpoints.
type Webhooks struct {
	Webhooks []Webhook `json:"webhooks"`
}

// AddWebhook makes an endpoint.
type AddWebhook struct {
	Name   string            `json:"name"`
	URL    string            `json:"url"`
	Feed   exchange.MemberID `json:"feed,omitempty"`
	Scheme string            `json:"scheme"`
	Since  int64             `json:"since"` // first change it is told of
}

// WebhookKey is what a receiver verifies with; it is shown once.
type WebhookKey struct {
	Name        string     `json:"name"`
	Key         string     `json:"key"`                    // whsec_ or whpk_
	FormerUntil *time.Time `json:"former_until,omitempty"` // until when the former key signs, too
}

// ReplayWebhook sends changes again.
type ReplayWebhook struct {
	Since int64 `json:"since"` // first change; -1: go on where it is
}

// WebhookMessage is the body of a delivery.
type WebhookMessage struct {
	Type      string      `json:"type"`                // ledger.<verb>, ledger.statement, feed.record …
	Timestamp *time.Time  `json:"timestamp,omitempty"` // of the ledger; an entry of a feed has none
	Data      WebhookData `json:"data"`
}

// WebhookData is a change with its log and the log's signed head.
type WebhookData struct {
	Log        string `json:"log"`
	Change     Change `json:"change"`
	Checkpoint string `json:"checkpoint,omitempty"`
}
