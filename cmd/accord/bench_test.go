package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"accord/node/bench"
)

var benchAll = flag.Bool("bench.all", false, "measure every row of accord bench ledger, and records on both stores, small (takes minutes)")

// TestBenchLedgerMeasures runs measurements with everything small and holds
// their JSON against what is promised. No figure is looked at.
func TestBenchLedgerMeasures(t *testing.T) {
	if _, err := exec.LookPath("etcd"); err != nil {
		t.Skip("needs etcd")
	}
	dir := shortDir(t)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	names := []string{"commit-single", "read-local"}
	if *benchAll {
		names = bench.Names()
	}
	args := []string{"bench", "ledger", "--quick", "--output", "json", "--work", dir}
	for _, name := range names {
		args = append(args, "--only", name)
	}
	cmd := exec.Command(accordBinary(t), args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out.String(), errs.String())
	}
	seen := heldReport(t, &out, "etcd")
	for _, name := range names {
		if !seen[name] {
			t.Errorf("%s was not measured", name)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%d things are left behind, %v", len(left), err)
	}
}

// Without the rival every row says so and holds nothing against it.
func TestBenchWithoutTheRivalSaysSo(t *testing.T) {
	dir := shortDir(t)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(accordBinary(t), "bench", "ledger", "--quick", "--output", "json", "--work", dir, "--only", "read-local")
	cmd.Env = append(os.Environ(), "PATH=/nowhere")
	out, err := cmd.Output()
	if err != nil || !bytes.Contains(out, []byte(`"rival":"etcd is not on this machine","rival_value":null,"ratio":null`)) {
		t.Errorf("%v: %s", err, out)
	}
}

// heldReport holds a bench's JSON against what is promised and gives the names of
// what was measured.
func heldReport(t *testing.T, out *bytes.Buffer, rival string) map[string]bool {
	t.Helper()
	type result struct {
		Name       string   `json:"name"`
		Value      *float64 `json:"value"`
		Unit       string   `json:"unit"`
		Rival      string   `json:"rival"`
		RivalValue *float64 `json:"rival_value"`
		Ratio      *float64 `json:"ratio"`
		Goal       string   `json:"goal"`
		Reached    *bool    `json:"reached"`
	}
	var report struct {
		SchemaVersion int             `json:"schemaVersion"`
		Machine       json.RawMessage `json:"machine"`
		Results       []result        `json:"results"`
	}
	dec := json.NewDecoder(out)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&report); err != nil {
		t.Fatal(err)
	}
	if report.SchemaVersion != 1 || !strings.Contains(string(report.Machine), `"cores":`) {
		t.Errorf("schema %d, machine %s", report.SchemaVersion, report.Machine)
	}
	seen := map[string]bool{}
	for _, r := range report.Results {
		name, _, _ := strings.Cut(r.Name, "/")
		seen[name] = true
		if r.Unit == "" || r.Value == nil && name != "snapshot" {
			t.Errorf("%+v", r)
		}
		if strings.HasPrefix(r.Rival, rival) && (r.RivalValue == nil || r.Ratio == nil) && r.Value != nil {
			t.Errorf("%s has no rival's figure", r.Name)
		}
	}
	return seen
}

// TestBenchRecordsMeasures runs every row of accord bench records with everything
// small, with the rival and, with -bench.all, on both stores, and holds the JSON against what is
// promised. No figure is looked at but how many of the labelled names are found.
func TestBenchRecordsMeasures(t *testing.T) {
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); len(found) == 0 {
		t.Skip("needs PostgreSQL (Debian: postgresql)")
	}
	dir := shortDir(t)
	if err := os.MkdirAll(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	for up := dir; os.Geteuid() == 0 && up != os.TempDir() && up != "/"; up = filepath.Dir(up) { // the server is another user then
		if err := os.Chmod(up, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"bench", "records", "--quick", "--output", "json", "--work", dir}
	if !*benchAll { // what differs on the other store, its own tests hold
		args = append(args, "--store", "sqlite")
	}
	cmd := exec.Command(accordBinary(t), args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out.String(), errs.String())
	}
	seen := heldReport(t, &out, "PostgreSQL")
	for _, name := range bench.RecordNames() {
		if !seen[name] {
			t.Errorf("%s was not measured", name)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%d things are left behind, %v", len(left), err)
	}
}
