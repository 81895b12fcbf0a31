package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"accord/exchange/records"
	"accord/node"
	"accord/node/config"
)

// mirror measures records a second that a new follower proves and stores: entries
// proved to lead to the author's signed checkpoint, every document held against
// its entry, all of it durable. Author and follower are two nodes on this machine,
// over TLS on the loopback; signatures of single records are verified behind it.
// The rival copies the same rows with the same indexes from one server to another.
func (r *recordRun) mirror(ctx context.Context) error {
	f, err := r.found(ctx, "f", 2)
	if err != nil {
		return err
	}
	m := &mirroring{author: author{r: r, fed: f, store: onSQLite, settings: []string{"api.max_upload_mib=4096"}}}
	if err := m.start(ctx); err != nil {
		return err
	}
	defer m.close()
	r.say("作者导入 %d 条", "the author imports %d records", r.Mirrored)
	for m.total < int64(r.Mirrored) {
		if _, err := m.importRows(ctx, "csv", min(r.Mirrored-int(m.total), 200_000)); err != nil {
			return err
		}
	}
	if err := m.whole(ctx); err != nil {
		return err
	}
	if err := m.pair(ctx); err != nil {
		return err
	}
	if m.from != nil {
		defer m.to.stop()
	}
	return r.onEach(ctx, "mirror", func(ctx context.Context, store string) error {
		var copying func() (sample, error)
		if m.from != nil {
			copying = func() (sample, error) { return m.copy(ctx) }
		}
		ours, rivals, err := duel(ctx, r.Rounds, func() (sample, error) { return m.follow(ctx, store) }, copying)
		if err != nil {
			return err
		}
		rival := "PostgreSQL COPY, server to server, same rows and indexes"
		if m.from == nil {
			rival = r.rivalName()
		}
		r.add(withNote(hold(fmt.Sprintf("mirror/%s/%d", store, r.Mirrored), "records/s", figures(ours, sample.perSecond), rival, figures(rivals, sample.perSecond), goal{times: 0.8}),
			"记录由其在作者已签名的流中的位置证明；单条签名在后台验证", "a record is authentic by its place in its author's signed feed; its own signature is checked behind it"))
		return nil
	})
}

// mirroring is an author and its follower, and two servers to copy between.
type mirroring struct {
	author
	from, to     *postgres
	fromDB, toDB string
}

// whole waits until the follower has everything.
func (m *mirroring) whole(ctx context.Context) error {
	return until(ctx, m.fed.nodes[1], 20*time.Millisecond, func() bool {
		f, err := m.feed(ctx, 1)
		return err == nil && f.Size == m.total
	})
}

// follow lets the second node begin anew with an empty store. The clock runs from
// the first batch that it has stored to the last, without what a start takes.
func (m *mirroring) follow(ctx context.Context, store string) (sample, error) {
	p := m.fed.nodes[1]
	p.stop()
	if err := m.forget(); err != nil {
		return sample{}, err
	}
	settings, err := m.r.settings(ctx, m.fed, store)
	if err != nil {
		return sample{}, err
	}
	m.fed.nodes[1] = m.fed.process(m.fed.plan.Nodes[1].Member, m.r.program(), settings...)
	if err := m.fed.nodes[1].start(); err != nil {
		return sample{}, err
	}
	if err := m.fed.ready(ctx, 1); err != nil {
		return sample{}, err
	}
	profile(m.r.Profile, m.fed)
	defer profile(m.r.Profile, m.fed)
	var first int64
	var begun time.Time
	err = until(ctx, m.fed.nodes[1], 5*time.Millisecond, func() bool {
		f, err := m.feed(ctx, 1)
		if err == nil && f.Size > 0 && begun.IsZero() {
			first, begun = f.Size, time.Now()
		}
		return err == nil && f.Size == m.total
	})
	took := time.Since(begun)
	switch {
	case err != nil:
		return sample{}, err
	case first == m.total:
		return sample{}, errors.New("bench: too few records to measure a mirror")
	}
	return sample{rate: float64(m.total-first) / took.Seconds(), ops: int(m.total)}, nil
}

// forget removes the follower's records.
func (m *mirroring) forget() error {
	files, err := filepath.Glob(filepath.Join(m.fed.dataDir(1), "records.*"))
	for _, f := range files {
		err = errors.Join(err, os.Remove(f))
	}
	return err
}

// pair brings the follower's records into a server, and makes an empty table of
// the same form in another.
func (m *mirroring) pair(ctx context.Context) error {
	if !m.r.Rival || !m.r.havePostgres(ctx) {
		return nil
	}
	m.r.say("对照服务器装入同样的行", "the rival's server gets the same rows")
	from, to := m.r.postgres, m.r.postgres.another("2")
	if err := to.start(ctx); err != nil {
		return err
	}
	var err error
	if m.fromDB, err = from.database(ctx); err != nil {
		return err
	}
	if m.toDB, err = to.database(ctx); err != nil {
		return err
	}
	m.from, m.to = from, to
	m.fed.nodes[1].stop()
	if err := m.schema(ctx, from, m.fromDB, true); err != nil {
		return err
	}
	return m.schema(ctx, to, m.toDB, false)
}

// schema makes the record store's tables in a database, and moves the follower's
// records there.
func (m *mirroring) schema(ctx context.Context, p *postgres, database string, fill bool) error {
	dir := m.fed.dataDir(1)
	cfg, _, err := config.Load(dir, func(string) (string, bool) { return "", false }, nil)
	if err != nil {
		return err
	}
	d, err := node.DatabaseOf(cfg, p.url(database, false))
	if err != nil {
		return err
	}
	d.Password, d.Keys = p.password, filepath.Join(m.fed.dir, database+fmt.Sprint(p.port)+".keys")
	if !fill {
		s, err := records.OpenPostgres(ctx, d)
		if err != nil {
			return err
		}
		return s.Close()
	}
	store, err := records.OpenSQLite(ctx, filepath.Join(dir, "records.db"))
	if err != nil {
		return err
	}
	defer store.Close()
	_, err = records.Move(ctx, store, d, func(int64) {})
	return err
}

// copy is one round of the rival's.
func (m *mirroring) copy(ctx context.Context) (sample, error) {
	if _, err := m.to.exec(ctx, m.toDB, "TRUNCATE records CASCADE; CHECKPOINT"); err != nil {
		return sample{}, err
	}
	out, in := m.from.psql(ctx, m.fromDB, "COPY records TO STDOUT (FORMAT binary)"), m.to.psql(ctx, m.toDB, "COPY records FROM STDIN (FORMAT binary)")
	read, write := io.Pipe()
	var words strings.Builder
	out.Stdout, in.Stdin, in.Stderr = write, read, &words
	begun := time.Now()
	if err := in.Start(); err != nil {
		return sample{}, err
	}
	err := out.Run()
	write.CloseWithError(err) // nil: the end
	if werr := in.Wait(); err == nil {
		err = werr
	}
	took := time.Since(begun)
	if err != nil {
		return sample{}, fmt.Errorf("psql: %w: %s", err, words.String())
	}
	count, err := m.to.exec(ctx, m.toDB, "SELECT COUNT(*) FROM records")
	if err != nil || count != fmt.Sprint(m.total) {
		return sample{}, fmt.Errorf("bench: %s of %d rows were copied: %w", count, m.total, err)
	}
	return sample{rate: float64(m.total) / took.Seconds(), ops: int(m.total)}, nil
}
