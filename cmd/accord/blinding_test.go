package main

import (
	"strings"
	"testing"

	"accord/exchange"
	"accord/node/wire"
)

// TestWhoHoldsTheBlindingKey: shown, proposed and refused, in every form.
func TestWhoHoldsTheBlindingKey(t *testing.T) {
	state := wire.BlindingState{Scheme: "voprf", Next: 3, Epochs: []wire.BlindingEpoch{{Epoch: 1, Version: 1, Threshold: 2, Holders: []exchange.MemberID{"court", "regulator"}, Since: when, Share: true}},
		Changes: []wire.BlindingChange{{Version: 2, Status: "accepting", Epoch: 2, Fresh: true, Threshold: 2, Holders: []exchange.MemberID{"association", "commission"}, At: when, Deadline: when, Need: 2,
			Dealt: []exchange.MemberID{"association"}, Accepted: []exchange.MemberID{}}}}
	proposal := wire.Proposal{ID: "proposal-0000000001", Kind: "blinding", Status: "open", By: "regulator", Changes: []exchange.Text{{Zh: "由三家持有", En: "held by three"}}}
	f := newFakeNode(t).on("GET /api/v1/blinding", state).on("POST /api/v1/blinding/2/refuse", state).on("POST /api/v1/proposals", proposal).on("POST /api/v1/proposals/proposal-0000000001/vote", proposal)
	for _, c := range []struct {
		args     []string
		to, body string // what reaches the node
		zh       string // what is shown
	}{
		{[]string{"blinding", "show"}, "GET /api/v1/blinding", "", "接受中"},
		{[]string{"blinding", "refuse", "2"}, "POST /api/v1/blinding/2/refuse", "{}", "接受中"},
		{[]string{"blinding", "propose", "--holder", "court", "--holder", "association", "--holder", "regulator", "--reason", "分散"}, "POST /api/v1/proposals",
			`"decision":{"object":"3","outcome":"split","holders":["court","association","regulator"],"threshold":2}`, "盲化密钥持有方"},
		{[]string{"blinding", "propose", "--holder", "court", "--holder", "association", "--threshold", "2", "--new-key", "--reason", "更换"}, "POST /api/v1/proposals", `"outcome":"rotate"`, "盲化密钥持有方"},
		{[]string{"blinding", "propose", "--holder", "court", "--holder", "association", "--epoch", "1", "--reason", "转交"}, "POST /api/v1/proposals", `"epoch":1`, "盲化密钥持有方"},
	} {
		for _, format := range []string{"table", "json", "csv"} {
			code, out, err := f.run("", append(c.args, "--lang", "zh", "-o", format)...)
			if code != 0 || !strings.Contains(string(f.to(c.to).body), c.body) || format == "table" && !strings.Contains(out, c.zh) {
				t.Errorf("%v %s: exit %d %s %s; the node got %s", c.args, format, code, out, err, f.to(c.to).body)
			}
		}
	}
	for _, args := range [][]string{{"blinding", "refuse", "x"}, {"blinding", "propose", "--reason", "x"}} {
		if code, _, _ := f.run("", args...); code == 0 {
			t.Errorf("%v was taken", args)
		}
	}
	f.on("GET /api/v1/blinding", wire.BlindingState{Scheme: "h1", Epochs: []wire.BlindingEpoch{}, Changes: []wire.BlindingChange{}, Next: 1})
	if _, out, _ := f.run("", "blinding", "show", "--lang", "en"); !strings.Contains(out, "every member") {
		t.Errorf("without holders: %s", out)
	}
}
