package members_test

import (
	"testing"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
	"accord/exchange/members"
)

// onInvitation is an introduction that answers an invitation.
func onInvitation(t *testing.T, f members.Founder, invitation string) string {
	t.Helper()
	payload, err := strictjson.Marshal(members.Introduction{Format: members.IntroductionFormat, Federation: Federation, Invitation: invitation, At: Start, Member: f})
	Must(t, err)
	token, err := jws.Sign(Key(f.ID, keys.Command), jws.TypIntroduction, payload)
	Must(t, err)
	return token
}

// TestAnInvitationAdmitsOne: whoever comes second on an invitation is refused, by the
// seats before they endorse and on the ledger, also after the first has left; and so are
// two that come together. A federation of an earlier machine version takes it.
//
// Shows: B12
func TestAnInvitationAdmitsOne(t *testing.T) {
	bank, fund := Newcomer("bank", 1), Newcomer("fund", 2)
	join := func(who ...members.Founder) func(*members.Roster) {
		return func(r *members.Roster) { r.Members = append(r.Members, who...) }
	}
	const first, second = "invitation-00001", "invitation-00002"
	for name, c := range map[string]struct {
		version int
		before  []string // invitations of the bank, which may have left again
		leaves  bool
		edit    func(*members.Roster)
		proofs  []string
		want    string
	}{
		"another invitation":          {4, []string{first}, false, join(fund), []string{onInvitation(t, fund, second)}, ""},
		"none":                        {4, []string{first}, false, join(fund), []string{onInvitation(t, fund, "")}, ""},
		"the same":                    {4, []string{first}, false, join(fund), []string{onInvitation(t, fund, first)}, "MEM-044"},
		"the same, the first is gone": {4, []string{first}, true, join(fund), []string{onInvitation(t, fund, first)}, "MEM-044"},
		"two together":                {4, nil, false, join(bank, fund), []string{onInvitation(t, bank, first), onInvitation(t, fund, first)}, "MEM-044"},
		"an older federation":         {3, []string{first}, false, join(fund), []string{onInvitation(t, fund, first)}, ""},
	} {
		cat, err := strictjson.Marshal(Document(1))
		Must(t, err)
		charter := Charter(cat)
		charter.MachineVersion = c.version
		g := GenesisOf(t, charter, cat)
		m, err := machine.New(g, machine.Options{Frozen: true})
		Must(t, err)
		l, err := g.Lineage()
		Must(t, err)
		for _, invitation := range c.before {
			l = enrol(t, m, l, "first", join(bank), []string{onInvitation(t, bank, invitation)}, three...)
		}
		if c.leaves {
			l = enrol(t, m, l, "leaves", func(r *members.Roster) { remove(r, "bank") }, nil, three...)
		}
		s := SignRoster(t, Draft(t, l, c.edit), l.Version()+1, c.proofs, three...)
		if r := Do(t, m, Order{By: "regulator", ID: "second", Verb: exchange.VerbRoster, Body: s, At: Start + 9*Hour}); Code(r) != c.want {
			t.Errorf("%s: %q %v, want %q", name, Code(r), r.Error, c.want)
		}
		if _, err := l.Draft(s); c.version >= members.MachineMeeting && (err != nil) != (c.want != "") {
			t.Errorf("%s: before it is endorsed: %v", name, err)
		}
		Must(t, m.Audit())
		Must(t, m.VerifyFrozen())
	}
}
