package node_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"accord/consensus/consensustest"
	"accord/exchange/machine"
	"accord/node/founding"
	"accord/node/nodetest"
	"accord/node/wire"
	"accord/node/witness"
)

// A node whose log was altered while it was stopped, at or below what a quorum had
// cosigned, comes up under another leader. Raft sees nothing: index and term of every
// entry are as they were. Within a minute it stops by itself, with an alarm and its
// evidence, whatever the alteration did to the number of statements, and without any
// traffic.
//
// Shows: F41, B8, B14
func TestAnAlteredLogIsNoticed(t *testing.T) {
	c := nodetest.New(t)
	// Nothing is said later that could show it.
	until(t, "all nodes have announced their builds", func() bool {
		return machine.Version == founding.MachineVersion || strings.Count(c.Log.String(), "msg=announced") == 4
	})
	enter(t, c, "regulator", 0, 8)
	all, err := c.Client("regulator").Ledger(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the court has cosigned checkpoints of all there is, and nothing waits in its log", func() bool {
		p, err := c.Client("court").Checkpoints(t.Context())
		return err == nil && len(p.Checkpoints) > 0 && p.Checkpoints[len(p.Checkpoints)-1].Size == all.Size && c.Nodes["court"].Status().Ledger.Size == all.Size
	})
	id := c.Nodes["court"].Status().Node
	c.Stop("court")
	folder, kept := filepath.Join(c.Dir, "court"), filepath.Join(t.TempDir(), "court")
	copyFolder(t, kept, folder)
	leader := string(c.Nodes["regulator"].Status().LeaderOf)
	if leader == "" || leader == "court" {
		until(t, "another leads", func() bool {
			leader = string(c.Nodes["regulator"].Status().LeaderOf)
			return leader != "" && leader != "court"
		})
	}
	c.Stop(leader)
	c.Start(leader)
	c.Ready()
	for _, tc := range []struct {
		name   string
		change func(data [][]byte, full []int) // full: those with statements
	}{
		{"two entries exchanged", func(d [][]byte, full []int) {
			a, b := full[len(full)-3], full[len(full)-2]
			d[a], d[b] = d[b], d[a]
		}},
		{"the last one emptied", func(d [][]byte, full []int) { d[full[len(full)-1]] = []byte(consensustest.EmptyGroup) }},
		{"one in the middle emptied", func(d [][]byte, full []int) { d[full[len(full)-4]] = []byte(consensustest.EmptyGroup) }},
		{"one in place of another", func(d [][]byte, full []int) { d[full[len(full)-2]] = d[full[len(full)-3]] }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := os.RemoveAll(folder); err != nil {
				t.Fatal(err)
			}
			copyFolder(t, folder, kept)
			if err := consensustest.Alter(filepath.Join(folder, "ledger"), id, func(data [][]byte) {
				var full []int
				for i, d := range data {
					if string(d) != consensustest.EmptyGroup {
						full = append(full, i)
					}
				}
				tc.change(data, full)
			}); err != nil {
				t.Fatal(err)
			}
			c.Start("court")
			defer c.Stop("court")
			court := c.Client("court")
			until(t, "the alarm", func() bool {
				st, err := court.Status(t.Context())
				return err == nil && !st.Ready && strings.Contains(st.Why, "evidence in witness/evidence/")
			})
			alarms, err := court.Alarms(t.Context())
			if err != nil || len(alarms.Alarms) == 0 || !alarms.Stopped || alarms.Alarms[0].Verdict != witness.VerdictSelf {
				t.Fatalf("%+v %v", alarms, err)
			}
			if file, err := court.AlarmEvidence(t.Context(), alarms.Alarms[0].ID); err != nil || len(file) == 0 {
				t.Errorf("evidence: %v", err)
			}
			t.Log(alarms.Alarms[0].Why)
		})
	}
	c.Ready() // the others go on
}

// A node's log is altered at or below what a quorum had cosigned, and the entries get
// terms of their own. Raft takes them for the tail of a leader that failed, and the
// federation's entries replace them: the node heals and serves. That its disk was
// altered is an alarm all the same, with what was there as evidence, until an operator
// settles it.
//
// Shows: F41, B14
func TestAnAlteredLogThatHealsIsAnAlarm(t *testing.T) {
	c := nodetest.New(t)
	enter(t, c, "regulator", 0, 4)
	until(t, "the court has cosigned all it holds", func() bool {
		p, err := c.Client("court").Checkpoints(t.Context())
		return err == nil && len(p.Checkpoints) > 0 && p.Checkpoints[len(p.Checkpoints)-1].Size == c.Nodes["court"].Status().Ledger.Size
	})
	id := c.Nodes["court"].Status().Node
	c.Stop("court")
	ledger := filepath.Join(c.Dir, "court", "ledger")
	// Nobody led in term 1, of which the founding entry alone is.
	if err := consensustest.AlterTerm(ledger, id, 1, func(data [][]byte) {
		data[len(data)-1] = []byte(consensustest.EmptyGroup)
	}); err != nil {
		t.Fatal(err)
	}
	c.Start("court")
	c.Ready()
	same(t, c)
	court := c.Client("court")
	alarms, err := court.Alarms(t.Context())
	if err != nil || alarms.Stopped || len(alarms.Alarms) != 1 || alarms.Alarms[0].Kind != witness.KindDisk || alarms.Alarms[0].Verdict != witness.VerdictSelf {
		t.Fatalf("%+v %v", alarms, err)
	}
	if kept, err := filepath.Glob(filepath.Join(ledger, "evidence", "*.evidence")); err != nil || len(kept) != 1 {
		t.Errorf("what was there is not kept: %v, %v", kept, err)
	}
	for m := range c.Nodes {
		if got, err := c.Client(m).Alarms(t.Context()); m != "court" && (err != nil || len(got.Alarms) > 0) {
			t.Errorf("%s: %+v %v", m, got, err)
		}
	}
	c.Stop("court")
	c.Start("court") // it is stored, and not raised again
	c.Ready()
	if alarms, err = court.Alarms(t.Context()); err != nil || len(alarms.Alarms) != 1 {
		t.Fatalf("after a restart: %+v %v", alarms, err)
	}
	if _, err := court.SettleAlarm(t.Context(), alarms.Alarms[0].ID, wire.Settle{Reason: "the disk was exchanged"}); err != nil {
		t.Error(err)
	}
}

// copyFolder copies a node's folder, for this user only as it was.
func copyFolder(t *testing.T, to, from string) {
	t.Helper()
	err := os.CopyFS(to, os.DirFS(from))
	if err == nil {
		err = filepath.WalkDir(to, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			mode := fs.FileMode(0o600)
			if d.IsDir() {
				mode = 0o700
			}
			return os.Chmod(path, mode)
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}
