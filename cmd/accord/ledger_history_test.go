package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"accord/exchange"
	"accord/node/wire"
)

func TestForksAreListedAndSettled(t *testing.T) {
	alarm := wire.Alarm{ID: "12-court", Kind: "fork", Size: 12, Index: 9, Member: "court", Ours: "a", Theirs: "b", With: []exchange.MemberID{"regulator"},
		Against: []exchange.MemberID{"court"}, Verdict: "undecided", Stops: true, Why: "why", FoundAt: when, Evidence: "witness/evidence/12-court.json"}
	settled := alarm
	settled.ID, settled.SettledAt, settled.SettledBy, settled.Reason = "7-court", &when, "zhao", "重装"
	f := newFakeNode(t).on("GET /api/v1/ledger/forks", wire.Alarms{Stopped: true, Alarms: []wire.Alarm{settled, alarm}}).
		on("POST /api/v1/ledger/forks/12-court/settle", settled).
		on("GET /api/v1/ledger/forks/12-court/evidence", []byte("{}\n"))
	code, out, errs := f.run("", "ledger", "forks", "--lang", "zh")
	if code != 0 || !strings.Contains(out, "12-court") || !strings.Contains(out, "未定") || !strings.Contains(out, "witness/evidence/12-court.json") || !strings.Contains(errs, "停止服务") {
		t.Errorf("%d %s%s", code, out, errs)
	}
	code, out, _ = f.run("", "ledger", "forks", "--open", "--output", "json")
	if code != 0 || strings.Contains(out, "7-court") || !strings.Contains(out, `"index":9`) || !strings.Contains(out, `"against":["court"]`) {
		t.Errorf("%d %s", code, out)
	}
	if code, _, errs = f.run("", "ledger", "settle", "12-court", "--reason", "查明", "--output", "json"); code != 2 || f.count("POST /api/v1/ledger/forks/12-court/settle") != 0 {
		t.Errorf("settled without confirmation: %d %s", code, errs)
	}
	if code, out, _ = f.run("", "ledger", "settle", "12-court", "--reason", "查明", "--yes", "--lang", "en"); code != 0 || !strings.Contains(out, "settled") ||
		!strings.Contains(string(f.to("POST /api/v1/ledger/forks/12-court/settle").body), "查明") {
		t.Errorf("%d %s", code, out)
	}
	file := filepath.Join(t.TempDir(), "evidence.json")
	if code, _, errs = f.run("", "ledger", "fork-evidence", "12-court", "--out", file); code != 0 {
		t.Errorf("%d %s", code, errs)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "{}\n" {
		t.Errorf("%q %v", got, err)
	}
}

func TestComplaintsCheckpointsAndProofs(t *testing.T) {
	f := newFakeNode(t).
		on("GET /api/v1/ledger/complaints", wire.Complaints{Complaints: []wire.Complaint{{ID: "command-0000000001", Digest: "sha256:00", Member: "association",
			Since: when, At: when, Leaders: []exchange.MemberID{"court"}, Status: "included", Seq: 7}}}).
		on("GET /api/v1/ledger/checkpoints", wire.CosignedList{Checkpoints: []wire.Cosigned{{Size: 12, Root: "cm9vdA==", At: when,
			Signers: []exchange.MemberID{"court", "regulator"}, Note: "note"}}}).
		on("GET /api/v1/ledger/proof/inclusion", []byte("c2sp.org/tlog-proof@v1\n")).
		on("GET /api/v1/ledger/proof/consistency", []byte("accord/tlog-consistency@v1\n")).
		on("GET /ledger/policy", []byte("quorum none\n"))
	for line, want := range map[string]string{
		"ledger complaints --lang zh":                               "已入账",
		"ledger complaints --lang en":                               "included",
		"ledger complaints --output json":                           `"seq":7`,
		"ledger checkpoints --lang en":                              "cm9vdA==",
		"ledger proof inclusion --seq 3":                            "tlog-proof@v1",
		"ledger proof inclusion --entry AAAAAAAAAAAAAAAAAAAAAA":     "tlog-proof@v1",
		"ledger proof inclusion --statement AAAAAAAAAAAAAAAAAAAAAA": "tlog-proof@v1",
		"ledger proof consistency --from 3 --to 9":                  "tlog-consistency@v1",
		"ledger policy":                                             "quorum none",
	} {
		if code, out, errs := f.run("", strings.Fields(line)...); code != 0 || !strings.Contains(out, want) {
			t.Errorf("%s: %d %s%s", line, code, out, errs)
		}
	}
	if q := f.to("GET /api/v1/ledger/proof/consistency").query; q["from"] != "3" || q["to"] != "9" {
		t.Errorf("%v", q)
	}
	for _, line := range []string{"ledger proof inclusion", "ledger proof inclusion --statement AAAAAAAAAAAAAAAAAAAAAA --entry AAAAAAAAAAAAAAAAAAAAAA", "ledger proof consistency"} {
		if code, _, _ := f.run("", strings.Fields(line)...); code != 1 {
			t.Errorf("%s: %d", line, code)
		}
	}
	proof := f.file("proof", "c2sp.org/tlog-proof@v1\n")
	if code, _, errs := f.run("", "verify", proof); code != 6 || !strings.Contains(errs, "proof.form") {
		t.Errorf("%d %s", code, errs)
	}
	if code, _, errs := f.run("", "verify", proof, "--policy", f.file("policy", "nonsense\n")); code != 1 || !strings.Contains(errs, "CLI-060") {
		t.Errorf("%d %s", code, errs)
	}
}
