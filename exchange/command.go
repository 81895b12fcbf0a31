package exchange

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"accord/crypto/strictjson"
)

// MaxCommand is the longest command in bytes: the compact JWS that carries it.
// Larger matter travels outside the ledger and is named by digest.
const MaxCommand = 256 << 10

// MaxResult is the longest encoded Result in bytes.
const MaxResult = 1 << 20

// maxMillis keeps times within what every JSON reader holds exactly (2^53).
const maxMillis Millis = 1<<53 - 1

// The errors of commands and answers as such.
var (
	ErrCommand = Define(KindInvalid, "CMD-001",
		Text{"指令格式不正确", "the command is malformed"},
		Text{"请用当前版本的客户端重新生成指令", "make it again with a current client"})
	ErrCommandSize = Define(KindInvalid, "CMD-002",
		Text{"指令过大，上限 {max} 字节", "the command is longer than {max} bytes"},
		Text{"请分成几条指令提交", "split it into several commands"})
	ErrBody = Define(KindInvalid, "CMD-003",
		Text{"指令 {verb} 的内容格式不正确", "the body of {verb} is malformed"},
		Text{"请核对字段名称和类型", "check member names and types"})
	ErrResult = Define(KindInvalid, "CMD-004",
		Text{"账本应答无法读取", "the ledger's answer cannot be read"},
		Text{"请核对两端的软件版本", "compare the software versions of both sides"})
)

// Command is a statement on a shared matter: a member, by a named operator,
// asks the ledger to do something. It travels as the payload of a compact JWS
// of type jws.TypCommand under the issuer's command key.
type Command struct {
	Federation string          `json:"fed"`  // federation id; a command for another one is refused
	Issuer     MemberID        `json:"iss"`  // the member that signs
	Operator   OperatorID      `json:"op"`   // the person at the issuer who did it
	At         Millis          `json:"iat"`  // stamped at accept; the ledger's time never goes back
	Catalogue  int             `json:"cat"`  // catalogue version the issuer acted under
	ID         CommandID       `json:"id"`   // random; the same command twice is done once
	Verb       Verb            `json:"verb"` // what is to be done
	Body       json.RawMessage `json:"body"` // the verb's arguments, a JSON object
}

// Encode gives the one spelling of the command, or ErrCommand.
func (c Command) Encode() ([]byte, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	data, err := strictjson.Marshal(c)
	if err != nil {
		return nil, ErrCommand.Wrap(err)
	}
	if len(data) > MaxCommand {
		return nil, ErrCommandSize.With("max", MaxCommand)
	}
	return data, nil
}

// DecodeCommand reads what Encode writes and nothing else: other spellings of
// the same command (white space, another order, other escapes) are refused, so
// that one meaning has one digest. The body points into data.
func DecodeCommand(data []byte) (Command, error) {
	if len(data) > MaxCommand {
		return Command{}, ErrCommandSize.With("max", MaxCommand)
	}
	if c, ok := plainCommand(data); ok {
		if err := c.validate(); err != nil {
			return Command{}, err
		}
		return c, nil
	}
	return anyCommand(data)
}

// VerbOf reads the verb from the beginning of an encoded command, as long as the
// beginning is plain. It judges nothing.
func VerbOf(beginning string) (v Verb, ok bool) {
	p := strictjson.NewPlain(beginning)
	c := plainHead(&p)
	return c.Verb, p.Next(`,"body":`)
}

// anyCommand reads a command in any spelling and refuses all but the one.
func anyCommand(data []byte) (Command, error) {
	var c Command
	if err := strictjson.Unmarshal(data, &c); err != nil {
		return Command{}, ErrCommand.Wrap(err)
	}
	if err := c.validate(); err != nil {
		return Command{}, err
	}
	again, err := strictjson.Marshal(c)
	if err != nil || !bytes.Equal(again, data) {
		return Command{}, ErrCommand.With()
	}
	return c, nil
}

// plainCommand reads a command whose spelling is the one and plain, as nearly
// all are; FuzzDecodeCommand holds it against the general way.
func plainCommand(data []byte) (c Command, ok bool) {
	p := strictjson.NewPlain(string(data))
	c = plainHead(&p)
	p.Skip(`,"body":`)
	body := len(p.Value())
	p.Skip("}")
	if !p.Done() {
		return Command{}, false
	}
	c.Body = data[len(data)-1-body : len(data)-1 : len(data)-1]
	return c, true
}

// plainHead reads everything before the body.
func plainHead(p *strictjson.Plain) (c Command) {
	p.Skip(`{"fed":`)
	c.Federation = p.String()
	p.Skip(`,"iss":`)
	c.Issuer = MemberID(p.String())
	p.Skip(`,"op":`)
	c.Operator = OperatorID(p.String())
	p.Skip(`,"iat":`)
	c.At = Millis(p.Int())
	p.Skip(`,"cat":`)
	c.Catalogue = int(p.Int())
	p.Skip(`,"id":`)
	c.ID = CommandID(p.String())
	p.Skip(`,"verb":`)
	c.Verb = Verb(p.String())
	return c
}

func (c Command) validate() error {
	switch {
	case !ValidName(c.Federation):
		return ErrCommand.With().At("/fed")
	case !ValidName(string(c.Issuer)):
		return ErrCommand.With().At("/iss")
	case !ValidName(string(c.Operator)):
		return ErrCommand.With().At("/op")
	case c.At <= 0 || c.At > maxMillis:
		return ErrCommand.With().At("/iat")
	case c.Catalogue < 1 || c.Catalogue > 1<<30:
		return ErrCommand.With().At("/cat")
	case !ValidID(string(c.ID)):
		return ErrCommand.With().At("/id")
	case !c.Verb.wellFormed():
		return ErrCommand.With().At("/verb")
	case len(c.Body) < 2 || c.Body[0] != '{':
		return ErrCommand.With().At("/body")
	}
	return nil
}

// Result is the ledger's answer to one command. A rejection is an answer too:
// it changed nothing, it is a leaf of the journal, and it says why.
type Result struct {
	ID     CommandID       `json:"id"`
	Index  uint64          `json:"index"`           // a state at or after this index shows the effect
	Seq    int64           `json:"seq"`             // leaf number in the journal, from 1; 0 when the command is no leaf
	OK     bool            `json:"ok"`              // the verb was carried out
	Repeat bool            `json:"repeat,omitzero"` // this id was answered before; this is that answer
	Error  *Error          `json:"error,omitempty"` // why not, when OK is false
	Body   json.RawMessage `json:"body,omitempty"`  // the verb's outcome, when OK is true
}

// Encode gives the answer's bytes.
func (r Result) Encode() ([]byte, error) {
	data := r.plain()
	if data == nil {
		var err error
		if data, err = strictjson.Marshal(r); err != nil {
			return nil, ErrResult.Wrap(err)
		}
	}
	if len(data) > MaxResult {
		return nil, ErrResult.With()
	}
	return data, nil
}

// plain writes the usual answer, a yes with an outcome, or gives nil for others.
func (r Result) plain() []byte {
	p := strictjson.NewPlain(string(r.Body))
	if p.Value(); r.Error != nil || !r.OK || !p.Done() || len(r.Body) < 4 || r.Body[0] != '{' || !ValidID(string(r.ID)) {
		return nil
	}
	b := append(make([]byte, 0, len(r.Body)+160), `{"id":"`...)
	b = append(append(b, r.ID...), `","index":`...)
	b = append(strconv.AppendUint(b, r.Index, 10), `,"seq":`...)
	b = append(strconv.AppendInt(b, r.Seq, 10), `,"ok":true`...)
	if r.Repeat {
		b = append(b, `,"repeat":true`...)
	}
	return append(append(append(b, `,"body":`...), r.Body...), '}')
}

// DecodeResult reads an answer. OK and Error exclude each other.
func DecodeResult(data []byte) (Result, error) {
	if len(data) > MaxResult {
		return Result{}, ErrResult.With()
	}
	var r Result
	if err := strictjson.Unmarshal(data, &r); err != nil {
		return Result{}, ErrResult.Wrap(err)
	}
	if !ValidID(string(r.ID)) || r.OK != (r.Error == nil) || r.Seq < 0 {
		return Result{}, ErrResult.With()
	}
	return r, nil
}

// DecodeBody reads a verb's body strictly into v.
func DecodeBody(verb Verb, body []byte, v any) error {
	if err := strictjson.Unmarshal(body, v); err != nil {
		return ErrBody.Wrap(err, "verb", verb)
	}
	return nil
}

// ValidDigest says whether s names a document's bytes: "sha256:" and 64
// lower-case hex digits, as charters and catalogues are named.
func ValidDigest(s string) bool {
	const prefix = "sha256:"
	return len(s) == len(prefix)+64 && s[:len(prefix)] == prefix && ValidHash(s[len(prefix):])
}

// ValidHash says whether s is a SHA-256 in 64 lower-case hex digits, as
// records and delivered disclosures are named.
func ValidHash(s string) bool {
	if len(s) != 64 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// PlainText says whether s is a text of 1 to max characters that shows as it
// is: valid UTF-8 without control, bidirectional or invisible characters and
// without outer spaces. The characters are a fixed list of ours, so that the
// answer never changes with a table of the language.
func PlainText(s string, max int) bool {
	if s == "" || len(s) > 4*max || !utf8.ValidString(s) || s[0] == ' ' || s[len(s)-1] == ' ' {
		return false
	}
	count := 0
	for _, r := range s {
		count++
		switch {
		case r < 0x20, r >= 0x7f && r < 0xa0, // C0, DEL, C1
			r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, // zero width, separators, overrides
			r >= 0x2060 && r <= 0x206f, r == 0xfeff, r == 0x061c, r == 0x00ad,
			r >= 0xfff0 && r <= 0xffff:
			return false
		}
	}
	return count <= max
}
