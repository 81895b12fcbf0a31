package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"accord/exchange/intake"
	"accord/node/client"
	"accord/node/config"
	"accord/node/wire"
)

// feedSections are the pages of the RUNBOOK that TestRunbookOfFeeds rehearses.
var feedSections = []string{"feeds", "air-gap", "webhooks"}

// TestRunbookOfFeeds does what deploy/RUNBOOK.md prints about feeds, after the faults it
// is for.
//
// Shows: B6, F29
func TestRunbookOfFeeds(t *testing.T) {
	t.Parallel() // most of it is waiting
	book := runbook(t)
	r := newRehearsal(t, 0)
	r.configure("court", `by_hand: ""`, `by_hand: "association"`)
	r.configure("commission", `allow: ""`, `allow: "127.0.0.0/8"`)
	r.ready(members4...)
	for _, section := range feedSections {
		t.Run(section, func(t *testing.T) {
			r.t = t
			must(t, os.MkdirAll(r.papers(), 0o700))
			map[string]func([]step){
				"feeds":    func(steps []step) { r.storeIsOld(book, steps) },
				"air-gap":  func(steps []step) { r.byHand(book, steps) },
				"webhooks": func(steps []step) { r.endpointFails(book, steps) },
			}[section](book[section])
		})
		if r.t = t; t.Failed() {
			t.FailNow()
		}
		must(t, os.RemoveAll(r.papers()))
	}
}

// configure changes a member's configuration and restarts its node.
func (r *rehearsal) configure(member, is, shall string) {
	r.t.Helper()
	path := config.FilePath(r.node(member))
	raw, err := os.ReadFile(path)
	must(r.t, err)
	if !strings.Contains(string(raw), is) {
		r.t.Fatalf("%s has no %s", member, is)
	}
	must(r.t, os.WriteFile(path, []byte(strings.Replace(string(raw), is, shall, 1)), 0o600))
	r.run(member, "sudo systemctl restart accord")
}

// enter has the association enter some records; they differ by the sample's name.
func (r *rehearsal) enter(sample string) {
	r.t.Helper()
	raw, err := intake.Sample(sample)
	must(r.t, err)
	report, err := r.client("association").Import(r.t.Context(), client.ImportQuery{File: sample, Mapping: "auto"}, strings.NewReader(string(raw)), nil)
	if err != nil || report.New == 0 {
		r.t.Fatalf("%+v %v", report, err)
	}
}

// feed is where the association's feed stands at a member.
func (r *rehearsal) feed(member string) (f wire.FeedStatus, alarms []wire.FeedAlarm) {
	st, err := r.client(member).Feeds(r.t.Context())
	if err != nil {
		return f, nil
	}
	for _, f = range st.Feeds {
		if f.Author == "association" {
			break
		}
	}
	for _, a := range st.Alarms {
		if a.SettledBy == "" {
			alarms = append(alarms, a)
		}
	}
	return f, alarms
}

// storeIsOld puts an older copy of its record store in the place of the association's.
// The commission, whose disk is small here, takes nobody's records in.
func (r *rehearsal) storeIsOld(book map[string][]step, steps []step) {
	stores := func(from, to string) {
		paths, err := filepath.Glob(filepath.Join(from, "records.db*"))
		must(r.t, err)
		must(r.t, os.MkdirAll(to, 0o700))
		old, err := filepath.Glob(filepath.Join(to, "records.db*"))
		must(r.t, err)
		for _, path := range old {
			must(r.t, os.Remove(path))
		}
		for _, path := range paths {
			raw, err := os.ReadFile(path)
			must(r.t, err)
			must(r.t, os.WriteFile(filepath.Join(to, filepath.Base(path)), raw, 0o600))
		}
	}
	old, right := filepath.Join(r.dir, "old"), filepath.Join(r.papers(), "right")
	r.run("association", "sudo systemctl stop accord")
	stores(r.node("association"), old)
	r.run("association", "sudo systemctl start accord")
	r.ready("association")
	r.enter("discipline-sample.xlsx")
	own, _ := r.feed("association")
	r.until("the regulator holds the records", func() bool { f, _ := r.feed("regulator"); return f.Size == own.Size && own.Size > 0 })
	r.run("association", "sudo systemctl stop accord")
	stores(r.node("association"), right)
	stores(old, r.node("association"))
	r.run("association", "sudo systemctl start accord")
	r.until("the regulator's alarm", func() bool { _, a := r.feed("regulator"); return len(a) > 0 && a[0].Kind == "shrunk" })
	if marks := r.marks("regulator"); !strings.Contains(marks, "[!] feeds: association: shrunk\n") {
		r.t.Errorf("/readyz?verbose says %s", marks)
	}
	r.follow(book, steps)
	if f, a := r.feed("regulator"); f.Size != own.Size || len(a) > 0 {
		r.t.Errorf("%+v %+v", f, a)
	}
}

// byHand carries the association's records to the court.
func (r *rehearsal) byHand(book map[string][]step, steps []step) {
	own, _ := r.feed("association")
	if f, _ := r.feed("court"); f.Size > 0 || own.Size == 0 {
		r.t.Fatalf("the court holds %d of %d without a stick", f.Size, own.Size)
	}
	r.follow(book, steps)
	if f, a := r.feed("court"); f.Size != own.Size || f.Missing > 0 || len(a) > 0 {
		r.t.Errorf("%+v %+v", f, a)
	}
	if next, err := filepath.Glob(filepath.Join(r.papers(), "next", "*.feed")); err != nil || len(next) != 1 {
		r.t.Errorf("%v %v", next, err)
	}
}

// endpointFails has an endpoint say that it is gone.
func (r *rehearsal) endpointFails(book map[string][]step, steps []step) {
	var well atomic.Bool
	var mu sync.Mutex
	var got []string
	bank := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		if !well.Load() {
			w.WriteHeader(http.StatusGone)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		got = append(got, string(body))
	}))
	defer bank.Close()
	if _, err := r.client("commission").AddWebhook(r.t.Context(), wire.AddWebhook{Name: "bank", URL: bank.URL, Scheme: "v1"}); err != nil {
		r.t.Fatal(err)
	}
	r.until("the endpoint is disabled", func() bool { return strings.Contains(r.marks("commission"), "[!] webhooks: bank is disabled\n") })
	r.follow(book, steps[:1])
	well.Store(true)
	r.follow(book, steps[1:])
	r.until("all was sent", func() bool {
		list, err := r.client("commission").Webhooks(r.t.Context())
		return err == nil && list.Webhooks[0].Behind == 0 && list.Webhooks[0].DisabledAt == nil
	})
	mu.Lock()
	defer mu.Unlock()
	if len(got) < 3 {
		r.t.Errorf("%d messages", len(got))
	}
	if marks := r.marks("commission"); !strings.Contains(marks, "[+] webhooks\n") {
		r.t.Errorf("/readyz?verbose says %s", marks)
	}
}
