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

// keyTables is the file's schema. A destroyed key is "" and not absent: a key
// that is absent was lost.
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
		return tx.QueryRowContext(ctx, `SELECT id FROM key_file`).Scan(&k.id)
	})
	if err != nil {
		return nil, errors.Join(err, k.Close())
	}
	return k, nil
}

// put stores the keys of new records. What stands there under the id of one is
// left over from a transaction that was not committed.
func (k *keyFile) put(ctx context.Context, batch []Record) error {
	return k.write(ctx, func(tx *transaction) error {
		var rows []any
		for i := range batch {
			if len(batch[i].Sealed) == 0 {
				continue
			}
			keys := map[string]string{}
			for _, f := range batch[i].Sealed {
				keys[f.Field] = base64.RawStdEncoding.EncodeToString(f.Sealed.Key) // "" of one that was erased before
			}
			text, err := strictjson.Marshal(keys)
			if err != nil {
				return malformed("sealed")
			}
			rows = append(rows, string(batch[i].ID), string(text))
		}
		for some := range slices.Chunk(rows, 2*bulkRows) {
			if _, err := tx.ExecContext(ctx, `INSERT INTO field_keys (id, keys) VALUES (?, ?)`+strings.Repeat(", (?, ?)", len(some)/2-1)+
				` ON CONFLICT (id) DO UPDATE SET keys = excluded.keys`, some...); err != nil {
				return err
			}
		}
		return nil
	})
}

// fill adds the keys to a record's sealed fields. A field whose key was
// destroyed is erased, whatever the database still says.
func (k *keyFile) fill(ctx context.Context, id exchange.RecordID, fields []SealedField) error {
	var text string
	err := k.read(ctx, func(p pool) error {
		err := p.QueryRowContext(ctx, `SELECT keys FROM field_keys WHERE id = ?`, string(id)).Scan(&text)
		if errors.Is(err, sql.ErrNoRows) {
			text, err = "{}", nil
		}
		return err
	})
	if err != nil {
		return err
	}
	var keys map[string]string
	if err := strictjson.Unmarshal([]byte(text), &keys); err != nil {
		return ErrStorage.Wrap(err)
	}
	for i := range fields {
		f := &fields[i]
		if f.Erased {
			continue
		}
		word, ok := keys[f.Field]
		if !ok {
			return ErrStorage.Wrap(errors.New("the key file lacks a key of record " + string(id)))
		}
		if word == "" {
			f.Erased, f.Sealed = true, seal.Sealed{}
			continue
		}
		if f.Sealed.Key, err = base64.RawStdEncoding.DecodeString(word); err != nil {
			return ErrStorage.Wrap(err)
		}
	}
	return nil
}

// destroy overwrites the keys of the fields that are marked erased. When it
// returns, their bytes are gone from the file and its log.
func (k *keyFile) destroy(ctx context.Context, id exchange.RecordID, fields []SealedField) error {
	var gone []string
	for _, f := range fields {
		if f.Erased {
			gone = append(gone, f.Field)
		}
	}
	err := k.write(ctx, func(tx *transaction) error { return emptied(ctx, tx, id, gone...) })
	if err != nil {
		return err
	}
	return k.engine.scrub(ctx, true)
}

// emptied overwrites a record's keys of the named fields, of all when none is named.
func emptied(ctx context.Context, tx *transaction, id exchange.RecordID, fields ...string) error {
	var text string
	err := tx.QueryRowContext(ctx, `SELECT keys FROM field_keys WHERE id = ?`, string(id)).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	var keys map[string]string
	if err := strictjson.Unmarshal([]byte(text), &keys); err != nil {
		return ErrStorage.Wrap(err)
	}
	if len(fields) == 0 {
		fields = slices.Collect(maps.Keys(keys))
	}
	for _, f := range fields {
		keys[f] = ""
	}
	left, err := strictjson.Marshal(keys)
	if err != nil {
		return ErrStorage.Wrap(err)
	}
	_, err = tx.ExecContext(ctx, `UPDATE field_keys SET keys = ? WHERE id = ?`, string(left), string(id))
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
			if err := emptied(ctx, tx, id); err != nil {
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
