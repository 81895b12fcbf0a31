package bundle

import (
	"encoding/json"
	"strings"
	"testing"

	"accord/crypto/cryptotest"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/sdjwt"
	"accord/crypto/tlog"
)

// flip changes one character in the middle of the last part of a token, which
// is its signature or, of an SD-JWT, whatever stands last.
func flip(token string) string {
	i := strings.LastIndexAny(strings.TrimRight(token, "~"), ".~")/2 + len(strings.TrimRight(token, "~"))/2
	c := byte('A')
	if token[i] == 'A' {
		c = 'B'
	}
	return token[:i] + string(c) + token[i+1:]
}

// TestTampering changes one thing at a time in an otherwise good bundle: before
// anything is signed (dishonest members), or in the file (dishonest exporter).
// Each must fail, and just the checks that the change concerns.
//
// Shows: B8, I7
func TestTampering(t *testing.T) {
	for _, tc := range []struct {
		name   string
		before func(f *fixture)
		after  func(f *fixture, b *Bundle)
		want   string // names of the failed checks, in order
	}{
		{name: "nothing", want: ""},

		// The charter.
		{name: "a founder did not sign", before: func(f *fixture) { f.signers = testMembers[1:] }, want: CheckFounder},
		{name: "one signed for another", before: func(f *fixture) { f.signers = append(testMembers[1:4:4], "court") }, want: CheckFounder},
		{name: "a founder signed twice", before: func(f *fixture) { f.signers = append(testMembers[:5:5], "court") }, want: CheckFounder},
		{name: "a stranger signed too", before: func(f *fixture) { f.signers = append(testMembers[:5:5], "stranger") }, want: CheckFounder},
		{name: "a founder's signature is broken",
			after: func(_ *fixture, b *Bundle) { b.Charter.Signatures[2] = flip(b.Charter.Signatures[2]) }, want: CheckFounder},
		{name: "founders signed different charters", after: func(f *fixture, b *Bundle) {
			f.charter["cosign_quorum"] = 1
			b.Charter.Signatures[0] = must(jws.Sign(cryptotest.Key("regulator", keys.Command), jws.TypCharter, f.payload()))(f.tb)
		}, want: strings.Replace(everythingAfterCharter, CheckNote, CheckCharterLogged+" "+CheckNote, 1)},
		{name: "signed as another type of statement", after: func(f *fixture, b *Bundle) {
			b.Charter.Signatures[0] = must(jws.Sign(cryptotest.Key("regulator", keys.Command), jws.TypEndorsement, f.payload()))(f.tb)
		}, want: CheckFounder},
		{name: "charter of an unknown format", before: func(f *fixture) { f.charter["format"] = "accord-charter/2" }, want: everythingAfterCharter},
		{name: "charter without time of founding", before: func(f *fixture) { delete(f.charter, "founded") }, want: everythingAfterCharter},
		{name: "charter that lists a member twice", before: func(f *fixture) {
			f.charter["members"] = append(f.charter["members"].([]any), f.member("court"))
		}, want: everythingAfterCharter},
		{name: "two members of one name", before: func(f *fixture) {
			other := f.member("other")
			other["id"] = "court"
			f.charter["members"] = append(f.charter["members"].([]any), other)
		}, want: everythingAfterCharter},
		{name: "a member with two keys for one use", before: func(f *fixture) {
			court := f.charter["members"].([]any)[2].(map[string]any)
			court["keys"] = append(court["keys"].([]keys.Public), cryptotest.Public("other", keys.Cosign))
		}, want: everythingAfterCharter},
		{name: "a member without a command key", before: func(f *fixture) {
			court := f.charter["members"].([]any)[2].(map[string]any)
			court["keys"] = []keys.Public{cryptotest.Public("court", keys.Attest), cryptotest.Public("court", keys.Cosign)}
		}, want: everythingAfterCharter},
		{name: "two members share a key", before: func(f *fixture) {
			list := f.charter["members"].([]any)
			list[1].(map[string]any)["keys"] = list[0].(map[string]any)["keys"]
		}, want: everythingAfterCharter},
		{name: "quorum nobody can reach", before: func(f *fixture) { f.charter["cosign_quorum"] = 6 }, want: everythingAfterCharter},
		{name: "negative quorum", before: func(f *fixture) { f.charter["cosign_quorum"] = -1 }, want: everythingAfterCharter},
		{name: "charter of another federation", before: func(f *fixture) { f.charter["federation"] = "gansu" }, want: CheckFederation},
		{name: "bundle of another federation", after: func(_ *fixture, b *Bundle) { b.Federation = "gansu" },
			want: CheckFederation + " " + CheckNote + " " + CheckQuorum + " " + CheckCommandForm + " " + CheckDocumentRests},

		// The checkpoint.
		{name: "too few cosigned", before: func(f *fixture) { f.cosigners = testMembers[:2] }, want: CheckQuorum},
		{name: "only strangers cosigned", before: func(f *fixture) { f.cosigners = []string{"a", "b", "c"} }, want: CheckNote + " " + CheckQuorum},
		{name: "cosigned under another's name", before: func(f *fixture) { f.cosignAs["court"] = "insurer-a" }, want: CheckQuorum},
		{name: "cosigned before the founding", before: func(f *fixture) { f.cosignTime = testFounded/1000 - 3600 }, want: CheckQuorum},
		{name: "cosigned at no time that exists", before: func(f *fixture) { f.cosignTime = 1<<63 - 1 }, want: CheckQuorum},
		{name: "cosigned at a time that overflows", before: func(f *fixture) { f.cosignTime = (1<<64 + testTime) / 1000 }, want: CheckQuorum},
		{name: "checkpoint of another log", before: func(f *fixture) { f.origin = "accord/gansu/ledger" }, want: CheckNote + " " + CheckQuorum},
		{name: "another size", after: func(_ *fixture, b *Bundle) { b.Checkpoint = strings.Replace(b.Checkpoint, "\n4\n", "\n5\n", 1) },
			want: CheckCharterLogged + " " + CheckNote + " " + CheckQuorum + " " + CheckCommandLogged + " " + CheckDocumentRests},
		{name: "another root", after: func(f *fixture, b *Bundle) {
			b.Checkpoint = strings.Replace(b.Checkpoint, f.ledger.Root().String(), tlog.EmptyRoot().String(), 1)
		}, want: CheckCharterLogged + " " + CheckNote + " " + CheckQuorum + " " + CheckCommandLogged + " " + CheckDocumentRests},
		{name: "a broken cosignature", after: func(_ *fixture, b *Bundle) {
			lines := strings.SplitAfter(b.Checkpoint, "\n")
			lines[5] = flip(lines[5])
			b.Checkpoint = strings.Join(lines, "")
		}, want: CheckNote + " " + CheckQuorum},
		{name: "one cosignature three times", after: func(_ *fixture, b *Bundle) {
			lines := strings.SplitAfter(b.Checkpoint, "\n")
			lines[5], lines[6] = lines[4], lines[4]
			b.Checkpoint = strings.Join(lines, "")
		}, want: CheckCharterLogged + " " + CheckNote + " " + CheckQuorum + " " + CheckCommandLogged + " " + CheckDocumentRests},
		{name: "no checkpoint", after: func(_ *fixture, b *Bundle) { b.Checkpoint = "" },
			want: CheckCharterLogged + " " + CheckNote + " " + CheckQuorum + " " + CheckCommandLogged + " " + CheckDocumentRests},

		// Commands.
		{name: "a document on a command the ledger refused", before: func(f *fixture) { f.refused = map[int]bool{0: true} },
			want: CheckDocumentRests},
		{name: "a refused command passed off as accepted", before: func(f *fixture) { f.refused = map[int]bool{0: true} },
			after: func(_ *fixture, b *Bundle) { b.Commands[0].Outcome = Accepted },
			want:  CheckCommandLogged + " " + CheckDocumentRests},
		{name: "a command's signature is broken", after: func(_ *fixture, b *Bundle) { b.Commands[0].JWS = flip(b.Commands[0].JWS) },
			want: CheckCommandSigned + " " + CheckCommandLogged + " " + CheckDocumentRests},
		{name: "a command nobody logged", after: func(f *fixture, b *Bundle) {
			f.command("court", "list.nominate", map[string]any{}, nil)
			b.Commands[1].JWS = f.commands[2]
		}, want: CheckCommandLogged + " " + CheckDocumentBinding + " " + CheckDocumentRests},
		{name: "a command at another place", after: func(_ *fixture, b *Bundle) { b.Commands[1].Index = 3; on(b, 2, 3) },
			want: CheckCommandLogged + " " + CheckDocumentRests},
		{name: "proofs exchanged", after: func(_ *fixture, b *Bundle) {
			b.Commands[0].Proof, b.Commands[1].Proof = b.Commands[1].Proof, b.Commands[0].Proof
		}, want: CheckCommandLogged + " " + CheckDocumentRests},
		{name: "proof left out", after: func(_ *fixture, b *Bundle) { b.Commands[0].Proof = nil }, want: CheckCommandLogged + " " + CheckDocumentRests},
		{name: "a command under another's name", before: func(f *fixture) {
			f.command("court", "list.nominate", map[string]any{}, func(p map[string]any) { p["iss"] = "regulator" })
		}, want: CheckCommandIssuer},
		{name: "a stranger's command", before: func(f *fixture) { f.command("stranger", "list.nominate", map[string]any{}, nil) },
			want: CheckCommandSigned + " " + CheckCommandIssuer},
		{name: "a command for another federation", before: func(f *fixture) {
			f.command("court", "list.nominate", map[string]any{}, func(p map[string]any) { p["fed"] = "gansu" })
		}, want: CheckCommandForm},
		{name: "a command before its key was valid", before: func(f *fixture) {
			f.command("court", "list.nominate", map[string]any{}, func(p map[string]any) { p["iat"] = testFounded - 2*acceptSkew })
		}, want: CheckCommandIssuer},
		{name: "a command without an id", before: func(f *fixture) {
			f.command("court", "list.nominate", map[string]any{}, func(p map[string]any) { p["id"] = "charter" })
		}, want: CheckCommandForm},
		{name: "a command without a time", before: func(f *fixture) {
			f.command("court", "list.nominate", map[string]any{}, func(p map[string]any) { p["iat"] = 0 })
		}, want: CheckCommandForm + " " + CheckCommandIssuer},
		{name: "another statement passed off as a command", after: func(f *fixture, b *Bundle) {
			t := must(jws.Parse(b.Commands[0].JWS))(f.tb)
			b.Commands[0].JWS = must(jws.Sign(cryptotest.Key("association", keys.Command), jws.TypEndorsement, t.Payload))(f.tb)
		}, want: CheckCommandSigned + " " + CheckCommandLogged + " " + CheckDocumentRests},
		{name: "a change of keys of an unknown kind", after: func(_ *fixture, b *Bundle) { b.Changes = []int64{1} }, want: CheckChange},

		// Documents.
		{name: "a document of an unknown kind", after: func(_ *fixture, b *Bundle) { b.Documents[0].Kind = "opinion" }, want: CheckDocumentKind},
		{name: "a record passed off as an entry", after: func(_ *fixture, b *Bundle) { b.Documents[0].Kind = KindEntry }, want: CheckDocumentSigned},
		{name: "a document's disclosure is broken", after: func(_ *fixture, b *Bundle) { b.Documents[0].SDJWT = flip(b.Documents[0].SDJWT) },
			want: CheckDocumentSigned},
		{name: "a disclosure of another document", after: func(f *fixture, b *Bundle) {
			_, ds := f.document("court", sdjwt.TypRecord, nil)
			b.Documents[0].SDJWT += ds[0].Encoded + "~"
		}, want: CheckDocumentSigned},
		{name: "a document in another's name", after: func(f *fixture, b *Bundle) {
			jwt, _ := f.document("court", sdjwt.TypRecord, func(c map[string]any) { c["iss"] = "regulator" })
			b.Documents[0].SDJWT = jwt + "~"
		}, want: CheckDocumentIssuer},
		{name: "a stranger's document", after: func(f *fixture, b *Bundle) {
			jwt, _ := f.document("stranger", sdjwt.TypRecord, nil)
			b.Documents[0].SDJWT = jwt + "~"
		}, want: CheckDocumentSigned},
		{name: "an entry that is not in its command", after: func(f *fixture, b *Bundle) {
			jwt, _ := f.document("association", sdjwt.TypEntry, func(c map[string]any) { c["jti"] = "record-000000000000002" })
			b.Documents[1].SDJWT = jwt + "~"
		}, want: CheckDocumentRests},
		{name: "an entry that rests on another command", after: func(_ *fixture, b *Bundle) { on(b, 1, 2) }, want: CheckDocumentRests},
		{name: "a release without its request", after: func(_ *fixture, b *Bundle) { b.Documents[2].RestsOn = nil }, want: CheckDocumentBinding},
		{name: "a release for another request", after: func(_ *fixture, b *Bundle) { on(b, 2, 1) }, want: CheckDocumentBinding},
		{name: "a release with one disclosure less", after: func(_ *fixture, b *Bundle) {
			parts := strings.Split(b.Documents[2].SDJWT, "~")
			b.Documents[2].SDJWT = parts[0] + "~" + parts[2]
		}, want: CheckDocumentBinding},
		{name: "a release without key binding", after: func(_ *fixture, b *Bundle) {
			b.Documents[2].SDJWT = b.Documents[2].SDJWT[:strings.LastIndexByte(b.Documents[2].SDJWT, '~')+1]
		}, want: CheckDocumentBinding},
		{name: "a bound presentation passed off as the record itself", after: func(_ *fixture, b *Bundle) {
			b.Documents[2].Kind, b.Documents[2].RestsOn = KindRecord, nil
		}, want: CheckDocumentSigned},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFixture(t)
			if tc.before != nil {
				// Commands that a case adds stand before the fixture's own.
				tc.before(f)
			}
			b := f.full()
			if tc.after != nil {
				tc.after(f, b)
			}
			// Not b.Marshal, which refuses bad form: an exporter need not use it.
			data, err := json.Marshal(b)
			if err != nil {
				t.Fatal(err)
			}
			r := Verify(data, Options{})
			if got := failed(r); got != tc.want || r.OK != (tc.want == "") {
				t.Errorf("failed %q, want %q\n%s", got, tc.want, render(t, r))
			}
		})
	}
}

// Without a readable charter there are no keys, so nothing that is signed holds.
const everythingAfterCharter = CheckCharterForm + " " + CheckNote + " " + CheckQuorum + " " + CheckCommandSigned + " " +
	CheckCommandIssuer + " " + CheckDocumentSigned + " " + CheckDocumentRests + " " + CheckDocumentBinding

func on(b *Bundle, document int, index int64) { b.Documents[document].RestsOn = &index }

// TestContains: a document stands in a command only as a whole string value.
func TestContains(t *testing.T) {
	const d = "eyJ.eyJ.sig"
	for body, want := range map[string]bool{
		`{"a":"` + d + `"}`:                      true,
		`{"a":["x",{"b":"` + d + `"}]}`:          true,
		`"` + d + `"`:                            true,
		`{"a":"` + d + `~"}`:                     false,
		`{"a":"x` + d + `"}`:                     false,
		`{"` + d + `":1}`:                        false,
		`{"` + d + `" :1}`:                       false,
		`{"a":"he said \"` + d + `\""}`:          false,
		`{"a":"\\","b":"` + d + `"}`:             true,
		`{"a":"\\\"","b":"` + d + `x"}`:          false,
		`{"a":"\u0065yJ.eyJ.sig"}`:               false,
		`{"x":"` + d + `x","` + d + `":[1,"y"]}`: false,
		`{}`:                                     false,
		``:                                       false,
		`"`:                                      false,
		`"\`:                                     false,
	} {
		if got := contains([]byte(body), d); got != want {
			t.Errorf("contains(%s) = %v", body, got)
		}
	}
}

// TestEveryByte: nothing in a bundle is without a signature, digest or proof
// over it, so no file that differs in one byte verifies.
func TestEveryByte(t *testing.T) {
	_, b := full(t)
	good := marshal(t, b)
	digest := must(ParseDigest(Verify(good, Options{}).Charter))(t)
	for i := 0; i < len(good)-1; i += 61 {
		bad := []byte(string(good))
		bad[i] ^= 1
		if r := Verify(bad, Options{Trust: &digest}); r.OK {
			t.Errorf("verified with byte %d changed from %q to %q", i, good[i-10:i+10], bad[i-10:i+10])
		}
	}
}
