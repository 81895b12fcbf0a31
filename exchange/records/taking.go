package records

import (
	"context"

	"accord/exchange"
	"accord/exchange/feed"
)

// taking stores what came with entries of another member's feed. What the tables say
// of many entries it asks at once, and anew after everything that may have changed
// the answer.
type taking struct {
	tx     *transaction
	author exchange.MemberID
	rows   *bulk

	ahead  int                  // entries from the next on for which taken and stands are true
	window int                  // entries to ask of next time
	taken  map[string]bool      // ids of records that are in the store
	stands map[string]standsNow // what its feed has said of a record since
}

// standsNow is where a record stands by what its feed has said since.
type standsNow struct {
	status Status
	by     exchange.RecordID
	at     exchange.Millis
}

func newTaking(tx *transaction, author exchange.MemberID) *taking {
	return &taking{tx: tx, author: author, rows: newBulk(tx), window: rowKeysPerQuery}
}

// look makes sure that the tables have been asked of the first of these entries.
func (t *taking) look(ctx context.Context, items []Item) error {
	if t.ahead--; t.ahead > 0 {
		return nil
	}
	items = items[:min(len(items), t.window)]
	t.ahead, t.window = len(items), min(2*t.window, rowKeysPerQuery)
	var ids []any
	for i := range items {
		if items[i].Record != nil {
			ids = append(ids, items[i].Entry.ID)
		}
	}
	t.taken, t.stands = make(map[string]bool, len(ids)), map[string]standsNow{}
	if len(ids) == 0 {
		return nil
	}
	if err := t.rows.flush(ctx); err != nil {
		return err
	}
	return t.ask(ctx, ids)
}

func (t *taking) ask(ctx context.Context, ids []any) error {
	err := t.each(ctx, func(row scanner) error {
		var id string
		err := row.Scan(&id)
		t.taken[id] = true
		return err
	}, `SELECT id FROM records WHERE id IN `+marks(len(ids)), ids...)
	if err != nil {
		return err
	}
	return t.each(ctx, func(row scanner) error {
		var record, kind, id string
		var at int64
		err := row.Scan(&record, &kind, &id, &at)
		now := standsNow{Retracted, "", exchange.Millis(at)}
		if kind == string(feed.Correction) {
			now = standsNow{Corrected, exchange.RecordID(id), exchange.Millis(at)}
		}
		if _, known := t.stands[record]; !known {
			t.stands[record] = now
		}
		return err
	}, `SELECT record, kind, id, issued_at FROM feed_documents WHERE author = ? AND kind IN ('correction', 'retraction') AND record IN `+marks(len(ids)),
		append([]any{string(t.author)}, ids...)...)
}

func (t *taking) each(ctx context.Context, one func(scanner) error, statement string, args ...any) error {
	rows, err := t.tx.QueryContext(ctx, statement, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := one(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// changed says that something was done after which the tables must be asked again,
// of few entries at first: more of the kind may follow.
func (t *taking) changed() { t.ahead, t.window = 0, 1 }

// take stores what came with one entry.
func (t *taking) take(ctx context.Context, item Item, position int64) error {
	switch {
	case item.Lack != Held:
		return lack(ctx, t.tx, t.author, item)
	case item.Document != nil:
		if err := t.rows.flush(ctx); err != nil {
			return err
		}
		t.changed()
		_, err := file(ctx, t.tx, item.Document)
		return err
	}
	r := *item.Record
	r.FeedIndex = item.Index
	if t.taken[string(r.ID)] {
		item.Lack = Clash
		return lack(ctx, t.tx, t.author, item)
	}
	t.taken[string(r.ID)] = true
	if now, said := t.stands[string(r.ID)]; said {
		r.Status, r.ReplacedBy, r.EndedAt = now.status, now.by, now.at
	} else {
		r.Status, r.ReplacedBy, r.EndedAt = Active, "", 0
	}
	if r.Replaces != "" {
		if err := t.rows.flush(ctx); err != nil {
			return err
		}
		t.changed()
		var err error
		if r.Replaces, err = corrects(ctx, t.tx, &r); err != nil {
			return err
		}
	}
	return t.rows.add(ctx, &r, position)
}
