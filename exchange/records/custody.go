package records

import (
	"context"
	"encoding/binary"

	"accord/exchange"
	"accord/exchange/feed"
)

// Custody is the part of a Store that keeps what custody needs beside the records:
// at an author, what it has dealt and who has it; at a custodian, what it keeps.
// Shares are kept as they travel, encrypted to a member's seal key.
type Custody interface {
	// ToDeal gives up to limit own records of a category that were not retracted,
	// after a position, oldest first.
	ToDeal(ctx context.Context, author exchange.MemberID, category string, after int64, limit int) ([]Place, error)
	// Deal keeps dealings with what goes to each custodian, and a position with them.
	Deal(ctx context.Context, deals []Deal, at Position) error
	// Unanchored gives up to limit dealings that are not known to be on the ledger.
	Unanchored(ctx context.Context, limit int) ([]Deal, error)
	// Anchored says that these are on the ledger.
	Anchored(ctx context.Context, deals []Deal) error
	// DropDeals forgets dealings that never will be.
	DropDeals(ctx context.Context, deals []Deal) error
	// LastDealt is the newest generation dealt of a record, 0 before the first, and the
	// policy it was dealt under.
	LastDealt(ctx context.Context, record exchange.RecordID) (generation int, set string, err error)

	// Due gives up to limit hands of a custodian in a state, whole ones when they are
	// still to be handed over.
	Due(ctx context.Context, member exchange.MemberID, state HandState, limit int) ([]Hand, error)
	// HandKept stores custodians' receipts. When all of a generation have it, its
	// boxes are dropped and what is older is to be destroyed.
	HandKept(ctx context.Context, hands []Hand) error
	// HandDestroyed stores custodians' receipts for what they destroyed.
	HandDestroyed(ctx context.Context, hands []Hand) error
	// Hands lists all hands of a record, the newest generation first, without shares.
	Hands(ctx context.Context, record exchange.RecordID) ([]Hand, error)
	// HandCounts counts hands by custodian and state.
	HandCounts(ctx context.Context) ([]HandCount, error)
	// DealCounts counts records by category: dealt at all, and whose newest generation
	// every custodian has.
	DealCounts(ctx context.Context) ([]DealCount, error)

	// KeepShares keeps what authors deposited here. ErrErasedHere: the record was
	// erased. What is kept already stays.
	KeepShares(ctx context.Context, all []Kept) error
	// SharesOf gives what is kept of an author's record, the newest first.
	SharesOf(ctx context.Context, author exchange.MemberID, record exchange.RecordID) ([]Kept, error)
	// DropShares destroys what is kept of records' generations below At. When it
	// returns nil the bytes are gone from the store's files, as by Scrub.
	DropShares(ctx context.Context, author exchange.MemberID, named []Place) error
	// KeptCounts counts what is kept, by author.
	KeptCounts(ctx context.Context) (map[exchange.MemberID]int64, error)
	// Said is whether an author's feed has retracted or erased a record, as far as it
	// is known here, also of records that are not held.
	Said(ctx context.Context, author exchange.MemberID, record exchange.RecordID) (feed.Kind, error)
}

// ErrErasedHere is given where a share comes of a record that its author erased.
var ErrErasedHere = exchange.Define(exchange.KindRefused, "CUST-020",
	exchange.Text{Zh: "该记录已被其作者清除，不再托管", En: "its author has erased the record, so nothing of it is kept"},
	exchange.Text{Zh: "无需再送", En: "there is nothing more to deposit"})

// Place names a record with a position, or with a generation.
type Place struct {
	Record exchange.RecordID
	At     int64
}

// HandState is where a custodian's part of a dealing stands.
type HandState int

// The states.
const (
	HandDue     HandState = 0 // to be handed over
	HandHas     HandState = 1 // the custodian signed that it keeps it
	HandRetire  HandState = 2 // a newer generation is complete: to be destroyed
	HandRetired HandState = 3 // the custodian signed that it destroyed it
)

// Deal is one dealing of a record's field keys.
type Deal struct {
	Record     exchange.RecordID
	Generation int
	Category   string
	Set        string // the policy it was dealt under, see agency
	Statement  string // the author's, as signed
	Boxes      [][]byte
	Hands      []Hand // of Deal only
}

// Hand is one custodian's part of a dealing.
type Hand struct {
	Record     exchange.RecordID
	Generation int
	Member     exchange.MemberID
	State      HandState
	Share      string // JWE to the custodian, while it is due
	Kept       string // its receipts
	Destroyed  string
	Statement  string // of Due
	Boxes      [][]byte
}

// HandCount is how many hands of a custodian are in a state.
type HandCount struct {
	Member exchange.MemberID
	State  HandState
	Count  int64
}

// DealCount is how far a category's records are in custody.
type DealCount struct {
	Category        string
	Dealt, Complete int64
}

// Kept is what a custodian keeps of one generation of a record.
type Kept struct {
	Author     exchange.MemberID
	Record     exchange.RecordID
	Generation int
	Statement  string
	Share      string
	Boxes      [][]byte
	At         exchange.Millis
}

// encodeList joins byte strings, each with its length in front.
func encodeList(all [][]byte) []byte {
	out := []byte{}
	for _, b := range all {
		out = append(binary.AppendUvarint(out, uint64(len(b))), b...)
	}
	return out
}

func decodeList(data []byte) (all [][]byte, err error) {
	for len(data) > 0 {
		n, size := binary.Uvarint(data)
		if size <= 0 || n > uint64(len(data)-size) {
			return nil, ErrStorage.With()
		}
		all, data = append(all, data[size:size+int(n):size+int(n)]), data[size+int(n):]
	}
	return all, nil
}

// ToDeal implements Custody.
func (s *sqlStore) ToDeal(ctx context.Context, author exchange.MemberID, category string, after int64, limit int) ([]Place, error) {
	return gather(ctx, s, func(row scanner) (p Place, err error) {
		err = row.Scan((*string)(&p.Record), &p.At)
		return p, err
	}, `SELECT id, position FROM records WHERE author = ? AND category = ? AND position > ? AND status <> 'retracted' ORDER BY position LIMIT ?`,
		string(author), category, after, limit)
}

// Deal implements Custody.
func (s *sqlStore) Deal(ctx context.Context, deals []Deal, at Position) error {
	return s.write(ctx, func(tx *transaction) error {
		for _, d := range deals {
			if _, err := tx.ExecContext(ctx, `INSERT INTO custody_deals (record, generation, category, target, statement, boxes, anchored) VALUES (?, ?, ?, ?, ?, ?, 0)`,
				string(d.Record), d.Generation, d.Category, d.Set, d.Statement, encodeList(d.Boxes)); err != nil {
				return err
			}
			for _, h := range d.Hands {
				if _, err := tx.ExecContext(ctx, `INSERT INTO custody_hands (record, generation, member, state, share, kept, destroyed) VALUES (?, ?, ?, ?, ?, '', '')`,
					string(d.Record), d.Generation, string(h.Member), int(HandDue), h.Share); err != nil {
					return err
				}
			}
		}
		return setPositions(ctx, tx, []Position{at})
	})
}

// Unanchored implements Custody.
func (s *sqlStore) Unanchored(ctx context.Context, limit int) ([]Deal, error) {
	return gather(ctx, s, func(row scanner) (d Deal, err error) {
		err = row.Scan((*string)(&d.Record), &d.Generation, &d.Category, &d.Set, &d.Statement)
		return d, err
	}, `SELECT record, generation, category, target, statement FROM custody_deals WHERE anchored = 0 ORDER BY category, record, generation LIMIT ?`, limit)
}

// Anchored implements Custody.
func (s *sqlStore) Anchored(ctx context.Context, deals []Deal) error {
	return s.eachDeal(ctx, deals, `UPDATE custody_deals SET anchored = 1 WHERE record = ? AND generation = ?`)
}

// DropDeals implements Custody.
func (s *sqlStore) DropDeals(ctx context.Context, deals []Deal) error {
	return s.eachDeal(ctx, deals, `DELETE FROM custody_hands WHERE record = ? AND generation = ?`,
		`DELETE FROM custody_deals WHERE record = ? AND generation = ? AND anchored = 0`)
}

func (s *sqlStore) eachDeal(ctx context.Context, deals []Deal, statements ...string) error {
	if len(deals) == 0 {
		return nil
	}
	return s.write(ctx, func(tx *transaction) error {
		for _, d := range deals {
			for _, statement := range statements {
				if _, err := tx.ExecContext(ctx, statement, string(d.Record), d.Generation); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// LastDealt implements Custody.
func (s *sqlStore) LastDealt(ctx context.Context, record exchange.RecordID) (int, string, error) {
	type last struct {
		generation int
		set        string
	}
	all, err := gather(ctx, s, func(row scanner) (l last, err error) {
		err = row.Scan(&l.generation, &l.set)
		return l, err
	}, `SELECT generation, target FROM custody_deals WHERE record = ? ORDER BY generation DESC LIMIT 1`, string(record))
	if err != nil || len(all) == 0 {
		return 0, "", err
	}
	return all[0].generation, all[0].set, nil
}

// Due implements Custody.
func (s *sqlStore) Due(ctx context.Context, member exchange.MemberID, state HandState, limit int) ([]Hand, error) {
	return gather(ctx, s, func(row scanner) (h Hand, err error) {
		var boxes []byte
		if err = row.Scan((*string)(&h.Record), &h.Generation, &h.Share, &h.Statement, &boxes); err != nil {
			return h, err
		}
		h.Member, h.State = member, state
		h.Boxes, err = decodeList(boxes)
		return h, err
	}, `SELECT h.record, h.generation, h.share, d.statement, d.boxes FROM custody_hands h
		JOIN custody_deals d ON d.record = h.record AND d.generation = h.generation
		WHERE h.member = ? AND h.state = ? AND d.anchored = 1 ORDER BY h.record, h.generation LIMIT ?`, string(member), int(state), limit)
}

// HandKept implements Custody.
func (s *sqlStore) HandKept(ctx context.Context, hands []Hand) error {
	return s.write(ctx, func(tx *transaction) error {
		for _, h := range hands {
			if _, err := tx.ExecContext(ctx, `UPDATE custody_hands SET state = ?, share = '', kept = ? WHERE record = ? AND generation = ? AND member = ? AND state = ?`,
				int(HandHas), h.Kept, string(h.Record), h.Generation, string(h.Member), int(HandDue)); err != nil {
				return err
			}
			var waiting int
			if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM custody_hands WHERE record = ? AND generation = ? AND state = ?`,
				string(h.Record), h.Generation, int(HandDue)).Scan(&waiting); err != nil {
				return err
			}
			if waiting > 0 {
				continue
			}
			if _, err := tx.ExecContext(ctx, `UPDATE custody_deals SET boxes = ? WHERE record = ? AND generation = ?`, []byte{}, string(h.Record), h.Generation); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `UPDATE custody_hands SET state = ?, share = '' WHERE record = ? AND generation < ? AND state < ?`,
				int(HandRetire), string(h.Record), h.Generation, int(HandRetire)); err != nil {
				return err
			}
		}
		return nil
	})
}

// HandDestroyed implements Custody.
func (s *sqlStore) HandDestroyed(ctx context.Context, hands []Hand) error {
	return s.write(ctx, func(tx *transaction) error {
		for _, h := range hands {
			if _, err := tx.ExecContext(ctx, `UPDATE custody_hands SET state = ?, destroyed = ? WHERE record = ? AND generation = ? AND member = ? AND state = ?`,
				int(HandRetired), h.Destroyed, string(h.Record), h.Generation, string(h.Member), int(HandRetire)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Hands implements Custody.
func (s *sqlStore) Hands(ctx context.Context, record exchange.RecordID) ([]Hand, error) {
	return gather(ctx, s, func(row scanner) (h Hand, err error) {
		err = row.Scan((*string)(&h.Record), &h.Generation, (*string)(&h.Member), (*int)(&h.State), &h.Kept, &h.Destroyed)
		return h, err
	}, `SELECT record, generation, member, state, kept, destroyed FROM custody_hands WHERE record = ? ORDER BY generation DESC, member`, string(record))
}

// HandCounts implements Custody.
func (s *sqlStore) HandCounts(ctx context.Context) ([]HandCount, error) {
	return gather(ctx, s, func(row scanner) (c HandCount, err error) {
		err = row.Scan((*string)(&c.Member), (*int)(&c.State), &c.Count)
		return c, err
	}, `SELECT member, state, COUNT(*) FROM custody_hands GROUP BY member, state ORDER BY member, state`)
}

// DealCounts implements Custody.
func (s *sqlStore) DealCounts(ctx context.Context) ([]DealCount, error) {
	return gather(ctx, s, func(row scanner) (c DealCount, err error) {
		err = row.Scan(&c.Category, &c.Dealt, &c.Complete)
		return c, err
	}, `SELECT category, COUNT(*), SUM(CASE WHEN anchored = 1 AND length(boxes) = 0 THEN 1 ELSE 0 END) FROM custody_deals d
		WHERE generation = (SELECT MAX(n.generation) FROM custody_deals n WHERE n.record = d.record) GROUP BY category ORDER BY category`)
}

// KeepShares implements Custody.
func (s *sqlStore) KeepShares(ctx context.Context, all []Kept) error {
	return s.write(ctx, func(tx *transaction) error {
		now, err := tx.now(ctx)
		if err != nil {
			return err
		}
		for _, k := range all {
			var erased int
			if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM feed_documents WHERE author = ? AND record = ? AND kind = 'erasure'`,
				string(k.Author), string(k.Record)).Scan(&erased); err != nil {
				return err
			}
			if erased > 0 {
				return ErrErasedHere.With()
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO custody_shares (author, record, generation, statement, share, boxes, kept_at) VALUES (?, ?, ?, ?, ?, ?, ?)
				ON CONFLICT (author, record, generation) DO NOTHING`, string(k.Author), string(k.Record), k.Generation, k.Statement, k.Share,
				encodeList(k.Boxes), int64(now)); err != nil {
				return err
			}
		}
		return nil
	})
}

// SharesOf implements Custody.
func (s *sqlStore) SharesOf(ctx context.Context, author exchange.MemberID, record exchange.RecordID) ([]Kept, error) {
	return gather(ctx, s, func(row scanner) (k Kept, err error) {
		var boxes []byte
		if err = row.Scan(&k.Generation, &k.Statement, &k.Share, &boxes, (*int64)(&k.At)); err != nil {
			return k, err
		}
		k.Author, k.Record = author, record
		k.Boxes, err = decodeList(boxes)
		return k, err
	}, `SELECT generation, statement, share, boxes, kept_at FROM custody_shares WHERE author = ? AND record = ? ORDER BY generation DESC`, string(author), string(record))
}

// DropShares implements Custody.
func (s *sqlStore) DropShares(ctx context.Context, author exchange.MemberID, named []Place) error {
	err := s.write(ctx, func(tx *transaction) error {
		gone := int64(0)
		for _, p := range named {
			res, err := tx.ExecContext(ctx, `DELETE FROM custody_shares WHERE author = ? AND record = ? AND generation < ?`, string(author), string(p.Record), p.At)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			gone += n
		}
		if gone == 0 {
			return nil
		}
		return counted(ctx, tx)
	})
	if err != nil {
		return err
	}
	return s.Scrub(ctx)
}

// KeptCounts implements Custody.
func (s *sqlStore) KeptCounts(ctx context.Context) (map[exchange.MemberID]int64, error) {
	out := map[exchange.MemberID]int64{}
	_, err := gather(ctx, s, func(row scanner) (struct{}, error) {
		var author string
		var n int64
		err := row.Scan(&author, &n)
		out[exchange.MemberID(author)] = n
		return struct{}{}, err
	}, `SELECT author, COUNT(*) FROM custody_shares GROUP BY author ORDER BY author`)
	return out, err
}

// Said implements Custody.
func (s *sqlStore) Said(ctx context.Context, author exchange.MemberID, record exchange.RecordID) (feed.Kind, error) {
	said, err := gather(ctx, s, func(row scanner) (kind string, err error) {
		err = row.Scan(&kind)
		return kind, err
	}, `SELECT kind FROM feed_documents WHERE author = ? AND record = ? AND kind IN ('erasure', 'retraction') ORDER BY kind`, string(author), string(record))
	if err != nil || len(said) == 0 {
		return "", err
	}
	return feed.Kind(said[0]), nil
}

// eraseCustody destroys what is kept of a record here, as its author or as a
// custodian.
func eraseCustody(ctx context.Context, tx *transaction, author exchange.MemberID, id exchange.RecordID) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM custody_shares WHERE author = ? AND record = ?`, string(author), string(id)); err != nil {
		return err
	}
	// Ids are random: another author's record has no other's id, save by its fault.
	for _, statement := range []string{
		`DELETE FROM custody_hands WHERE record = ? AND EXISTS (SELECT 1 FROM records r WHERE r.id = ? AND r.author = ?)`,
		`DELETE FROM custody_deals WHERE record = ? AND EXISTS (SELECT 1 FROM records r WHERE r.id = ? AND r.author = ?)`,
	} {
		if _, err := tx.ExecContext(ctx, statement, string(id), string(id), string(author)); err != nil {
			return err
		}
	}
	return nil
}
