package machine_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"accord/crypto/strictjson"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/feed"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
	"accord/exchange/members"
)

var update = flag.Bool("update", false, "record the golden log anew; only before it was released")

// expected is what a golden log must lead to.
type expected struct {
	Digest  string          `json:"digest"`
	Root    string          `json:"root"`
	Content string          `json:"content"`
	Seq     int64           `json:"seq"`
	Refused int64           `json:"refused"`
	Time    exchange.Millis `json:"time"`
}

// TestGoldenLogs replays every recorded log: a genesis, the payloads one to a
// line, the answers one to a line, and the digests. They are replayed by every
// later build for ever; a change that moves one of them needs a new machine
// version, and the log of the old version stays.
func TestGoldenLogs(t *testing.T) {
	dirs, err := filepath.Glob("testdata/golden/*")
	Must(t, err)
	if *update {
		record(t, "testdata/golden/machine-3", anchored(t))
		dirs, _ = filepath.Glob("testdata/golden/*")
	}
	if len(dirs) == 0 {
		t.Fatal("no golden log")
	}
	for _, dir := range dirs {
		g, err := members.DecodeGenesis(read(t, dir, "genesis.json"))
		Must(t, err)
		m, err := machine.New(g, machine.Options{Frozen: true})
		Must(t, err)
		answers := strings.Split(strings.TrimSpace(string(read(t, dir, "answers.ndjson"))), "\n")
		for i, p := range bytes.Fields(read(t, dir, "log.txt")) {
			raw, err := m.Apply(uint64(i)+1, [][]byte{p})
			Must(t, err)
			if string(raw[0]) != answers[i] {
				t.Fatalf("%s, command %d:\n got %s\nwant %s", dir, i, raw[0], answers[i])
			}
		}
		var want expected
		Must(t, strictjson.Unmarshal(bytes.TrimSpace(read(t, dir, "expected.json")), &want))
		if got := expectation(t, m); got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", dir, got, want)
		}
		Must(t, m.VerifyFrozen())
		Must(t, New(t).Restore(bytes.NewReader(read(t, dir, "snapshot.bin"))))
		if !bytes.Equal(written(t, m), read(t, dir, "snapshot.bin")) {
			t.Errorf("%s: the snapshot's bytes changed", dir)
		}
	}
}

func expectation(t *testing.T, m *machine.Machine) expected {
	t.Helper()
	k := markOf(t, m)
	return expected{k.digest, k.root, k.content, k.seq, k.refused, k.time}
}

// anchored is a life in which feeds are anchored: too early, by proof, and not.
func anchored(t *testing.T) [][]byte {
	t.Helper()
	tree := new(tlog.Tree)
	for i := range 9 {
		tree.Append(feed.EntryOf(feed.Record, ID("golden"), string(rune('a'+i))).Leaf())
	}
	anchor := func(by exchange.MemberID, id string, from, size int64) []byte {
		root, err := tree.RootAt(size)
		Must(t, err)
		proof, err := tree.ProveConsistency(from, size)
		Must(t, err)
		return Sign(t, Order{By: by, ID: id, Verb: exchange.VerbFeedAnchor, Body: feed.AnchorBody{Size: size, Root: root, Proof: proof}})
	}
	return slices.Concat([][]byte{anchor("court", "too early", 0, 3)}, Announce(t, 3), [][]byte{anchor("court", "first", 0, 3),
		anchor("regulator", "another", 0, 9), anchor("court", "again", 0, 3), anchor("court", "unproved", 2, 7), anchor("court", "second", 3, 7)},
		History(t, 2029, 40))
}

func record(t *testing.T, dir string, history [][]byte) {
	t.Helper()
	Must(t, os.MkdirAll(dir, 0o755))
	g, err := Genesis(t).Encode()
	Must(t, err)
	m := New(t)
	var said [][]byte
	for i, p := range history {
		raw, err := m.Apply(uint64(i)+1, [][]byte{p})
		Must(t, err)
		said = append(said, raw[0])
	}
	want, err := strictjson.Marshal(expectation(t, m))
	Must(t, err)
	for name, data := range map[string][]byte{"genesis.json": g, "log.txt": bytes.Join(history, []byte("\n")),
		"answers.ndjson": bytes.Join(said, []byte("\n")), "expected.json": want, "snapshot.bin": written(t, m)} {
		if name != "snapshot.bin" && name != "genesis.json" {
			data = append(data, '\n')
		}
		Must(t, os.WriteFile(filepath.Join(dir, name), data, 0o644))
	}
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	Must(t, err)
	return data
}
