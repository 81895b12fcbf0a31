package api

import (
	"time"

	"accord/exchange"
)

// ErrMember is given when a member of a body is missing or cannot be used.
var ErrMember = exchange.Define(exchange.KindInvalid, "API-005",
	exchange.Text{Zh: "请求内容的 {member} 缺失或不合要求", En: "the member {member} of the request is missing or not acceptable"},
	exchange.Text{Zh: "对照 openapi.yaml 填写", En: "compare with openapi.yaml"})

// ErrUSCC is given for a unified social credit code that cannot be one.
var ErrUSCC = exchange.Define(exchange.KindInvalid, "API-022",
	exchange.Text{Zh: "统一社会信用代码无效：须为 18 位且校验码正确（GB 32100）", En: "the unified social credit code is not valid: 18 characters with the right check character (GB 32100)"},
	exchange.Text{Zh: "对照营业执照逐位核对；不用字母 I、O、S、V、Z", En: "compare it with the licence character by character; the letters I, O, S, V, Z do not occur"})

// ErrPersonID is given for a resident identity number that cannot be one. It
// never repeats the number.
var ErrPersonID = exchange.Define(exchange.KindInvalid, "API-023",
	exchange.Text{Zh: "公民身份号码无效：须为 18 位、出生日期存在且校验码正确（GB 11643）", En: "the resident identity number is not valid: 18 characters, a date of birth that exists and the right check character (GB 11643)"},
	exchange.Text{Zh: "对照证件逐位核对；从 Excel 复制时注意末位是否变为 0", En: "compare it with the document character by character; Excel turns the last digits into zeros"})

// Bounds of texts in bodies, in characters: those the ledger keeps to.
const (
	maxReason = 500
	maxNumber = 120
	maxName   = 200
)

// form collects the first fault of a body, so that its sender learns the
// member and not only that the ledger found the command malformed. It never
// holds a value.
type form struct{ bad string }

// need notes the member unless ok.
func (f *form) need(ok bool, member string) {
	if !ok && f.bad == "" {
		f.bad = member
	}
}

// text needs a plain text of 1 to max characters.
func (f *form) text(s string, max int, member string) {
	f.need(exchange.PlainText(s, max), member)
}

// maybe needs a plain text, or none.
func (f *form) maybe(s string, max int, member string) {
	f.need(s == "" || exchange.PlainText(s, max), member)
}

// none needs a member to be left out.
func (f *form) none(s string, member string) { f.need(s == "", member) }

func (f *form) err() error {
	if f.bad == "" {
		return nil
	}
	return ErrMember.With("member", f.bad).At(f.bad)
}

// validDay says whether s is a day as the ledger takes it.
func validDay(s string) bool {
	t, err := time.Parse(time.DateOnly, s)
	return err == nil && t.Year() >= 1900
}
