package machinetest

import (
	"encoding/hex"
	"fmt"
	"testing"

	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/machine"
	"accord/exchange/members"
)

// Plan is the text of a plan of recovery that stands on a state: the nodes of
// association and court survive, the others' are lost. Edit changes it.
func Plan(tb testing.TB, v *machine.View, edit func(*members.Plan)) string {
	tb.Helper()
	root := v.Root()
	p := members.Plan{Format: members.PlanFormat, Federation: Federation, Charter: v.Federation().Digest, Roster: v.Roster().Version,
		Drafted: "2015-11-27T08:00:00Z", Reason: "three machines burned down", Term: 9, Cosigned: v.Size() - 1,
		Base: members.Base{Node: "node-association", Index: v.Index(), Term: 8, Size: v.Size(), Root: hex.EncodeToString(root[:]), Digest: v.Digest().String()},
		Survivors: []members.Survivor{{Member: "association", Node: "node-association", Address: "10.0.0.3:7000", Index: v.Index(), Current: 8},
			{Member: "court", Node: "node-court", Address: "10.0.0.4:7000", Index: v.Index() - 1, Current: 7}},
		Lost: []string{"node-commission", "node-insurer", "node-regulator"}}
	if edit != nil {
		edit(&p)
	}
	text, err := strictjson.Marshal(p)
	Must(tb, err)
	return string(text)
}

// SignPlan gives a plan the signatures of these seats.
func SignPlan(tb testing.TB, plan string, seats ...exchange.MemberID) members.SignedPlan {
	tb.Helper()
	s := members.SignedPlan{Plan: plan}
	for _, seat := range seats {
		token, err := members.SignPlan([]byte(plan), Key(seat, keys.Command))
		Must(tb, err)
		s.Signatures = append(s.Signatures, token)
	}
	return s
}

// Announce is all founders' nodes saying that they can apply a machine version.
func Announce(tb testing.TB, version int) [][]byte {
	tb.Helper()
	var all [][]byte
	for _, f := range Founders() {
		all = append(all, Sign(tb, Order{By: f.ID, ID: fmt.Sprint("announce ", version, " ", f.ID), Verb: exchange.VerbAnnounce,
			Body: members.AnnounceBody{Node: "node-" + string(f.ID), Machine: version, Build: "test"}}))
	}
	return all
}
