package intake

import (
	"strconv"
	"strings"
)

// maxInteger is the largest integer every JSON reader keeps exactly
// (RFC 8259 section 6).
const maxInteger = 1<<53 - 1

// units are the words that can stand behind an amount, longest first, and the
// column unit each repeats, "" for none.
var units = []struct {
	word string
	unit Unit
}{
	{"亿元", ""}, {"万元", Wan}, {"千元", ""}, {"元整", Yuan}, {"元", Yuan}, {"圆", Yuan},
	{"亿", ""}, {"万", Wan}, {"角", ""}, {"分", ""}, {"RMB", Yuan}, {"CNY", Yuan}, {"USD", ""},
}

const chineseNumerals = "零〇一二三四五六七八九十百千两壹贰叁肆伍陆柒捌玖拾佰仟"

// money reads an amount in the column's unit into whole fen. It computes in
// decimal digits: no amount ever is a binary fraction.
func (n *normaliser) money(c cell, unit Unit) outcome {
	text := strings.ToUpper(fold(c.text))
	text = strings.TrimLeft(text, "¥￥'")
	found := ""
	for _, u := range units {
		bare, ok := strings.CutSuffix(text, u.word)
		if !ok {
			continue
		}
		if strings.ContainsAny(bare, chineseNumerals) {
			break // 三万五千元: the numerals are the matter
		}
		if u.unit != unit {
			return refused("amount_unit_other")
		}
		text, found = bare, "amount_unit_same"
		break
	}
	if kind := notDecimal(text); kind != "" {
		return refused(kind)
	}
	text, ok := ungrouped(text)
	if !ok {
		return refused("amount_unreadable")
	}
	if c.kind == cellNumber && !c.json {
		text = fifteenDigits(text)
	}
	power := 2
	if unit == Wan {
		power = 6
	}
	fen, kind := decimal(text, power)
	if kind != "" {
		return refused(kind)
	}
	o := value(fen)
	if found != "" {
		o.found(found)
	}
	if n.moneyFlag > 0 && fen > n.moneyFlag {
		o.found("amount_absurd")
	}
	return o
}

// notDecimal names what stands there instead of a decimal number.
func notDecimal(text string) string {
	switch {
	case strings.ContainsAny(text, chineseNumerals) || strings.ContainsAny(text, "万亿"):
		return "amount_chinese"
	case strings.HasPrefix(text, "-") && allDigits(strings.NewReplacer(".", "", ",", "", "E", "", "+", "", "-", "").Replace(text)):
		return "amount_negative"
	}
	switch strings.TrimLeft(text, "+-") {
	case "NAN", "INF", "INFINITY", "∞", "1.#INF", "1.#QNAN",
		"#DIV/0!", "#NUM!", "#VALUE!", "#REF!", "#N/A", "#NAME?", "#NULL!": // what a spreadsheet leaves of a calculation that failed
		return "amount_nan"
	}
	if text == "" || strings.Trim(text, "0123456789.,E+-") != "" {
		return "amount_unreadable"
	}
	return ""
}

// ungrouped removes thousands separators, which must stand at every third digit.
func ungrouped(text string) (string, bool) {
	if !strings.Contains(text, ",") {
		return text, true
	}
	whole, fraction, _ := strings.Cut(text, ".")
	groups := strings.Split(whole, ",")
	for i, g := range groups {
		if !allDigits(g) || i > 0 && len(g) != 3 || len(g) > 3 {
			return "", false
		}
	}
	if strings.Contains(fraction, ",") {
		return "", false
	}
	if !strings.Contains(text, ".") {
		return strings.Join(groups, ""), true
	}
	return strings.Join(groups, "") + "." + fraction, true
}

// fifteenDigits rounds a workbook's number as the spreadsheet shows it: 0.1+0.2
// is stored with 17 digits and means 0.3.
func fifteenDigits(text string) string {
	if len(text) <= 15 {
		return text
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	return strconv.FormatFloat(f, 'g', 15, 64)
}

// decimal reads digits[.digits][E±digits] times 10^power as an integer.
func decimal(text string, power int) (int64, string) {
	mantissa, exponent, hasExponent := strings.Cut(strings.ToUpper(text), "E")
	if hasExponent {
		e, err := strconv.Atoi(exponent)
		if err != nil {
			return 0, "amount_unreadable"
		}
		if e < -400 || e > 400 {
			return 0, "amount_nan"
		}
		power += e
	}
	mantissa = strings.TrimPrefix(mantissa, "+")
	whole, fraction, point := strings.Cut(mantissa, ".")
	if !allDigits(whole) || point && !allDigits(fraction) || len(mantissa) > 400 {
		return 0, "amount_unreadable"
	}
	digits := strings.TrimLeft(whole+strings.TrimRight(fraction, "0"), "0")
	shift := power - len(strings.TrimRight(fraction, "0"))
	for shift < 0 && strings.HasSuffix(digits, "0") {
		digits, shift = digits[:len(digits)-1], shift+1
	}
	switch {
	case digits == "":
		return 0, ""
	case shift < 0:
		return 0, "amount_precision"
	case len(digits)+shift > 16:
		return 0, outOfRange(hasExponent)
	}
	v, err := strconv.ParseInt(digits+strings.Repeat("0", shift), 10, 64)
	if err != nil || v > maxInteger {
		return 0, outOfRange(hasExponent)
	}
	return v, ""
}

// outOfRange names a number that cannot be stored: with an exponent (1e999) it
// was none, without one it is an amount beyond everything.
func outOfRange(hasExponent bool) string {
	if hasExponent {
		return "amount_nan"
	}
	return "amount_out_of_range"
}
