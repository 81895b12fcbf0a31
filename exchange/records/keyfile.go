package records

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"errors"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"

	"accord/crypto/seal"
	"accord/crypto/strictjson"
	"accord/exchange"
)

// keyFile holds the wrapped keys of sealed fields where the records themselves
// are in a database whose files the node cannot scrub. It is a SQLite file with
// the settings of the embedded store, so what is destroyed in it is gone.
type keyFile struct {
	SQLite
	id string // which the database knows as well
}

// keyTables is the file's schema. The keys of a record are one value: of each of its
// sealed fields, in the order in which the record has them, no name and the key, each
// behind its length. A destroyed key is empty and not absent: a key that is absent was
// lost. Before, each key had its field's name, and before that the value was JSON; see
// repackKeys.
var keyTables = []string{
	`CREATE TABLE IF NOT EXISTS key_file (one BIGINT PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS field_keys (id TEXT PRIMARY KEY, keys TEXT NOT NULL) WITHOUT ROWID`,
}

func openKeyFile(ctx context.Context, file string) (*keyFile, error) {
	if err := prepareFile(file); err != nil {
		return nil, err
	}
	k := &keyFile{SQLite: SQLite{file: file}}
	k.engine, k.turn = &k.SQLite, make(chan struct{}, 1)
	var err error
	if k.opened, err = os.Stat(file); err != nil {
		return nil, ErrStorage.Wrap(err)
	}
	if k.writer, err = sql.Open("sqlite", dsn(file, url.Values{"_txlock": {"immediate"}, "_journal_mode": {"WAL"}})); err != nil {
		return nil, ErrStorage.Wrap(err)
	}
	k.writer.SetMaxOpenConns(1)
	if k.reader, err = sql.Open("sqlite", dsn(file, url.Values{"_query_only": {"1"}})); err != nil {
		return nil, errors.Join(ErrStorage.Wrap(err), k.writer.Close())
	}
	k.reader.SetMaxOpenConns(readers)
	err = k.write(ctx, func(tx *transaction) error {
		for _, statement := range keyTables {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO key_file (one, id) VALUES (1, ?) ON CONFLICT (one) DO NOTHING`, rand.Text()); err != nil {
			return err
		}
		return errors.Join(tx.QueryRowContext(ctx, `SELECT id FROM key_file`).Scan(&k.id), repackKeys(ctx, tx))
	})
	if err != nil {
		return nil, errors.Join(err, k.Close())
	}
	return k, nil
}

// put stores the keys of new records. What stands there under the id of one is
// left over from a transaction that was not committed.
func (k *keyFile) put(ctx context.Context, batch []Record) error {
	_, err := k.store(ctx, batch, ` ON CONFLICT (id) DO UPDATE SET keys = excluded.keys`)
	return err
}

// putting begins to store the keys of records that are on their way into the database,
// and changes none that are there: an id may turn out to be another record's. What it
// gives waits for the end and says whether all were new.
func (k *keyFile) putting(ctx context.Context, batch []Record) func() (bool, error) {
	var all bool
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		all, err = k.store(ctx, batch, ` ON CONFLICT (id) DO NOTHING`)
	}()
	return func() (bool, error) {
		<-done
		return all, err
	}
}

// store says whether every record's keys were written.
func (k *keyFile) store(ctx context.Context, batch []Record, conflict string) (all bool, err error) {
	err = k.write(ctx, func(tx *transaction) error {
		var rows []any
		written := 0
		for i := range batch {
			if len(batch[i].Sealed) == 0 {
				continue
			}
			var keys fieldKeys
			for _, f := range batch[i].Sealed {
				keys = append(keys, fieldKey{key: f.Sealed.Key}) // empty of one that was erased before
			}
			rows = append(rows, string(batch[i].ID), keys.encode())
		}
		for some := range slices.Chunk(rows, 2*bulkRows) {
			res, err := tx.ExecContext(ctx, `INSERT INTO field_keys (id, keys) VALUES (?, ?)`+strings.Repeat(", (?, ?)", len(some)/2-1)+conflict, some...)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			written += 2 * int(n)
		}
		all = written == len(rows)
		return nil
	})
	return all, err
}

// fill adds the keys to a record's sealed fields. A field whose key was
// destroyed is erased, whatever the database still says.
func (k *keyFile) fill(ctx context.Context, id exchange.RecordID, fields []SealedField) error {
	var data []byte
	err := k.read(ctx, func(p pool) error {
		err := p.QueryRowContext(ctx, `SELECT keys FROM field_keys WHERE id = ?`, string(id)).Scan(&data)
		if errors.Is(err, sql.ErrNoRows) {
			data, err = nil, nil
		}
		return err
	})
	if err != nil {
		return err
	}
	keys, err := decodeKeys(data)
	if err != nil {
		return err
	}
	for i := range fields {
		f := &fields[i]
		if f.Erased {
			continue
		}
		at := keys.at(i, f.Field)
		if at < 0 {
			return ErrStorage.Wrap(errors.New("the key file lacks a key of record " + string(id)))
		}
		if f.Sealed.Key = keys[at].key; len(f.Sealed.Key) == 0 {
			f.Erased, f.Sealed = true, seal.Sealed{}
		}
	}
	return nil
}

// fieldKey is the wrapped key of a field, empty when it was destroyed.
type fieldKey struct {
	field string // "" where its place says of which
	key   []byte
}

type fieldKeys []fieldKey

// at is where the key of a record's field is that has this place and name, -1 if nowhere.
func (keys fieldKeys) at(place int, field string) int {
	if place < len(keys) && keys[place].field == "" {
		return place
	}
	return slices.IndexFunc(keys, func(k fieldKey) bool { return k.field == field })
}

func (keys fieldKeys) encode() []byte {
	data := []byte{}
	for _, k := range keys {
		data = appendBytes(appendBytes(data, []byte(k.field)), k.key)
	}
	return data
}

func decodeKeys(data []byte) (keys fieldKeys, err error) {
	for len(data) > 0 {
		field, rest, ok := cutBytes(data)
		key, rest, whole := cutBytes(rest)
		if !ok || !whole {
			return nil, ErrStorage.Wrap(errors.New("the key file has keys that do not read"))
		}
		keys, data = append(keys, fieldKey{string(field), key}), rest
	}
	return keys, nil
}

// repackKeys writes keys anew that were JSON: a text, and not bytes.
func repackKeys(ctx context.Context, tx *transaction) error {
	var version int
	if err := tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil || version > 0 {
		return err
	}
	if _, err := tx.ExecContext(ctx, `PRAGMA user_version = 1`); err != nil {
		return err
	}
	for {
		ids, texts, err := jsonKeys(ctx, tx)
		if err != nil || len(ids) == 0 {
			return err
		}
		for i, text := range texts {
			var words map[string]string
			if err := strictjson.Unmarshal([]byte(text), &words); err != nil {
				return ErrStorage.Wrap(err)
			}
			var keys fieldKeys
			for _, field := range slices.Sorted(maps.Keys(words)) {
				key, err := base64.RawStdEncoding.DecodeString(words[field])
				if err != nil {
					return ErrStorage.Wrap(err)
				}
				keys = append(keys, fieldKey{field, key})
			}
			if _, err := tx.ExecContext(ctx, `UPDATE field_keys SET keys = ? WHERE id = ?`, keys.encode(), ids[i]); err != nil {
				return err
			}
		}
	}
}

func jsonKeys(ctx context.Context, tx *transaction) (ids, texts []string, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, keys FROM field_keys WHERE typeof(keys) = 'text' LIMIT 1000`)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, text string
		if err := rows.Scan(&id, &text); err != nil {
			return nil, nil, err
		}
		ids, texts = append(ids, id), append(texts, text)
	}
	return ids, texts, rows.Err()
}

// destroy overwrites the keys of the fields that are marked erased. When it
// returns, their bytes are gone from the file and its log.
func (k *keyFile) destroy(ctx context.Context, id exchange.RecordID, fields []SealedField) error {
	err := k.write(ctx, func(tx *transaction) error { return emptied(ctx, tx, id, fields) })
	if err != nil {
		return err
	}
	return k.engine.scrub(ctx, true)
}

// emptied overwrites a record's keys of those of its fields that are marked erased, or
// for none given all.
func emptied(ctx context.Context, tx *transaction, id exchange.RecordID, fields []SealedField) error {
	var data []byte
	err := tx.QueryRowContext(ctx, `SELECT keys FROM field_keys WHERE id = ?`, string(id)).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	keys, err := decodeKeys(data)
	if err != nil {
		return err
	}
	for i := range keys {
		if len(fields) == 0 {
			keys[i].key = nil
		}
	}
	for i, f := range fields {
		if at := keys.at(i, f.Field); f.Erased && at >= 0 {
			keys[at].key = nil
		}
	}
	_, err = tx.ExecContext(ctx, `UPDATE field_keys SET keys = ? WHERE id = ?`, keys.encode(), string(id))
	return err
}

// forget takes the empty entries of records out that are gone from the database.
func (k *keyFile) forget(ctx context.Context, ids []exchange.RecordID) error {
	return k.write(ctx, func(tx *transaction) error {
		for _, id := range ids {
			if _, err := tx.ExecContext(ctx, `DELETE FROM field_keys WHERE id = ?`, string(id)); err != nil {
				return err
			}
		}
		return nil
	})
}

// destroyAll overwrites every key of records that are about to be taken out. Where
// the database then does not commit, their fields are erased, and not damaged.
func (k *keyFile) destroyAll(ctx context.Context, ids []exchange.RecordID) error {
	err := k.write(ctx, func(tx *transaction) error {
		for _, id := range ids {
			if err := emptied(ctx, tx, id, nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return k.engine.scrub(ctx, true)
}
