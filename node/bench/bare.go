package bench

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"accord/crypto/keys"
	"accord/crypto/seal"
)

// bare does what a record cannot be made without, and nothing else: one signature
// and four sealed values, then an insert of the bytes that the node stores.
type bare struct {
	db       *sql.DB
	postgres bool
	rows     [][2][]byte // signed part and sealed fields as the node stored them
	next     int
	key      keys.Private
	sealer   *seal.Sealer
	inserts  []float64 // rates of the insert alone, one a round
}

// bareBatch is how many rows one transaction and, with PostgreSQL, one statement
// has: as many as the node's.
const bareBatch = 1024

// bare makes a table of its own beside the node's store, on the same disk or
// server and as durable.
func (r *recordRun) bare(ctx context.Context, a *author) (*bare, error) {
	b := &bare{postgres: a.store == onPostgres}
	if err := b.read(ctx, a); err != nil {
		return nil, err
	}
	var err error
	if b.key, err = keys.Generate(keys.Attest, rand.Reader); err != nil {
		return nil, err
	}
	word := make([]byte, seal.KeySize)
	_, _ = rand.Read(word) // never fails
	if b.sealer, err = seal.NewSealer(word, rand.Reader); err != nil {
		return nil, err
	}
	if b.postgres {
		name, err := r.postgres.database(ctx)
		if err != nil {
			return nil, err
		}
		b.db, err = r.postgres.open(name)
		if err != nil {
			return nil, err
		}
	} else if b.db, err = sql.Open("sqlite", durable(filepath.Join(a.fed.dir, "bare.db"))); err != nil {
		return nil, err
	}
	b.db.SetMaxOpenConns(1)
	kind := "BLOB"
	if b.postgres {
		kind = "BYTEA"
	}
	_, err = b.db.ExecContext(ctx, `CREATE TABLE bare (id BIGINT PRIMARY KEY, jwt `+kind+` NOT NULL, sealed `+kind+` NOT NULL)`)
	return b, err
}

// durable is a SQLite file as durable as the record store.
func durable(file string) string {
	return "file:" + file + "?" + url.Values{"_synchronous": {"FULL"}, "_journal_mode": {"WAL"}, "_pragma": {"secure_delete(1)"}, "_busy_timeout": {"10000"}, "_txlock": {"immediate"}}.Encode()
}

// read takes the bytes of some records from the node's store.
func (b *bare) read(ctx context.Context, a *author) error {
	db, err := a.database()
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, `SELECT jwt, sealed FROM records LIMIT 256`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var one [2][]byte
		if err := rows.Scan(&one[0], &one[1]); err != nil {
			return err
		}
		b.rows = append(b.rows, one)
	}
	return rows.Err()
}

func (b *bare) close() { b.db.Close() }

// limit is what this machine could do at most: all cores busy with nothing but
// signing, sealing and inserting, and none ever waiting for another.
func (b *bare) limit(ctx context.Context, n int) (sample, error) {
	making, err := b.make(n)
	if err != nil {
		return sample{}, err
	}
	begun := time.Now()
	if err := b.insert(ctx, n); err != nil {
		return sample{}, err
	}
	inserting := time.Since(begun)
	b.inserts = append(b.inserts, float64(n)/inserting.Seconds())
	// Each second has as many seconds of processor as there are cores; the one
	// writer cannot use more than one of them.
	each := making.Seconds() + inserting.Seconds()/float64(cores())
	return sample{rate: float64(n) / max(each, inserting.Seconds()), ops: n}, nil
}

// signedLength is how many bytes the signature of such a record is over.
const signedLength = 1400

// make signs and seals n records on all cores and says how long it took.
func (b *bare) make(n int) (time.Duration, error) {
	message := []byte(strings.Repeat("x", signedLength))
	value := []byte(strings.Repeat("x", 88)) // a disclosure of twenty bytes, encoded
	errs := make([]error, cores())
	begun := time.Now()
	var wg sync.WaitGroup
	for w := range errs {
		wg.Go(func() {
			for i := w; i < n && errs[w] == nil; i += len(errs) {
				if _, errs[w] = b.key.Sign(message); errs[w] != nil {
					return
				}
				for _, field := range [...]string{"complainant", "complainant_phone", "licence_number", "content"} {
					if _, errs[w] = b.sealer.Seal(seal.Binding{Record: "AAAAAAAAAAAAAAAAAAAAAA", Field: field, Digest: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}, value); errs[w] != nil {
						return
					}
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return time.Since(begun), nil
}

// insert stores n rows in transactions of bareBatch.
func (b *bare) insert(ctx context.Context, n int) error {
	for n > 0 {
		batch := min(n, bareBatch)
		if err := b.transaction(ctx, batch); err != nil {
			return err
		}
		n -= batch
	}
	return nil
}

func (b *bare) transaction(ctx context.Context, n int) error {
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after a commit it does nothing
	if b.postgres {
		args, marks := make([]any, 0, 3*n), make([]string, n)
		for i := range n {
			row := b.row()
			marks[i] = fmt.Sprintf("($%d, $%d, $%d)", 3*i+1, 3*i+2, 3*i+3)
			args = append(args, b.next, row[0], row[1])
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO bare (id, jwt, sealed) VALUES `+strings.Join(marks, ", "), args...); err != nil {
			return err
		}
		return tx.Commit()
	}
	insert, err := tx.PrepareContext(ctx, `INSERT INTO bare (id, jwt, sealed) VALUES (?, ?, ?)`)
	if err != nil {
		return err
	}
	defer insert.Close()
	for range n {
		row := b.row()
		if _, err := insert.ExecContext(ctx, b.next, row[0], row[1]); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// row is the next one, under a number of its own.
func (b *bare) row() [2][]byte {
	b.next++
	return b.rows[b.next%len(b.rows)]
}
