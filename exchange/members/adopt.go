package members

import (
	"errors"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/state"
)

// The answers of catalogue.adopt.
var (
	ErrAdoptVersion = exchange.Define(exchange.KindConflict, "MEM-010",
		exchange.Text{Zh: "新目录版本应为 {want}，文件为 {got}", En: "the next catalogue version is {want}, the document says {got}"},
		exchange.Text{Zh: "请以现行目录为基础修订并重新征集同意", En: "start from the catalogue in force and collect endorsements again"})
	ErrAdoptDocument = exchange.Define(exchange.KindRefused, "MEM-011",
		exchange.Text{Zh: "目录编号 {got} 与现行目录 {want} 不一致", En: "the document is catalogue {got}, in force is {want}"},
		exchange.Text{Zh: "请修订现行目录而不是另立目录", En: "change the catalogue in force, do not start another"})
	ErrEndorsement = exchange.Define(exchange.KindUnverified, "MEM-012",
		exchange.Text{Zh: "第 {n} 份同意书无效", En: "endorsement {n} does not hold"},
		exchange.Text{Zh: "须由有席位的成员以指令密钥签署本联合体、本目录摘要和版本", En: "a member with a seat must sign this federation, digest and version with its command key"})
	ErrAdoptQuorum = exchange.Define(exchange.KindRefused, "MEM-013",
		exchange.Text{Zh: "同意席位 {got} 个，章程要求 {want} 个", En: "{got} seats endorse it, the charter asks for {want}"},
		exchange.Text{Zh: "请征集其余席位的同意", En: "collect the endorsements of more seats"})
	ErrAdoptWaits = exchange.Define(exchange.KindConflict, "MEM-042",
		exchange.Text{Zh: "目录第 {version} 版已通过，{from} 起生效，其间不采用其他版本", En: "catalogue version {version} is adopted and counts from {from} on; no other is taken until then"},
		exchange.Text{Zh: "待其生效后以其为基础修订", En: "change that one, once it is in force"})
	ErrAdoptMeeting = exchange.Define(exchange.KindRefused, "MEM-045",
		exchange.Text{Zh: "目录由联席会议表决，须经公告期方可生效，不再凭同意书即时采用", En: "a catalogue is voted on in the joint meeting and waits its notice; endorsements alone no longer bring one at once"},
		exchange.Text{Zh: "请提案（accord proposal catalogue）", En: "propose it (accord proposal catalogue)"})
)

// DatedEndorsement is what a seat signs (jws.TypEndorsement) to say yes to a
// catalogue version from a time on. Nobody can use it for [Adopt], which knows no
// date.
type DatedEndorsement struct {
	Federation string          `json:"fed"`
	Catalogue  string          `json:"catalogue"` // digest of the document's bytes
	Version    int             `json:"version"`
	From       exchange.Millis `json:"from"`
}

// Encode gives the bytes to sign.
func (e DatedEndorsement) Encode() ([]byte, error) { return strictjson.Marshal(e) }

// Waits is the refusal of another catalogue while an adopted one waits for its time.
func Waits(r state.Reader, now exchange.Millis) error {
	if v, from, waits := NextVersion(r, now); waits {
		return ErrAdoptWaits.With("version", v.Version, "from", from)
	}
	return nil
}

// Schedule adopts a catalogue version that counts from a time on. The caller has
// judged the document, the votes and the time.
func Schedule(tx *state.Tx, v *Version, now exchange.Millis) error {
	force := inForce{ID: "catalogue", Version: VersionAt(tx, now).Version, Next: v.Version, From: v.From}
	if err := versions.Insert(tx, v); err != nil {
		return err
	}
	return forces.Insert(tx, &force)
}

// Endorsement is what a seat signs (jws.TypEndorsement) to say yes to a
// catalogue version.
type Endorsement struct {
	Federation string `json:"fed"`
	Catalogue  string `json:"catalogue"` // digest of the document's bytes
	Version    int    `json:"version"`
}

// Encode gives the bytes to sign.
func (e Endorsement) Encode() ([]byte, error) { return strictjson.Marshal(e) }

// AdoptBody is the body of catalogue.adopt.
type AdoptBody struct {
	Document     string   `json:"document"`     // the exact JSON text
	Endorsements []string `json:"endorsements"` // compact JWS, one per seat
}

// DecodeAdopt reads the body.
func DecodeAdopt(body []byte) (*AdoptBody, error) {
	b := new(AdoptBody)
	if err := exchange.DecodeBody(exchange.VerbAdopt, body, b); err != nil {
		return nil, err
	}
	if b.Document == "" || len(b.Endorsements) == 0 || len(b.Endorsements) > MaxMembers {
		return nil, exchange.ErrBody.With("verb", exchange.VerbAdopt)
	}
	return b, nil
}

// Adopted is the outcome of catalogue.adopt.
type Adopted struct {
	Version   int                 `json:"version"`
	Digest    string              `json:"digest"`
	Endorsers []exchange.MemberID `json:"endorsers"`
}

// Adopt puts a new catalogue version in force for every later command. As many
// different seats must have endorsed exactly these bytes as the charter asks;
// who carries the endorsements to the ledger does not matter. Once there is a joint
// meeting (MachineMeeting) it is refused: only a proposal brings a catalogue.
func Adopt(a *Act, b *AdoptBody) (*Adopted, error) {
	doc := []byte(b.Document)
	next, err := catalogue.ParseV1(doc) // format 2 comes by the joint meeting
	if err != nil {
		return nil, settled(err)
	}
	now := a.Catalogue.Document()
	if next.ID != now.ID {
		return nil, ErrAdoptDocument.With("got", next.ID, "want", now.ID)
	}
	if next.Version != now.Version+1 {
		return nil, ErrAdoptVersion.With("got", next.Version, "want", now.Version+1)
	}
	want := Endorsement{Federation: a.Command.Federation, Catalogue: catalogue.Digest(doc), Version: next.Version}
	endorsers, err := a.endorsers(b.Endorsements, want)
	if err != nil {
		return nil, err
	}
	if quorum := Fed(a.Tx).AdoptQuorum; len(endorsers) < quorum {
		return nil, ErrAdoptQuorum.With("got", len(endorsers), "want", quorum)
	}
	if err := Waits(a.Tx, a.Now); err != nil {
		return nil, err
	}
	if Fed(a.Tx).MachineVersion >= MachineMeeting {
		return nil, ErrAdoptMeeting.With() // the notice of a proposal binds, so nothing goes around it
	}
	v := &Version{Version: next.Version, Digest: want.Catalogue, Document: b.Document, Since: a.Now, Seq: a.Seq, Endorsers: endorsers}
	return &Adopted{v.Version, v.Digest, endorsers}, enact(a.Tx, v)
}

// settled keeps of a parse error what no library has a say in: where exactly a
// JSON decoder stops may change with its version, and the answer is replicated.
func settled(err error) *exchange.Error {
	e := exchange.AsError(err)
	if errors.Is(err, catalogue.ErrMalformed) {
		e = catalogue.ErrMalformed.With()
	}
	return e
}

// endorsers verifies every endorsement and gives the seats, each once, in the
// order given.
func (a *Act) endorsers(tokens []string, want Endorsement) ([]exchange.MemberID, error) {
	var seats []exchange.MemberID
	counted := map[exchange.MemberID]bool{}
	for i, token := range tokens {
		var by Member
		t, err := a.Tools.Verify(token, jws.Kind{Typ: jws.TypEndorsement, Use: keys.Command}, func(kid string) (keys.Public, error) {
			m, key, ok := KeyAt(a.Tx, kid, a.Now)
			if !ok || !m.Sits() {
				return keys.Public{}, jws.ErrKey
			}
			by = m
			return key, nil
		})
		if err != nil {
			return nil, ErrEndorsement.With("n", i+1)
		}
		var got Endorsement
		if strictjson.Unmarshal(t.Payload, &got) != nil || got != want {
			return nil, ErrEndorsement.With("n", i+1)
		}
		if !counted[by.ID] {
			counted[by.ID] = true
			seats = append(seats, by.ID)
		}
	}
	return seats, nil
}
