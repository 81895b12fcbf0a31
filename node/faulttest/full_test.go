package faulttest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"accord/exchange"
	"accord/node/client"
	"accord/node/faulttest"
	"accord/node/wire"
)

// recovery is how long a node may take to go on once there is room again.
const recovery = 30 * time.Second

// recovers waits until something works that did not for want of room.
func recovers(f *faulttest.Federation, what string, try func() error) {
	f.T.Helper()
	var err error
	begun := time.Now()
	for time.Since(begun) < recovery {
		if err = try(); err == nil {
			f.T.Logf("%s recovered by itself in %v", what, time.Since(begun).Round(100*time.Millisecond))
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	f.T.Errorf("%s has not recovered by itself after %v: %v", what, recovery, err)
}

func (r *round) recovers(what string, try func() error) {
	r.T.Helper()
	recovers(r.Federation, what, try)
}

// parts are the places of a node's data that get a file system of their own here,
// in KiB; "" is the data folder with what is left: the records.
var parts = map[string]int{"": 64 << 10, "ledger": 160 << 10, "audit": 8 << 10, "witness": 1 << 10}

// part is one of them and what of the product needs it.
type part struct {
	dir  string
	act  func(d *desk, author string) error // is refused while it is full
	code string
}

// victimOfFull keeps records, delivers releases, signs checkpoints.
const victimOfFull = "association"

// addRecord enters another record like one that is there.
func (d *desk) addRecord(author string) error {
	page, err := d.f.Client(author).Records(d.f.T.Context(), client.RecordQuery{Category: "discipline-organisation", Limit: 1})
	if err != nil || len(page.Records) == 0 {
		return fmt.Errorf("no record to go by: %w", err)
	}
	like := page.Records[0]
	var values map[string]json.RawMessage
	if err := json.Unmarshal(like.PublicFields, &values); err != nil {
		return err
	}
	_, err = d.f.Client(author).AddRecord(d.f.T.Context(), wire.AddRecord{Category: like.Category, SubjectKind: like.SubjectKind,
		USCC: strings.TrimPrefix(string(like.Subject), "org:"), Values: values})
	return err
}

var partList = []part{
	{"", (*desk).addRecord, "REC-009"},
	{"ledger", func(d *desk, author string) error {
		ctx, cancel := context.WithTimeout(d.f.T.Context(), 5*time.Second)
		defer cancel()
		_, err := d.f.Client(author).Nominate(ctx, "red", faulttest.Nomination())
		return err
	}, "LEDGER-030"},
	{"audit", func(d *desk, author string) error {
		_, err := d.f.Client(author).Nominate(d.f.T.Context(), "red", faulttest.Nomination()) // an operator's act
		return err
	}, "AUDIT-001"},
	{"witness", func(d *desk, author string) error {
		_, err := d.f.Client(author).Checkpoint(d.f.T.Context(), 0)
		return err
	}, "LEDGER-032"},
}

// partsFull fills, one after the other, the file systems of a node's parts. What
// needs the part is refused with a reason, all else goes on there, and it goes on
// by itself once there is room.
func partsFull(t *testing.T, f *faulttest.Federation) {
	d := &desk{f: f, author: victimOfFull}
	d.open()
	whole := spread(t, f, victimOfFull)
	defer whole()
	rounds(t, f, func(r *round) {
		for _, p := range partList {
			t.Logf("full: %q", p.dir)
			fillPart(r, d, p)
		}
	})
}

func fillPart(r *round, d *desk, p part) {
	t := r.T
	t.Helper()
	if err := p.act(d, victimOfFull); err != nil {
		t.Fatalf("%q, with room: %v", p.dir, err)
	}
	free := fill(t, filepath.Join(r.DataDir(victimOfFull), p.dir))
	var refused error
	for range 60 { // the last block takes something yet
		if refused = p.act(d, victimOfFull); refused != nil && exchange.AsError(refused).Code == p.code {
			break
		}
		r.load.Await(5) // the others go on
	}
	if refused == nil || exchange.AsError(refused).Code != p.code {
		t.Errorf("%q is full: %v, want %s", p.dir, refused, p.code)
	}
	for _, linear := range []bool{false, true} {
		r.Eventually("reads go on", func() bool {
			_, err := r.Client(victimOfFull).Entries(t.Context(), "red", client.EntryQuery{Linear: linear, Limit: 10})
			return err == nil
		})
	}
	if _, err := r.Client(victimOfFull).Records(t.Context(), client.RecordQuery{Category: "discipline-practitioner", Limit: 1}); err != nil {
		t.Errorf("%q is full: a look at records: %v", p.dir, err)
	}
	r.load.Await(20)
	if ended, err := r.Ended(victimOfFull, time.Millisecond); err == nil {
		t.Errorf("%q is full: the node ended with %d", p.dir, ended)
	}
	free()
	r.recovers(fmt.Sprintf("%q", p.dir), func() error { return p.act(d, victimOfFull) })
}

// spread gives each part of a node a file system of its own until whole is called.
func spread(t *testing.T, f *faulttest.Federation, member string) (whole func()) {
	t.Helper()
	dir, aside := f.DataDir(member), filepath.Join(f.Dir, "aside")
	f.Stop(member)
	copyTree(t, dir, aside)
	undo := []func(){mount(t, dir, parts[""])}
	for name, kib := range parts {
		if name != "" {
			undo = append(undo, mount(t, filepath.Join(dir, name), kib))
		}
	}
	copyTree(t, aside, dir)
	f.Start(member)
	f.Ready(member)
	return func() {
		t.Helper()
		f.Stop(member)
		if err := os.RemoveAll(aside); err != nil {
			t.Fatal(err)
		}
		copyTree(t, dir, aside)
		for i := len(undo) - 1; i >= 0; i-- {
			undo[i]()
		}
		restore(t, f, member, aside)
		f.Start(member)
		f.Ready(member)
	}
}

// release asks the author for a field and opens it.
func (d *desk) release() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	rel, err := d.f.Client("court").AskRelease(ctx, wire.AskRelease{Record: d.records[0].ID, Author: exchange.MemberID(d.author), Fields: []string{"resident_id"},
		Purpose: "enforcement", Basis: wire.Basis{Kind: "case", Ref: "(2026)青9901执1号"}})
	if err == nil {
		_, err = d.f.Client("court").Open(ctx, rel.ID)
	}
	return err
}
