package catalogue

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"accord/crypto/strictjson"
	"accord/exchange"
)

// MaxBytes is the longest catalogue, as JSON or as YAML.
const MaxBytes = 1 << 20

// The errors of reading a catalogue.
var (
	ErrMalformed = exchange.Define(exchange.KindInvalid, "CAT-001",
		exchange.Text{Zh: "目录文件无法读取", En: "the catalogue document cannot be read"},
		exchange.Text{Zh: "请核对格式、成员名称和数值类型；用 accord catalogue lint 检查", En: "check its format, member names and types; see accord catalogue lint"})
	ErrFormat = exchange.Define(exchange.KindInvalid, "CAT-002",
		exchange.Text{Zh: "目录格式版本不受支持", En: "this build does not read the catalogue's format"},
		exchange.Text{Zh: "须为 " + Format + " 或 " + Format2 + "；请升级节点或改用该格式", En: "it must be " + Format + " or " + Format2 + "; upgrade the node or convert the document"})
	ErrUnusable = exchange.Define(exchange.KindInvalid, "CAT-003",
		exchange.Text{Zh: "目录内容有 {count} 处错误，首处：{first}", En: "the catalogue has {count} errors, the first: {first}"},
		exchange.Text{Zh: "用 accord catalogue lint 查看全部问题并改正", En: "see accord catalogue lint for all of them"})
	ErrTooLong = exchange.Define(exchange.KindInvalid, "CAT-004",
		exchange.Text{Zh: "目录文件过大", En: "the catalogue document is too long"},
		exchange.Text{Zh: "不得超过 1 MiB", En: "at most 1 MiB"})
)

// Decode reads the JSON form without judging its content: for tools that show
// what is wrong with a document. Everybody else uses Parse.
func Decode(data []byte) (*Document, error) {
	if len(data) > MaxBytes {
		return nil, ErrTooLong.With()
	}
	doc := new(Document)
	if err := strictjson.Unmarshal(data, doc); err != nil {
		return nil, malformed(err)
	}
	switch doc.Format {
	case Format: // has the members of its format and no others
		if err := strictjson.Unmarshal(data, new(document1)); err != nil {
			return nil, malformed(err)
		}
	case Format2:
	default:
		return nil, ErrFormat.With().At("/format")
	}
	return doc, nil
}

func malformed(err error) error {
	e := ErrMalformed.Wrap(err)
	var at *strictjson.Error
	if errors.As(err, &at) {
		e.Field = at.Pointer
	}
	return e
}

// Parse reads the exact bytes of a catalogue. A document with an error finding
// is refused as a whole, so whoever holds a parsed document can rely on it.
func Parse(data []byte) (*Document, error) {
	doc, err := Decode(data)
	if err != nil {
		return nil, err
	}
	if err := Validate(doc); err != nil {
		return nil, err
	}
	return doc, nil
}

// Digest names the exact bytes of a catalogue: "sha256:" and 64 hex digits.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}
