package agency

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/sdjwt"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/machine"
	"accord/exchange/members"
	"accord/exchange/records"
	"accord/exchange/release"
)

// Tracing (泄露追查) leads from what was found somewhere to the releases it can have
// come from. Three things can be found, and each says something else:
//
//   - a presentation, as it was delivered: its author's key binding names recipient
//     and release, so it was made for exactly this one;
//   - a shown copy, which carries a mark that the recipient's node signed: it names
//     release, operator and time, and the recipient cannot deny it;
//   - a bare disclosure, salt and value without either. All recipients of a field get
//     the same one, because the author's signature covers its digest. Only its author
//     can find it, and finds every release under which it was delivered: one
//     recipient is named, of several each is a candidate.
var (
	ErrTrace = exchange.Define(exchange.KindInvalid, "OPEN-012",
		exchange.Text{Zh: "文件中没有可追查的内容", En: "the file holds nothing that can be traced"},
		exchange.Text{Zh: "须为交付的凭证、带标记的副本，或一条披露（盐、信息项、值）；裸值无法追查", En: "give a delivered presentation, a copy with its mark, or a disclosure (salt, name, value); a bare value cannot be traced"})
	ErrTraceSize = exchange.Define(exchange.KindInvalid, "OPEN-013",
		exchange.Text{Zh: "文件过大，上限 {max} 字节", En: "the file is longer than {max} bytes"},
		exchange.Text{Zh: "请截取有关部分", En: "cut out the part that matters"})
)

// MaxTrace is the longest file that is traced, in bytes.
const MaxTrace = 1 << 20

// The kinds of what was found.
const (
	TracePresentation = "presentation"
	TraceCopy         = "copy"
	TraceDisclosure   = "disclosure"
)

// Traced is a release that what was found can have come from.
type Traced struct {
	Kind      string
	Release   exchange.ReleaseID
	Recipient exchange.MemberID
	Operator  exchange.OperatorID // who asked; of a copy, whom it was shown to
	At        exchange.Millis     // delivered; of a copy, shown
	Record    exchange.RecordID
	Field     string // of a disclosure
	Proved    bool   // signed by a key of whom it accuses or of the author; else a candidate
}

// CopyMark is the payload of the mark on a shown copy (jws.TypCopy).
type CopyMark struct {
	Federation string              `json:"fed"`
	Member     exchange.MemberID   `json:"iss"`
	Operator   exchange.OperatorID `json:"op"`
	Release    exchange.ReleaseID  `json:"release"`
	At         exchange.Millis     `json:"iat"`
}

// MarkCopy signs the mark of a copy that is about to be shown to an operator.
func (a *Agency) MarkCopy(op exchange.OperatorID, id exchange.ReleaseID) (string, error) {
	payload, err := strictjson.Marshal(CopyMark{a.Federation, a.Self, op, id, a.instant(a.Ledger.View())})
	if err != nil {
		return "", err
	}
	key, err := a.Keys.Key(keys.Command)
	if err != nil {
		return "", err
	}
	return jws.Sign(key, jws.TypCopy, payload)
}

// What is looked for in a file: compact tokens with what may follow them in an SD-JWT,
// disclosures in their encoding (every one begins with the base64url of [" or [ "),
// and the JSON arrays inside.
var (
	tokens      = regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+(?:~[\w.~-]*)?`)
	disclosures = regexp.MustCompile(`W[yw][\w-]{24,}`)
	arrays      = regexp.MustCompile(`\["[\w-]{22,128}",\s*"[^"\\]{1,256}",`)
)

// Trace finds the releases that a leaked text can have come from: those that a
// signature proves first, each once.
func (a *Agency) Trace(ctx context.Context, text []byte) ([]Traced, error) {
	if len(text) > MaxTrace {
		return nil, ErrTraceSize.With("max", MaxTrace)
	}
	view := a.Ledger.View()
	var found []Traced
	add := func(t Traced) {
		if !slices.Contains(found, t) {
			found = append(found, t)
		}
	}
	rest := tokens.ReplaceAllFunc(text, func(token []byte) []byte {
		if t, ok := a.traceToken(view, string(token)); ok {
			add(t)
			return nil // its disclosures are its own
		}
		return bytes.ReplaceAll(token, []byte("~"), []byte(" "))
	})
	digests := map[string]bool{}
	for _, encoded := range disclosures.FindAll(rest, -1) {
		if d, err := sdjwt.ParseDisclosure(string(encoded)); err == nil {
			digests[d.Digest()] = true
		}
	}
	for _, at := range arrays.FindAllIndex(rest, -1) {
		var value json.RawMessage
		if json.NewDecoder(bytes.NewReader(rest[at[0]:])).Decode(&value) == nil {
			digests[sdjwt.DigestOf(value)] = true
		}
	}
	if len(found) == 0 && len(digests) == 0 {
		return nil, ErrTrace.With()
	}
	if len(digests) > 0 {
		if err := a.traceDigests(ctx, view, digests, add); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(found, func(x, y Traced) int {
		switch {
		case x.Proved == y.Proved:
			return 0
		case x.Proved:
			return -1
		}
		return 1
	})
	return found, nil
}

// traceToken reads a presentation or the mark of a copy.
func (a *Agency) traceToken(view *machine.View, token string) (Traced, bool) {
	if t, err := jws.Verify(token, jws.TypCopy, everKey(view)); err == nil {
		var m CopyMark
		rel, ok := release.Release{}, false
		if strictjson.Unmarshal(t.Payload, &m) == nil {
			rel, ok = view.Release(m.Release)
		}
		signer, _, signed := keyEver(view, t.KID)
		if !ok || !signed || signer.ID != m.Member || m.Federation != a.Federation {
			return Traced{}, false
		}
		return Traced{Kind: TraceCopy, Release: m.Release, Recipient: m.Member, Operator: m.Operator, At: m.At, Record: rel.Record.ID, Proved: rel.Requester == m.Member}, true
	}
	aud, nonce, ok := sdjwt.BoundTo(token)
	if !ok {
		return Traced{}, false
	}
	rel, ok := view.Release(exchange.ReleaseID(nonce))
	if !ok {
		return Traced{}, false
	}
	v, _, err := sdjwt.VerifyBound(token, TypRecord, a.attestKeyOf(rel.Record.Author), aud, nonce, recordVisible...)
	if err != nil || records.DigestOf(v.JWT) != rel.Record.Digest || aud != string(rel.Requester) {
		return Traced{}, false
	}
	return candidate(&rel, TracePresentation, rel.Record.ID, "", true), true
}

func candidate(rel *release.Release, kind string, record exchange.RecordID, field string, proved bool) Traced {
	t := Traced{Kind: kind, Release: rel.ID, Recipient: rel.Requester, Operator: rel.Operator, Record: record, Field: field, Proved: proved}
	if rel.Delivered != nil {
		t.At = rel.Delivered.At
	}
	return t
}

// traceDigests goes through what this member delivered: the sealed fields of these
// records are the only ones of its own that can be elsewhere.
func (a *Agency) traceDigests(ctx context.Context, view *machine.View, digests map[string]bool, add func(Traced)) error {
	for rel := range release.All(view.Rows()) {
		if rel.Record.Author != a.Self || rel.Delivered == nil && rel.Opened == nil {
			continue
		}
		for _, ref := range rel.Refs() {
			rec, err := a.Records.Get(ctx, ref.ID)
			if errors.Is(err, records.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			for _, f := range rec.Sealed {
				if digests[f.Digest] && slices.Contains(rel.Fields, f.Field) {
					add(candidate(&rel, TraceDisclosure, ref.ID, f.Field, false))
				}
			}
		}
	}
	return nil
}

// keyEver finds a command key that a member has or had.
func keyEver(view *machine.View, kid string) (members.Member, keys.Public, bool) {
	for _, m := range view.Members() {
		for _, k := range m.Keys {
			if k.Public.KID() == kid && k.Public.Use() == keys.Command {
				return m, k.Public, true
			}
		}
	}
	return members.Member{}, keys.Public{}, false
}

func everKey(view *machine.View) jws.Lookup {
	return func(kid string) (keys.Public, error) {
		if _, key, ok := keyEver(view, kid); ok {
			return key, nil
		}
		return keys.Public{}, jws.ErrKey
	}
}
