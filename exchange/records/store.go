package records

import (
	"context"

	"accord/exchange"
	"accord/exchange/feed"
)

// Store keeps records. Every method is safe for concurrent use; every write is
// durable and atomic when it returns nil. Errors other than the ones named are
// ErrStorage, which is fatal, or the context's own.
type Store interface {
	// InsertBatch stores this member's records, all or none, in their order, puts
	// each into its author's feed, and sets positions with them. A record that Replaces another makes
	// that one Corrected in the same transaction. ErrDuplicate: an id or an
	// active source row exists; ErrNotFound, ErrNotActive: about a replaced
	// record; ErrRecord: a record is inconsistent.
	InsertBatch(ctx context.Context, records []Record, at ...Position) error

	// InsertCounted is InsertBatch that adds counts in the same transaction; with no
	// records it adds the counts alone.
	InsertCounted(ctx context.Context, records []Record, counts []Tally) error
	// Tallies sums the counts of some days; Day of each is the first one counted.
	Tallies(ctx context.Context, f TallyFilter) ([]Tally, error)
	// CountStatuses counts the records that match by author, source, category and
	// status.
	CountStatuses(ctx context.Context, f Filter) ([]StatusCount, error)

	// Get returns one record with its sealed fields, or ErrNotFound.
	Get(ctx context.Context, id exchange.RecordID) (Record, error)

	// ByRowKeys finds the active records of source rows; keys without one are
	// absent from the map.
	ByRowKeys(ctx context.Context, author exchange.MemberID, category string, keys []string) (map[string]RowRef, error)

	// List returns up to limit records that match, in order of arrival or the
	// reverse, without their sealed fields. next is "" after the last page.
	List(ctx context.Context, f Filter, after Cursor, limit int) (page []Record, next Cursor, err error)

	// BySubject returns up to limit records of a subject in any status, the
	// newest first, without their sealed fields.
	BySubject(ctx context.Context, subject exchange.SubjectID, limit int) ([]Record, error)

	// SearchNames finds subjects by the names their records give them, the best
	// answer first, at most limit. more says that there were others.
	SearchNames(ctx context.Context, name string, limit int) (found []Named, more bool, err error)

	// Coverage counts subjects with records by kind and area, and how many of them
	// have a record of the categories that rate.
	Coverage(ctx context.Context, ratings []string) ([]Covered, exchange.Millis, error)

	// Counts counts the active records on a subject by category and author, in their
	// order.
	Counts(ctx context.Context, subject exchange.SubjectID) ([]Counted, error)

	// OnSubject gives the authors of those of the records that are here and are on a
	// subject.
	OnSubject(ctx context.Context, subject exchange.SubjectID, ids []exchange.RecordID) (map[exchange.RecordID]exchange.MemberID, error)

	// Find answers a question with a page of records. Pages of one answer stand on
	// one position: what arrives, or changes, between them moves nothing. ErrCursor:
	// it is of another question, or a subject it stood at is gone.
	Find(ctx context.Context, q Question, after Cursor, limit int) (Found, error)

	// MarkReplaced says that another record corrects this one. Saying the same
	// again changes nothing.
	MarkReplaced(ctx context.Context, id, by exchange.RecordID, reason string) error

	// MarkRetracted says that the author took the record back, and puts that into
	// its feed. Saying it again changes nothing.
	MarkRetracted(ctx context.Context, d feed.Document, reason string) error

	// Erase destroys keys and boxes of the named sealed fields, of all when
	// none is named, and says how many it destroyed. When it returns, the bytes
	// are gone from the store's files; backups are not its business.
	Erase(ctx context.Context, id exchange.RecordID, fields ...string) (int, error)

	// Count counts the records that match.
	Count(ctx context.Context, f Filter) (int64, error)

	// Position is how far a feed has been taken over, 0 at first.
	Position(ctx context.Context, feed string) (int64, error)
	// SetPosition stores it alone; InsertBatch stores it with the records.
	SetPosition(ctx context.Context, p Position) error

	Feeds
	Custody

	// Health is how the store stands by what it was asked last, Check asks.
	Health() Health
	Check(ctx context.Context) error

	Close() error
}

// Position is how far a feed has been taken over.
type Position struct {
	Feed  string
	Index int64
}

// RowRef is what an import has to know about an earlier row.
type RowRef struct {
	ID        exchange.RecordID
	RowDigest string
}

// Filter selects records; an empty member selects all.
type Filter struct {
	Category    string
	Author      exchange.MemberID
	Subject     exchange.SubjectID
	SubjectKind string
	Status      Status
	Source      string
	IssuedFrom  exchange.Millis // inclusive
	IssuedUntil exchange.Millis // exclusive
	Newest      bool            // newest first
}

// Cursor is where a List goes on; opaque, and only valid with the same Filter.
type Cursor string

// MaxPage is the most records of one page.
const MaxPage = 1000
