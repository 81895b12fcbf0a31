package machine_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"accord/exchange"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
)

// FuzzCheck: whatever comes, Check neither panics nor changes anything, agrees
// with CheckAll, and what it lets pass does not stop Apply.
func FuzzCheck(f *testing.F) {
	for _, p := range History(f, 3, 25) {
		f.Add(p)
	}
	for _, h := range hostile(f) {
		f.Add(h.payload)
	}
	g := Genesis(f)
	shared := Found(f, machine.Options{})
	f.Fuzz(func(t *testing.T, payload []byte) {
		m, before := shared, shared.View()
		verdict := m.Check(payload)
		if m.View() != before {
			t.Fatal("Check changed the state")
		}
		if again := m.CheckAll([][]byte{payload})[0]; (again == nil) != (verdict == nil) {
			t.Fatalf("Check says %v, CheckAll %v", verdict, again)
		}
		if errors.Is(verdict, machine.ErrPayload) {
			return // most inputs; founding a machine for each would starve the others
		}
		m, err := machine.New(g, machine.Options{})
		Must(t, err)
		before = m.View()
		raw, err := m.Apply(1, [][]byte{payload})
		switch {
		case verdict == nil && err != nil:
			t.Fatalf("a payload that passed Check stopped the node: %v", err)
		case err == nil && len(raw) != 1:
			t.Fatal("an answer is missing")
		case err != nil && m.View() != before:
			t.Fatal("an entry that stopped the node was applied")
		}
	})
}

// FuzzBodies gives every verb every body.
func FuzzBodies(f *testing.F) {
	for _, p := range History(f, 4, 25) {
		_, rest, _ := strings.Cut(string(p), ".")
		f.Add("release.request", []byte(`{"record":{}}`))
		f.Add("list.nominate", []byte(rest))
	}
	f.Add("list.remove", []byte(`{"entry":"AAAAAAAAAAAAAAAA","reason":"error","text":"a","basis":"b"}`))
	f.Add("release.open", []byte(`{"release":"AAAAAAAAAAAAAAAA","digest":"`+Hash("x")+`"}`))
	f.Add("catalogue.adopt", []byte(`{"document":"{}","endorsements":["x"]}`))
	g := Genesis(f)
	shared := Found(f, machine.Options{})
	f.Fuzz(func(t *testing.T, verb string, body []byte) {
		cmd := exchange.Command{Federation: Federation, Issuer: "court", Operator: "clerk", At: Start, Catalogue: 1,
			ID: exchange.CommandID(ID("fuzz")), Verb: exchange.Verb(verb), Body: body}
		if _, err := cmd.Encode(); err != nil {
			return
		}
		payload := Sign(t, Order{By: "court", ID: "fuzz", Verb: cmd.Verb, Raw: string(body)})
		if shared.Check(payload) != nil {
			return
		}
		m, err := machine.New(g, machine.Options{})
		Must(t, err)
		if _, err := m.Apply(1, [][]byte{payload}); err != nil {
			t.Fatalf("a body that passed Check stopped the node: %v", err)
		}
		Must(t, m.Audit())
	})
}

// FuzzRestore: a snapshot is taken whole or not at all.
func FuzzRestore(f *testing.F) {
	m := Found(f, machine.Options{})
	Do(f, m, Order{By: "court", ID: "n", Verb: exchange.VerbNominate, Body: Nominate(Entry(f, "court", "1", nil))})
	data := written(f, m)
	f.Add(data)
	f.Add(data[:100])
	f.Add(resealed(data, `"seq":1`, `"seq":0`))
	f.Add(resealed(data, `"refused":0`, `"refused":1`))
	shared := Found(f, machine.Options{})
	f.Fuzz(func(t *testing.T, data []byte) {
		m, before := shared, shared.View()
		if err := m.Restore(bytes.NewReader(data)); err != nil {
			if m.View() != before {
				t.Fatal("a refused snapshot changed the state")
			}
			return
		}
		if got := written(t, m); !bytes.Equal(got, data) {
			t.Fatal("a snapshot was taken that is written otherwise")
		}
	})
}
