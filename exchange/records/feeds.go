package records

import (
	"context"
	"database/sql"
	"errors"

	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/feed"
)

// Feeds is the part of a Store that keeps the members' feeds beside the records,
// in the same transactions: an own one grows with every InsertBatch, the others by
// Follow.
type Feeds interface {
	// Feed is how far an author's feed is kept here; the zero Feed when nothing is.
	Feed(ctx context.Context, author exchange.MemberID) (Feed, error)
	// Feeds lists the feeds of which something is kept.
	Feeds(ctx context.Context) ([]Feed, error)

	// FeedTile is a hash tile of a feed, or a bundle of its entries, in C2SP's
	// layout. ErrNotFound: the feed does not fill it.
	FeedTile(ctx context.Context, author exchange.MemberID, tile tlog.Tile) ([]byte, error)
	// FeedItems gives up to limit entries from an index on, with their documents
	// as far as they are held.
	FeedItems(ctx context.Context, author exchange.MemberID, from int64, limit int) ([]Item, error)

	// Follow takes over the next entries of another member's feed with what came
	// with them: all or nothing. ErrMoved: the feed does not end at from any more.
	Follow(ctx context.Context, author exchange.MemberID, from int64, items []Item, note string) error
	// Fill adds a document that was lacking. ErrNotFound: it was not.
	Fill(ctx context.Context, author exchange.MemberID, item Item) error
	// Lacking gives up to limit entries, from an index on, whose documents are not
	// held for a reason.
	Lacking(ctx context.Context, author exchange.MemberID, why Lack, from int64, limit int) ([]Item, error)

	// Lacks counts them by reason.
	Lacks(ctx context.Context, author exchange.MemberID) (map[Lack]int64, error)

	// EraseRecord destroys the records that own erasures name, with their sealed
	// fields, and puts the erasures into the feed: all or nothing. When it returns
	// nil, the bytes are gone from the store's files; ErrUnscrubbed: the records are
	// erased, and their bytes are not gone yet.
	EraseRecord(ctx context.Context, all ...feed.Document) error
	// Scrub makes sure that the bytes of all that was erased are gone from the
	// store's files, after Follow took erasures over as after a crash.
	Scrub(ctx context.Context) error
	// Unscrubbed counts the erasing transactions for which that is still to be done.
	Unscrubbed(ctx context.Context) (int64, error)

	// AddReceipt keeps a member's signed word that it erased, once.
	AddReceipt(ctx context.Context, r Receipt) error
	// Receipts gives the receipts of an erasure, or of all from a place on.
	Receipts(ctx context.Context, erasure string) ([]Receipt, error)
}

// Feed is how far a feed is kept.
type Feed struct {
	Author exchange.MemberID
	Edge   tlog.Frontier // size and root
	Note   string        // the newest signed checkpoint that was verified, of another's feed
}

// Lack says why a document is not held.
type Lack string

// The reasons.
const (
	Held     Lack = ""
	Withheld Lack = "withheld" // the catalogue does not let this member hold it
	Erased   Lack = "erased"   // destroyed
	Missing  Lack = "missing"  // its author did not give it, or gave something else
	Clash    Lack = "clash"    // another member's record has its id
)

// Item is an entry of a feed with its document.
type Item struct {
	Index    int64
	Entry    feed.Entry
	Record   *Record        // of a record or correction
	Document *feed.Document // of a retraction or erasure
	Lack     Lack
	Category string // which the author named for what is withheld
	// Set by FeedItems: the document as signed, and whom a record is about.
	JWT     string
	Subject exchange.SubjectID
}

// Receipt is a member's signed word that it erased what an erasure names.
type Receipt struct {
	Erasure string
	Member  exchange.MemberID
	JWT     string
	At      exchange.Millis
}

// ErrMoved is given when two took over one feed at once.
var ErrMoved = exchange.Define(exchange.KindConflict, "FEED-010",
	exchange.Text{Zh: "记录流在此期间已前进", En: "the feed has gone on meanwhile"},
	exchange.Text{Zh: "从新的位置继续", En: "go on from where it is now"})

// Feed implements Feeds.
func (s *sqlStore) Feed(ctx context.Context, author exchange.MemberID) (Feed, error) {
	all, err := gather(ctx, s, readFeed, `SELECT author, edge, note FROM feeds WHERE author = ?`, string(author))
	if err != nil || len(all) == 0 {
		return Feed{Author: author}, err
	}
	return all[0], nil
}

// Feeds implements Feeds.
func (s *sqlStore) Feeds(ctx context.Context) ([]Feed, error) {
	return gather(ctx, s, readFeed, `SELECT author, edge, note FROM feeds ORDER BY author`)
}

// gather reads all rows of a statement.
func gather[T any](ctx context.Context, s *sqlStore, one func(scanner) (T, error), statement string, args ...any) (all []T, err error) {
	err = s.read(ctx, func(p pool) error {
		all = nil
		rows, err := p.QueryContext(ctx, statement, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			row, err := one(rows)
			if err != nil {
				return err
			}
			all = append(all, row)
		}
		return rows.Err()
	})
	return all, err
}

func readFeed(row scanner) (f Feed, err error) {
	var author string
	var edge []byte
	if err := row.Scan(&author, &edge, &f.Note); err != nil {
		return Feed{}, err
	}
	f.Author = exchange.MemberID(author)
	return f, f.Edge.UnmarshalBinary(edge)
}

// growth is what a transaction adds to one feed: the edge and the tiles it
// touches, each read once and written once.
type growth struct {
	author exchange.MemberID
	edge   tlog.Frontier
	note   string
	tiles  map[tileKey][]byte
	err    error
}

type tileKey struct {
	level int
	index int64
}

// grow begins with the feed as the transaction finds it.
func grow(ctx context.Context, tx *transaction, author exchange.MemberID) (*growth, error) {
	f, err := readFeed(tx.QueryRowContext(ctx, `SELECT author, edge, note FROM feeds WHERE author = ?`, string(author)))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	return &growth{author: author, edge: f.Edge, note: f.Note, tiles: map[tileKey][]byte{}}, nil
}

// add puts an entry at the end and gives its index.
func (g *growth) add(ctx context.Context, tx *transaction, e feed.Entry) (int64, error) {
	at := g.edge.AppendTiled(e.Leaf(), func(level int, index int64, h tlog.Hash) {
		g.put(ctx, tx, tileKey{level, index / tlog.TileWidth}, index%tlog.TileWidth == 0, h[:])
	})
	g.put(ctx, tx, tileKey{tlog.EntriesLevel, at / tlog.TileWidth}, at%tlog.TileWidth == 0, packEntry(e))
	return at, g.err
}

// put adds data to a tile, which is fresh or is read first.
func (g *growth) put(ctx context.Context, tx *transaction, k tileKey, fresh bool, data []byte) {
	have, known := g.tiles[k]
	if !known && !fresh {
		if err := tx.QueryRowContext(ctx, `SELECT data FROM feed_tiles WHERE author = ? AND level = ? AND idx = ?`,
			string(g.author), k.level, k.index).Scan(&have); err != nil && g.err == nil {
			g.err = err
		}
	}
	g.tiles[k] = append(have, data...)
}

// store writes what has grown.
func (g *growth) store(ctx context.Context, tx *transaction) error {
	edge, err := g.edge.MarshalBinary()
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO feeds (author, edge, note) VALUES (?, ?, ?)
		ON CONFLICT (author) DO UPDATE SET edge = excluded.edge, note = excluded.note`, string(g.author), edge, g.note); err != nil {
		return err
	}
	for k, data := range g.tiles {
		if _, err := tx.ExecContext(ctx, `INSERT INTO feed_tiles (author, level, idx, data) VALUES (?, ?, ?, ?)
			ON CONFLICT (author, level, idx) DO UPDATE SET data = excluded.data`, string(g.author), k.level, k.index, data); err != nil {
			return err
		}
	}
	return nil
}

// FeedTile implements Feeds.
func (s *sqlStore) FeedTile(ctx context.Context, author exchange.MemberID, tile tlog.Tile) ([]byte, error) {
	if tile.Level < tlog.EntriesLevel || tile.Width < 1 || tile.Width > tlog.TileWidth || tile.Index < 0 {
		return nil, ErrNotFound.With()
	}
	level := tile.Level
	if level == 0 { // made of the entries: storing it would be a second truth
		level = tlog.EntriesLevel
	}
	found, err := gather(ctx, s, readBytes, `SELECT data FROM feed_tiles WHERE author = ? AND level = ? AND idx = ?`,
		string(author), level, tile.Index)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, ErrNotFound.With()
	}
	data := found[0]
	if level != tlog.EntriesLevel {
		if len(data) < tile.Width*tlog.HashSize {
			return nil, ErrNotFound.With()
		}
		return data[:tile.Width*tlog.HashSize], nil
	}
	entries, err := unpackEntries(data)
	if err != nil {
		return nil, s.note(err, false)
	}
	if len(entries) < tile.Width {
		return nil, ErrNotFound.With()
	}
	entries = entries[:tile.Width]
	if tile.Level == tlog.EntriesLevel {
		bundle := make([][]byte, len(entries))
		for i, e := range entries {
			bundle[i] = e.Encode()
		}
		return tlog.EntryBundle(bundle)
	}
	hashes := make([]byte, 0, tile.Width*tlog.HashSize)
	for _, e := range entries {
		h := e.Leaf()
		hashes = append(hashes, h[:]...)
	}
	return hashes, nil
}

func readBytes(row scanner) (data []byte, err error) {
	err = row.Scan(&data)
	return data, err
}
