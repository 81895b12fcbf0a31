package doctor

import (
	"errors"
	"testing"
	"time"

	"accord/exchange"
	"accord/node/backup"
	"accord/node/config"
	"accord/node/wire"
)

var now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// healthy are the facts of a node about which there is nothing to say.
func healthy() *Facts {
	key := func(use string) wire.KeyWindow {
		return wire.KeyWindow{Use: use, KID: use, From: now.AddDate(-1, 0, 0), Held: true}
	}
	answer := func(m exchange.MemberID) wire.PeerCheck {
		return wire.PeerCheck{Member: m, Address: string(m) + ".example:7443", Reached: true, RoundTrip: 3,
			Answer: &wire.PeerAnswer{Member: m, Version: "1", Charter: "c", Catalogue: "k", CaughtUp: true, Back: true}}
	}
	return &Facts{Now: now, Config: config.Config{Dir: "/var/lib/accord", Listen: ":7443"}, Charter: "c", Started: true, LedgerThere: true,
		Disk:   Disk{Kind: "ext4", Free: 50 << 30, Total: 100 << 30, Inodes: 1e6, TotalInodes: 2e6, Sync: []time.Duration{time.Millisecond, 2 * time.Millisecond}},
		Backup: &backup.Last{Created: now.Add(-time.Hour)}, AuditDevices: []uint64{1, 2},
		Running: &Running{Status: wire.NodeStatus{Store: wire.StoreStatus{Engine: "sqlite", OK: true}, Ready: true, Leader: "court-1", Version: "1", Applied: 100},
			Check: wire.NodeCheck{Charter: "c", Catalogue: "k", Calendar: now.AddDate(0, 0, 47).Format(time.DateOnly), CaughtUp: true, Voters: 4, SnapshotEvery: 100, SnapshotIndex: 90, AuditFiles: 2, AuditWorking: 2,
				Keys: []wire.KeyWindow{key("command"), key("tls")}, Peers: []wire.PeerCheck{answer("court"), answer("regulator"), answer("commission")}}}}
}

// TestEveryFindingCanBeProvoked: each with the facts that call for it, and no
// finding without them.
//
// Shows: B14, F37
func TestEveryFindingCanBeProvoked(t *testing.T) {
	if r := Judge(healthy()); r.Worst() != OK || len(r.Findings) != len(checks) {
		t.Fatalf("of a healthy node: %+v", r)
	}
	due := func(days ...int) (all []wire.KeyDue) {
		for _, d := range days {
			all = append(all, wire.KeyDue{Use: "tls", Days: d})
		}
		return all
	}
	boom := errors.New("boom")
	for _, c := range []struct {
		want  *exchange.Definition
		level Level
		make  func(*Facts)
	}{
		{errExposed, Fail, func(f *Facts) { f.Exposed = []string{"keys"} }},
		{errUnknown, Warn, func(f *Facts) { f.Unknown = []string{"notes.txt"} }},
		{errMemory, Fail, func(f *Facts) { f.Disk.Kind, f.Disk.Memory = "tmpfs", true }},
		{errRemote, Warn, func(f *Facts) { f.Disk.Kind, f.Disk.Remote = "nfs", true }},
		{errDisk, Fail, func(f *Facts) { f.Disk.Err = boom }},
		{errSpace, Warn, func(f *Facts) { f.Disk.Free = 900 << 20 }},
		{errSpace, Fail, func(f *Facts) { f.Disk.Free = 90 << 20 }},
		{errSpace, Warn, func(f *Facts) { f.Disk.Inodes = 9_000 }},
		{errSpace, Fail, func(f *Facts) { f.Disk.Inodes = 900 }},
		{errSync, Warn, func(f *Facts) { f.Disk.Sync = []time.Duration{time.Millisecond, 150 * time.Millisecond} }},
		{errSync, Fail, func(f *Facts) { f.Disk.Sync = []time.Duration{time.Millisecond, 2 * time.Second} }},
		{errKeystore, Fail, func(f *Facts) { f.Keys, f.Running, f.NotRunning = boom, nil, boom }},
		{errBeside, Warn, func(f *Facts) { f.Beside = "n/passphrase" }},
		{errGenesis, Fail, func(f *Facts) { f.Genesis = boom }},
		{errLogGone, Fail, func(f *Facts) { f.LedgerThere = false }},
		{errNoBackup, Warn, func(f *Facts) { f.Backup = nil }},
		{errOldBackup, Warn, func(f *Facts) { f.Backup.Created = now.AddDate(0, 0, -8) }},
		{errAudit, Warn, func(f *Facts) { f.Running.Check.AuditWorking = 1 }},
		{errAudit, Fail, func(f *Facts) { f.Running.Check.AuditWorking = 0 }},
		{errOneAudit, Warn, func(f *Facts) { f.AuditDevices = []uint64{1, 1} }},
		{errNotRunning, Warn, func(f *Facts) { f.Running, f.NotRunning = nil, boom }},
		{errNoLeader, Fail, func(f *Facts) { f.Running.Status.Leader = "" }},
		{errNotReady, Fail, func(f *Facts) { f.Running.Status.Ready, f.Running.Status.Why = false, "x" }},
		{errQuorum, Warn, func(f *Facts) { away(f, 0) }},
		{errQuorum, Fail, func(f *Facts) { away(f, 0, 1) }},
		{errPeers, Warn, func(f *Facts) { away(f, 2) }},
		{errBack, Fail, func(f *Facts) { f.Running.Check.Peers[1].Answer.Back = false }},
		{errClock, Warn, func(f *Facts) { clocks(f, 3000, 3000, 0) }},
		{errClock, Fail, func(f *Facts) { clocks(f, -40_000, -40_000, -40_000) }},
		{errOtherCharter, Fail, func(f *Facts) { f.Running.Check.Peers[0].Answer.Charter = "other" }},
		{errOtherCatalogue, Warn, func(f *Facts) { f.Running.Check.Peers[0].Answer.Catalogue = "other" }},
		{errCalendar, Warn, func(f *Facts) { f.Running.Check.Calendar = now.AddDate(0, 0, 44).Format(time.DateOnly) }},
		{errOtherVersion, Warn, func(f *Facts) { f.Running.Check.Peers[0].Answer.Version = "2" }},
		{errUncovered, Warn, func(f *Facts) { f.Running.Check.Uncovered = []string{"court-defaulter"} }},
		{errHolders, Warn, func(f *Facts) { holders(f, 2, "court") }},
		{errHolders, Fail, func(f *Facts) { holders(f, 2, "court"); holders(f, 3, "court", "regulator") }},
		{errFeedAlarms, Warn, func(f *Facts) { f.Running.Status.FeedAlarms = 1 }},
		{errWebhooks, Warn, func(f *Facts) { f.Running.Status.WebhooksDisabled = []string{"bank"} }},
		{errKeyEnds, Warn, func(f *Facts) { f.Running.Status.KeysDue = due(29) }},
		{errKeyEnds, Fail, func(f *Facts) { f.Running.Status.KeysDue = due(6, 29) }},
		{errKeyEnds, Fail, func(f *Facts) { f.Running.Status.KeysDue = due(-6) }},
		{errKeyGone, Fail, func(f *Facts) { f.Running.Check.Keys[1].Held = false }},
		{errSnapshot, Warn, func(f *Facts) { f.Running.Status.Applied = 1000 }},
		{errInstalls, Warn, func(f *Facts) { f.Running.Check.Installs = 3 }},
		{errRecords, Fail, func(f *Facts) { f.Running.Check.MissingRecords = 2 }},
		{errForks, Fail, func(f *Facts) { f.Running.Check.Alarms = 1 }},
		{errComplaints, Warn, func(f *Facts) { f.Running.Check.Complaints = 1 }},
		{errCosigned, Warn, func(f *Facts) { f.Running.Status.Ledger.Size, f.Running.Check.Cosigned = 5000, 2999 }},
		{errUnrecorded, Warn, func(f *Facts) {
			f.Running.Check.Unrecorded = &wire.Unrecorded{Plan: "sha256:x", For: 31, Late: true, Why: "CMD-017"}
		}},
		{errDatabase, Fail, func(f *Facts) { f.Running.Status.Store = wire.StoreStatus{Engine: "postgres", Code: "REC-038"} }},
		{errDatabase, Fail, func(f *Facts) { f.Store, f.Running, f.NotRunning = boom, nil, boom }},
		{errRecordFile, Fail, func(f *Facts) { f.Running.Status.Store = wire.StoreStatus{Engine: "sqlite", Code: "REC-009"} }},
		{errShareLost, Warn, func(f *Facts) { f.Running.Status.ShareLost = true }},
		{errUnscrubbed, Warn, func(f *Facts) { f.Running.Status.Store.Unscrubbed = 3 }},
		{errGuard, Warn, func(f *Facts) { f.Running.Check.Refusals = 1001 }},
	} {
		f := healthy()
		c.make(f)
		r := Judge(f)
		found := false
		for _, x := range r.Findings {
			if x.Error != nil && x.Error.Code == c.want.Code {
				found = x.Level == c.level
			}
		}
		if !found || r.Worst() == OK {
			t.Errorf("%s at %s is not found: %+v", c.want.Code, c.level, r.Findings)
		}
		delete(unprovoked, c.want.Code)
	}
	for code := range unprovoked {
		t.Errorf("nothing provokes %s", code)
	}
}

// unprovoked are the findings no case has called for yet.
var unprovoked = func() map[string]bool {
	all := map[string]bool{}
	for _, d := range exchange.Definitions() {
		if len(d.Code) > 7 && d.Code[:7] == "DOCTOR-" {
			all[d.Code] = true
		}
	}
	return all
}()

// holders has some of four holders of one more blinding key gone.
func holders(f *Facts, threshold int, gone ...exchange.MemberID) {
	f.Running.Check.Blinding = append(f.Running.Check.Blinding, wire.BlindingEpoch{Threshold: threshold,
		Holders: []exchange.MemberID{"regulator", "court", "commission", "association"}, Gone: gone})
}

func away(f *Facts, which ...int) {
	for _, i := range which {
		p := &f.Running.Check.Peers[i]
		p.Reached, p.Why, p.Answer = false, "NET-001", nil
	}
}

func clocks(f *Facts, offsets ...int64) {
	for i, off := range offsets {
		f.Running.Check.Peers[i].ClockOffset = off
	}
}

// TestOnePeerIsNotTheClock: a single peer that is wrong is its own fault, an old key
// that ends is none, nor is a passphrase that only the unit reads.
func TestOnePeerIsNotTheClock(t *testing.T) {
	f := healthy()
	clocks(f, 3_600_000, 0, 0)
	ended := now.AddDate(0, 0, -3)
	f.Running.Check.Keys = append(f.Running.Check.Keys, wire.KeyWindow{Use: "tls", KID: "old", From: now.AddDate(-2, 0, 0), Until: &ended})
	f.Keys = errors.New("the passphrase is the unit's")
	f.Running.Check.Peers[2].Answer.CaughtUp, f.Running.Check.Peers[2].Answer.Catalogue = false, "older"
	if r := Judge(f); r.Worst() != OK {
		t.Errorf("%+v", r.Findings)
	}
}
