package main

import (
	"context"
	"encoding/json"
	"flag"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/exchange"
	"accord/exchange/machine"
	"accord/node/config"
	"accord/node/demo"
	"accord/node/founding"
)

var everyOrder = flag.Bool("upgrade.orders", false, "upgrade in every order of the nodes and not only one (takes long)")

// nextBinary is the program as the release after this one.
var nextBinary = builtWith("accord_next")

// echo signs the verb that only the next release knows, for a member.
func (f *federation) echo(member, id string) []byte {
	f.t.Helper()
	cfg, _, err := config.Load(f.sup.Dir(member), func(string) (string, bool) { return "", false }, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	store, err := founding.OpenKeys(cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	defer store.Close()
	payload, err := exchange.Command{Federation: cfg.Federation, Issuer: exchange.MemberID(member), Operator: demo.Operator,
		At: exchange.MillisOf(time.Now()), Catalogue: 1, ID: exchange.CommandID("upgrade-" + id + "-000000"), Verb: "test.echo",
		Body: json.RawMessage(`{"text":"hello"}`)}.Encode()
	if err != nil {
		f.t.Fatal(err)
	}
	key, err := store.Key(keys.Command)
	if err != nil {
		f.t.Fatal(err)
	}
	token, err := jws.Sign(key, jws.TypCommand, payload)
	if err != nil {
		f.t.Fatal(err)
	}
	return []byte(token)
}

// run swaps a member's program: it is killed and started again from another.
func (f *federation) run(member, program string) {
	f.t.Helper()
	if err := f.sup.Kill(member); err != nil {
		f.t.Fatal(err)
	}
	if err := f.sup.StartWith(member, program); err != nil {
		f.t.Fatal(err)
	}
	f.ready()
}

// inForce waits until a member's state runs a machine version.
func (f *federation) inForce(member string, version int) {
	f.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		fed, err := f.client(member).Federation(f.t.Context())
		if err == nil && fed.MachineVersion == version {
			return
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("%s runs version %d, want %d: %v", member, fed.MachineVersion, version, err)
		}
	}
}

// TestRollingUpgradeAcrossAVersionGate upgrades one node after the other while a
// client writes. No statement of the new release is taken before the last node has
// it; until then a node may go back, afterwards the old program does not start.
//
// Shows: F22, F23
func TestRollingUpgradeAcrossAVersionGate(t *testing.T) {
	next, err := nextBinary()
	if err != nil {
		t.Fatal(err)
	}
	orders := [][]string{{"court", "regulator", "association", "commission"}}
	if *everyOrder {
		orders = permutations(members4)
	}
	for _, order := range orders {
		t.Run(strings.Join(order, "-"), func(t *testing.T) { upgrade(t, order, next) })
	}
}

func upgrade(t *testing.T, order []string, next string) {
	f := newFederation(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	acked := make(chan exchange.EntryID, 100_000)
	var writers sync.WaitGroup
	writer := "regulator" // the court may put nobody on the red list
	writers.Go(func() { f.write(ctx, 1, writer, acked) })
	old := accordBinary(t)
	for i, member := range order {
		f.run(member, next)
		if i == 1 { // before the gate a node may go back
			f.run(member, old)
			f.run(member, next)
		}
		if i < len(order)-1 {
			for _, at := range []string{member, order[len(order)-1]} {
				if res, err := f.client(at).Submit(t.Context(), f.echo("court", member+at)); err == nil && res.OK {
					t.Errorf("after %d of %d nodes, %s takes a statement of the next release", i+1, len(order), at)
				}
			}
			f.inForce(member, machine.Version)
		}
	}
	for _, member := range members4 {
		f.inForce(member, machine.Version+1)
	}
	if res, err := f.client(order[0]).Submit(t.Context(), f.echo("court", "after")); err != nil || !res.OK {
		t.Errorf("after the last node the new verb is refused: %+v %v", res, err)
	}
	if err := f.sup.Kill("commission"); err != nil {
		t.Fatal(err)
	}
	if out, err := f.try("commission", "node", "run"); err == nil || !strings.Contains(out, "CMD-017") {
		t.Errorf("the old program starts behind the gate: %v\n%s", err, out)
	}
	if err := f.sup.StartWith("commission", next); err != nil {
		t.Fatal(err)
	}
	f.ready()
	cancel()
	writers.Wait()
	close(acked)
	f.nothingLost(acked, members4...)
}

func permutations(all []string) [][]string {
	if len(all) == 0 {
		return [][]string{nil}
	}
	var out [][]string
	for i := range all {
		rest := slices.Delete(slices.Clone(all), i, i+1)
		for _, p := range permutations(rest) {
			out = append(out, append([]string{all[i]}, p...))
		}
	}
	return out
}
