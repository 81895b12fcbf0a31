package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"accord/exchange"
)

// RecordOptions say what of the record store is measured and how. The zero value
// of a member means its default.
type RecordOptions struct {
	Program    []string      // the accord binary and leading arguments
	Dir        string        // on a real disk; a folder of its own is made in it and removed at the end
	Duration   time.Duration // of one round of questions; 5 s
	Rounds     int           // 5, an odd number is best
	Stores     []string      // sqlite, postgres; both
	Rows       int           // imported in one round; 20,000
	MemoryRows int           // 1,000,000
	SheetRows  int           // of the workbook; 100,000
	Mirrored   int           // records a new follower takes over; 1,000,000
	Looked     []int         // records in the stores of lookup; 1,000,000 and 10,000,000
	Names      int           // subjects with a name; 1,000,000
	Only       []string      // names of measurements; empty: all
	Rival      bool          // measure the rivals too, where they are on the machine
	Profile    string        // folder for CPU profiles; empty: none
	Quick      bool          // everything small: does it work at all
	// Say hears what is being done; may be nil.
	Say func(exchange.Text)
}

// The stores.
const (
	onSQLite   = "sqlite"
	onPostgres = "postgres"
)

// Stores lists what records can be measured on.
func Stores() []string { return []string{onSQLite, onPostgres} }

var recordMeasurements = []struct {
	name string
	run  func(*recordRun, context.Context) error
}{
	{"import", (*recordRun).importing},
	{"import-memory", (*recordRun).memory},
	{"size", (*recordRun).size},
	{"mirror", (*recordRun).mirror},
	{"lookup", (*recordRun).lookup},
	{"name-search", (*recordRun).nameSearch},
	{"credit-check", (*recordRun).creditCheck},
}

// RecordNames lists the measurements of the record store.
func RecordNames() []string {
	var out []string
	for _, m := range recordMeasurements {
		out = append(out, m.name)
	}
	return out
}

// recordRun is one run of the bench of records.
type recordRun struct {
	RecordOptions
	home     string    // removed at the end
	postgres *postgres // nil: not on this machine
	results  []Result
	row      int // the next row of a file; every row is new
}

// RunRecords measures the record store, like [Run].
func RunRecords(ctx context.Context, o RecordOptions) (Report, error) {
	o.defaults()
	for _, name := range o.Stores {
		if !slices.Contains(Stores(), name) {
			return Report{}, ErrOnly.With("name", name, "known", strings.Join(Stores(), ", "))
		}
	}
	home, err := place(o.Dir, o.Only, RecordNames())
	if err != nil {
		return Report{}, err
	}
	r := &recordRun{RecordOptions: o, home: home, postgres: findPostgres(ctx, filepath.Join(home, "p"))}
	defer r.close()
	if err := os.Chmod(home, 0o711); err != nil { // the database server is another user where this one is root
		return Report{}, ErrDisk.Wrap(err, "dir", home, "why", "it cannot be opened to the database server")
	}
	report := Report{Machine: machineOf(home)}
	report.Machine.Rival = r.rivalName()
	err = each(ctx, RecordNames(), o.Only, r.add, func(i int) error { return recordMeasurements[i].run(r, ctx) })
	report.Results = r.results
	return report, err
}

func (o *RecordOptions) defaults() {
	set := func(n *int, v, quick int) {
		if o.Quick {
			*n = quick
		}
		if *n == 0 {
			*n = v
		}
	}
	set(&o.Rounds, 5, 1)
	set(&o.Rows, 20_000, 300)
	set(&o.MemoryRows, 1_000_000, 600)
	set(&o.SheetRows, 100_000, 300)
	set(&o.Mirrored, 1_000_000, 3000)
	set(&o.Names, 1_000_000, 600)
	if o.Quick {
		o.Looked, o.Duration = []int{200, 400}, 250*time.Millisecond
	}
	if len(o.Looked) == 0 {
		o.Looked = []int{1_000_000, 10_000_000}
	}
	if len(o.Stores) == 0 {
		o.Stores = Stores()
	}
	if o.Duration == 0 {
		o.Duration = 5 * time.Second
	}
	if o.Say == nil {
		o.Say = func(exchange.Text) {}
	}
}

func (r *recordRun) close() {
	if r.postgres != nil {
		r.postgres.stop()
	}
	os.RemoveAll(r.home)
}

func (r *recordRun) rivalName() string {
	switch {
	case r.postgres == nil:
		return noPostgres
	case !r.Rival:
		return "not asked for"
	}
	return r.postgres.version
}

func (r *recordRun) say(zh, en string, args ...any) {
	r.Say(exchange.Text{Zh: fmt.Sprintf(zh, args...), En: fmt.Sprintf(en, args...)})
}

func (r *recordRun) add(res Result) { r.results = append(r.results, res) }

// withNote is a line that says what else there is to know.
func withNote(res Result, zh, en string, args ...any) Result {
	res.Note = exchange.Text{Zh: fmt.Sprintf(zh, args...), En: fmt.Sprintf(en, args...)}
	return res
}

// onEach measures on every store that is wanted. Where PostgreSQL is not on the
// machine, a line says so.
func (r *recordRun) onEach(ctx context.Context, name string, measure func(ctx context.Context, store string) error) error {
	for _, store := range r.Stores {
		if store == onPostgres && !r.havePostgres(ctx) {
			r.add(withNote(Result{Name: name + "/" + store}, "未测：本机没有 PostgreSQL", "not measured: PostgreSQL is not on this machine"))
			continue
		}
		r.say("%s，%s", "%s on %s", name, store)
		if err := measure(ctx, store); err != nil {
			return fmt.Errorf("%s: %w", store, err)
		}
	}
	return nil
}

// havePostgres makes sure that the server runs, if there is one.
func (r *recordRun) havePostgres(ctx context.Context) bool {
	if r.postgres == nil {
		return false
	}
	if err := r.postgres.start(ctx); err != nil {
		r.say("PostgreSQL 无法启动：%v", "PostgreSQL does not start: %v", err)
		return false
	}
	return true
}

// found is a federation of so many members, not yet started.
func (r *recordRun) found(ctx context.Context, name string, members int) (*federation, error) {
	dir := filepath.Join(r.home, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	return found(ctx, dir, members)
}

// settings are those of a node whose records lie in a store.
func (r *recordRun) settings(ctx context.Context, f *federation, store string) ([]string, error) {
	all := []string{"api.max_upload_mib=4096"}
	if store != onPostgres {
		return all, nil
	}
	name, err := r.postgres.database(ctx)
	if err != nil {
		return nil, err
	}
	word := filepath.Join(f.dir, "word")
	if err := os.WriteFile(word, []byte(r.postgres.password), 0o600); err != nil {
		return nil, err
	}
	return append(all, "store="+r.postgres.url(name, false), "store_password_file="+word), nil
}

// program is that of a node: an ordinary one, or one that can be profiled.
func (r *recordRun) program() []string { return nodeProgram(r.Program, r.Profile) }

// cores is how many goroutines work at once where nothing else is said.
func cores() int { return runtime.GOMAXPROCS(0) }
