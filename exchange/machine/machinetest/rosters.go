package machinetest

import (
	"fmt"
	"testing"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/members"
)

// Newcomer is a member that was no founder, with fixed keys and a nonvoter.
func Newcomer(id exchange.MemberID, n int) members.Founder {
	f := members.Founder{ID: id, Kind: exchange.KindInsurer, Name: exchange.Text{Zh: "成员" + string(id), En: "member " + string(id)},
		Node: members.Node{ID: "node-" + string(id), Address: fmt.Sprintf("10.0.1.%d:7000", n), Role: members.Nonvoter}}
	for _, use := range keys.Uses() {
		f.Keys = append(f.Keys, Key(id, use).Public())
	}
	return f
}

// Introduce is a member's introduction, signed with the key of that label.
func Introduce(tb testing.TB, f members.Founder, label exchange.MemberID) string {
	tb.Helper()
	payload, err := strictjson.Marshal(members.Introduction{Format: members.IntroductionFormat, Federation: Federation, At: Start, Member: f})
	Must(tb, err)
	token, err := jws.Sign(Key(label, keys.Command), jws.TypIntroduction, payload)
	Must(tb, err)
	return token
}

// Draft is the text of the roster that follows a line, changed by edit.
func Draft(tb testing.TB, l *members.Lineage, edit func(*members.Roster)) string {
	tb.Helper()
	r := *l.Roster()
	r.Members = append([]members.Founder(nil), r.Members...)
	for i := range r.Members {
		r.Members[i].Keys = append([]keys.Public(nil), r.Members[i].Keys...)
	}
	r.Charter, r.Previous, r.Version = l.At(0).Digest(), l.Digest(), l.Version()+1
	edit(&r)
	data, err := strictjson.Marshal(&r)
	Must(tb, err)
	return string(data)
}

// SignRoster gives a roster the endorsements of these seats.
func SignRoster(tb testing.TB, document string, version int, proofs []string, seats ...exchange.MemberID) members.SignedRoster {
	tb.Helper()
	s := members.SignedRoster{Document: document, Proofs: proofs}
	for _, seat := range seats {
		s.Endorsements = append(s.Endorsements, EndorseRoster(tb, seat, members.RosterEndorsement{Federation: Federation,
			Roster: members.Digest([]byte(document)), Version: version}))
	}
	return s
}

// EndorseRoster is one seat's endorsement of a roster.
func EndorseRoster(tb testing.TB, by exchange.MemberID, e members.RosterEndorsement) string {
	tb.Helper()
	payload, err := e.Encode()
	Must(tb, err)
	token, err := jws.Sign(Key(by, keys.Command), jws.TypEndorsement, payload)
	Must(tb, err)
	return token
}
