package bench

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"accord/node/client"
	"accord/node/wire"
)

// importing measures records a second from a file to the last durable row of it:
// read, validated, signed, sealed, stored, in the feed; anchors go to the ledger
// beside it as always. The federation has this one member, since what mirrors do
// costs their machines and not this one.
func (r *recordRun) importing(ctx context.Context) error {
	return r.onEach(ctx, "import", r.importOn)
}

func (r *recordRun) importOn(ctx context.Context, store string) error {
	a, err := r.author(ctx, "i"+store[:1], store)
	if err != nil {
		return err
	}
	defer a.close()
	if _, err := a.importRows(ctx, "csv", min(r.Rows, 2000)); err != nil { // warm; and the bytes that the bare insert repeats
		return err
	}
	bare, err := r.bare(ctx, a)
	if err != nil {
		return err
	}
	defer bare.close()
	ours, limits, err := duel(ctx, r.Rounds, func() (sample, error) { return a.importRows(ctx, "csv", r.Rows) }, func() (sample, error) { return bare.limit(ctx, r.Rows) })
	if err != nil {
		return err
	}
	inserts := bare.inserts
	name := "import/" + store
	r.add(withNote(hold(name, "records/s", figures(ours, sample.perSecond), "limit: sign + seal four + bare insert on all cores", figures(limits, sample.perSecond), goal{times: 0.6}),
		"从 CSV 文件到最后一行落盘；限度＝核数 ÷（签名＋四次密封＋裸插入同样字节）", "from a CSV file to its last durable row; limit = cores / (sign + four seals + bare insert of the same bytes)"))
	r.add(hold(name+"/bare-insert", "records/s", figures(ours, sample.perSecond), "bare SQL insert of the same bytes, same durability", inserts, goal{}))
	wait, err := a.anchored(ctx)
	if err != nil {
		return err
	}
	r.add(withNote(hold(name+"/anchored", "s", []float64{wait.Seconds()}, "", nil, goal{}),
		"最后一行入库后多久被账本上的锚点覆盖（节点每五秒看一次，余下不足一千条的最多等一分钟）", "until an anchor on the ledger covers the last row (looked at every five seconds; a rest of less than a thousand waits up to a minute)"))
	return nil
}

// author is a federation of one whose node imports.
type author struct {
	r        *recordRun
	fed      *federation
	store    string
	settings []string
	total    int64 // records imported
}

func (r *recordRun) author(ctx context.Context, name, store string) (*author, error) {
	f, err := r.found(ctx, name, 1)
	if err != nil {
		return nil, err
	}
	a := &author{r: r, fed: f, store: store}
	if a.settings, err = r.settings(ctx, f, store); err != nil {
		return nil, err
	}
	return a, a.start(ctx)
}

func (a *author) start(ctx context.Context) error {
	if err := a.fed.start(ctx, a.r.program(), a.settings...); err != nil {
		stopAll(a.fed.nodes)
		return err
	}
	return nil
}

func (a *author) close() {
	stopAll(a.fed.nodes)
	os.RemoveAll(a.fed.dir)
}

// importRows imports a new file of n rows, every one of which must become a
// record, as accord record import does.
func (a *author) importRows(ctx context.Context, kind string, n int) (sample, error) {
	path, err := a.r.file(kind, n)
	if err != nil {
		return sample{}, err
	}
	defer os.Remove(path)
	f, err := os.Open(path)
	if err != nil {
		return sample{}, err
	}
	defer f.Close()
	profile(a.r.Profile, a.fed)
	begun, before := time.Now(), cpu(a.fed.nodes[:1])
	report, err := a.fed.clients[0].Import(ctx, client.ImportQuery{File: filepath.Base(path), Mapping: mappingFor(kind)}, f, nil)
	took := time.Since(begun)
	profile(a.r.Profile, a.fed)
	if err != nil {
		return sample{}, err
	}
	if report.New != n || report.Rows != n {
		return sample{}, fmt.Errorf("bench: of %d rows %d became records%s", n, report.New, firstIssue(report))
	}
	a.total += int64(n)
	return sample{rate: float64(n) / took.Seconds(), ops: n, cpu: (cpu(a.fed.nodes[:1]) - before) / float64(n) * 10_000}, nil
}

func firstIssue(report wire.ImportReport) string {
	if len(report.Issues) == 0 {
		return ""
	}
	return ": " + report.Issues[0].Kind + " " + report.Issues[0].Column + " " + report.Issues[0].Message.En
}

// anchored waits until the ledger covers all that was imported and says for how
// long.
func (a *author) anchored(ctx context.Context) (time.Duration, error) {
	begun := time.Now()
	err := until(ctx, a.fed.nodes[0], 50*time.Millisecond, func() bool {
		own, err := a.feed(ctx, 0)
		return err == nil && own.Anchor == a.total
	})
	return time.Since(begun), err
}

// feed is where the author's feed stands at a node.
func (a *author) feed(ctx context.Context, node int) (wire.FeedStatus, error) {
	all, err := a.fed.clients[node].Feeds(ctx)
	if err != nil {
		return wire.FeedStatus{}, err
	}
	for _, f := range all.Feeds {
		if f.Author == a.fed.member(0) {
			return f, nil
		}
	}
	return wire.FeedStatus{Author: a.fed.member(0)}, nil
}

// database is the store's, for reading beside the node or for bare statements of
// this process's own.
func (a *author) database() (*sql.DB, error) {
	if a.store == onSQLite {
		return sql.Open("sqlite", "file:"+filepath.Join(a.fed.dataDir(0), "records.db")+"?_query_only=1&_busy_timeout=10000")
	}
	return a.r.postgres.open(a.databaseName())
}

// databaseName is the last part of the configured address.
func (a *author) databaseName() string {
	for _, s := range a.settings {
		if address, ok := strings.CutPrefix(s, "store=postgres:"); ok {
			return address[strings.LastIndex(address, "/")+1:]
		}
	}
	return ""
}

// memory measures the most memory that ever was resident while a large file is
// imported, by the node and by a child that opens a workbook for it.
func (r *recordRun) memory(ctx context.Context) error {
	return r.onEach(ctx, "import-memory", func(ctx context.Context, store string) error {
		for _, file := range []struct {
			kind string
			rows int
			most float64
		}{{"csv", r.MemoryRows, 256}, {"xlsx", r.SheetRows, 512}} {
			if err := r.memoryOf(ctx, store, file.kind, file.rows, file.most); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *recordRun) memoryOf(ctx context.Context, store, kind string, rows int, most float64) error {
	a, err := r.author(ctx, "m"+store[:1]+kind[:1], store)
	if err != nil {
		return err
	}
	defer a.close()
	before, err := memoryOf(a.fed.nodes[0].cmd.Process.Pid, "VmHWM")
	if err != nil {
		return err
	}
	watching, end := context.WithCancel(ctx)
	defer end()
	children := make(chan int64, 1)
	go func() { children <- mostOfChildren(watching, a.fed.nodes[0].cmd.Process.Pid) }()
	s, err := a.importRows(ctx, kind, rows)
	end()
	child := <-children
	if err != nil {
		return err
	}
	node, err := memoryOf(a.fed.nodes[0].cmd.Process.Pid, "VmHWM")
	if err != nil {
		return err
	}
	mib := func(n int64) float64 { return float64(n) / (1 << 20) }
	name := fmt.Sprintf("import-memory/%s/%s/%d", store, kind, rows)
	res := hold(name, "MiB", []float64{mib(max(node, child))}, "", nil, goal{most: most})
	r.add(withNote(res, "峰值；节点 %.0f（导入前已有 %.0f），子进程 %.0f（0 表示没有子进程）；%.0f 条/秒", "peak; node %.0f (%.0f before the import), child %.0f (0: there was none); %.0f records/s",
		mib(node), mib(before), mib(child), s.rate))
	return nil
}

// mostOfChildren watches the children of a process until ctx ends and gives the
// most that one of them had resident.
func mostOfChildren(ctx context.Context, parent int) (most int64) {
	for ctx.Err() == nil {
		raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", parent, parent)) // the process may be gone
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent))
		for _, task := range tasks {
			more, _ := os.ReadFile(task)
			raw = append(append(raw, ' '), more...)
		}
		for _, word := range strings.Fields(string(raw)) {
			if pid, err := strconv.Atoi(word); err == nil {
				if n, err := memoryOf(pid, "VmHWM"); err == nil {
					most = max(most, n)
				}
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
	return most
}

// size measures what a record adds to all the files of its author's node, the
// database server's included, after a clean stop.
func (r *recordRun) size(ctx context.Context) error {
	return r.onEach(ctx, "size", func(ctx context.Context, store string) error {
		a, err := r.author(ctx, "s"+store[:1], store)
		if err != nil {
			return err
		}
		defer a.close()
		before, err := a.bytes(ctx)
		if err != nil {
			return err
		}
		if err := a.start(ctx); err != nil {
			return err
		}
		if _, err := a.importRows(ctx, "csv", r.Rows); err != nil {
			return err
		}
		if !r.Quick { // with it, waiting for the last anchor would be most of the time
			if _, err := a.anchored(ctx); err != nil {
				return err
			}
		}
		after, err := a.bytes(ctx)
		if err != nil {
			return err
		}
		each := func(what string) float64 { return float64(after[what]-before[what]) / float64(r.Rows) / 1000 }
		total := each("records") + each("database") + each("ledger") + each("other")
		r.add(withNote(hold("size/"+store, "KB/record", []float64{total}, "", nil, goal{most: 2.5}), "记录库文件 %.2f，数据库 %.2f，账本 %.2f，其他（审计等）%.2f",
			"record files %.2f, database %.2f, ledger %.2f, other (audit …) %.2f", each("records"), each("database"), each("ledger"), each("other")))
		return nil
	})
}

// bytes stops the node and counts what lies in its folder and in its database.
func (a *author) bytes(ctx context.Context) (map[string]int64, error) {
	stopAll(a.fed.nodes)
	sum := map[string]int64{}
	dir := a.fed.dataDir(0)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		first, _, _ := strings.Cut(rel, string(filepath.Separator))
		switch {
		case strings.HasPrefix(first, "records."):
			sum["records"] += info.Size()
		case first == "ledger":
			sum["ledger"] += info.Size()
		default:
			sum["other"] += info.Size()
		}
		return err
	})
	if err != nil || a.store != onPostgres {
		return sum, err
	}
	if _, err := a.r.postgres.exec(ctx, a.databaseName(), "VACUUM"); err != nil {
		return nil, err
	}
	out, err := a.r.postgres.exec(ctx, a.databaseName(), "SELECT pg_database_size(current_database())")
	if err != nil {
		return nil, err
	}
	sum["database"], err = strconv.ParseInt(out, 10, 64)
	return sum, err
}
