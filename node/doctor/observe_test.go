package doctor_test

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"accord/exchange"
	"accord/node/client"
	"accord/node/config"
	"accord/node/doctor"
	"accord/node/nodetest"
)

// levels are the findings that are not ok, by check.
func levels(r doctor.Report) map[string]doctor.Level {
	bad := map[string]doctor.Level{}
	for _, f := range r.Findings {
		if f.Level != doctor.OK {
			bad[f.Check] = f.Level
		}
	}
	return bad
}

// TestARealNode is examined while it runs, with a peer away, stopped, and with
// its folder spoiled.
//
// Shows: F17, B14
func TestARealNode(t *testing.T) {
	c := nodetest.New(t)
	cfg := c.Config("court")
	look := func() doctor.Report {
		return doctor.Judge(doctor.Observe(t.Context(), cfg, c.Client("court"), time.Now))
	}
	usual := map[string]doctor.Level{"backup": doctor.Warn, "audit": doctor.Warn, "passphrase": doctor.Warn} // none made; one file; as init leaves it
	expect := func(r doctor.Report, more map[string]doctor.Level) {
		t.Helper()
		got := levels(r)
		for check, level := range more {
			if got[check] != level {
				t.Errorf("%s is %q, want %q", check, got[check], level)
			}
			delete(got, check)
		}
		for check, level := range got {
			if usual[check] != level && check != "fsync" && check != "disk-kind" && check != "disk-space" { // the machine's
				t.Errorf("%s is %q", check, level)
			}
		}
	}
	r := look()
	if !r.Online {
		t.Fatal("a running node was not asked")
	}
	expect(r, nil)
	for _, f := range r.Findings {
		if f.Check == "back" && f.Level != doctor.OK {
			t.Error("its peers do not reach it")
		}
	}
	c.Stop("commission")
	for !c.Nodes["court"].Status().Ready { // the one that stopped may have led
		time.Sleep(20 * time.Millisecond)
	}
	expect(look(), map[string]doctor.Level{"peers": doctor.Warn, "quorum": doctor.Warn})
	c.Stop("court")
	expect(look(), map[string]doctor.Level{"running": doctor.Warn})

	if err := os.Rename(filepath.Join(cfg.Dir, "ledger"), filepath.Join(cfg.Dir, "away")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(cfg.Dir, "passphrase"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(cfg.Dir, "genesis.json"), filepath.Join(cfg.Dir, "g.json")); err != nil {
		t.Fatal(err)
	}
	expect(look(), map[string]doctor.Level{"running": doctor.Warn, "folder": doctor.Fail, "keystore": doctor.Fail,
		"genesis": doctor.Fail, "log": doctor.Fail, "unknown": doctor.Warn})
}

// TestAMemoryFileSystemIsSeen, and a disk that is full.
//
// Shows: F10
func TestAMemoryFileSystemIsSeen(t *testing.T) {
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("needs root")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m,mode=0700"); err != nil {
		t.Skip("needs mount: " + err.Error())
	}
	defer syscall.Unmount(dir, 0)
	cfg := config.Config{Dir: dir, PassphraseFile: "passphrase", AuditFiles: []string{"audit/audit.log"}}
	nobody := client.Local(cfg.Socket(), "admin", exchange.En)
	f := doctor.Observe(t.Context(), cfg, nobody, time.Now)
	if got := levels(doctor.Judge(f)); got["disk-kind"] != doctor.Fail || got["disk-space"] != doctor.Fail {
		t.Errorf("on a small tmpfs: %v", got)
	}
	full, err := os.Create(filepath.Join(dir, "full"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = full.Write(make([]byte, 64<<10))
	}
	full.Close()
	if f := doctor.Observe(t.Context(), cfg, nobody, time.Now); f.Disk.Err == nil {
		t.Error("a full disk took the writes")
	}
}
