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
	until(t, "the court has cosigned checkpoints of all it holds", func() bool {
		p, err := c.Client("court").Checkpoints(t.Context())
		return err == nil && len(p.Checkpoints) > 0 && p.Checkpoints[len(p.Checkpoints)-1].Size == c.Nodes["court"].Status().Ledger.Size
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
	for m, n := range c.Nodes {
		if st := n.Status(); !st.Ready {
			t.Errorf("%s is not ready: %s", m, st.Why)
		}
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
