package intake

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"accord/exchange/catalogue"
)

func testNormaliser() *normaliser {
	return &normaliser{today: "2026-11-20", asOf: sampleDay, nameLimit: 200, textLimit: 10_000, moneyFlag: 1e10,
		empty: map[string]bool{"无": true, "/": true, "——": true, "null": true}, noEnd: map[string]bool{NoEnd: true, "ongoing": true}}
}

func text(s string) cell { return cell{kind: cellText, text: s} }

// wants is a value, or a kind, or a value and a kind.
type wants struct {
	typ   catalogue.Type
	in    cell
	value any
	kind  string
}

func check(t *testing.T, tc wants, c Column, f catalogue.Field, idKind string) {
	t.Helper()
	f.Type = tc.typ
	w, _ := words(c, &f)
	o := testNormaliser().cell(&target{Column: c, field: f, words: w, past: c.Past}, tc.in, idKind)
	kind := strings.Join(o.kinds, " ")
	if !reflect.DeepEqual(o.value, tc.value) || kind != tc.kind {
		t.Errorf("%s %v %q: %v %q, want %v %q", tc.typ, tc.in.kind, tc.in.text, o.value, kind, tc.value, tc.kind)
	}
	if o.refuse != (kind != "" && kindOf(o.kinds[0]).Effect == Refuse) {
		t.Errorf("%q: refuse = %v", tc.in.text, o.refuse)
	}
}

func TestNames(t *testing.T) {
	for in, want := range map[string]wants{
		" 例木措　": {value: "例木措"}, "赵　雨": {value: "赵雨"}, "罗　　莲": {value: "罗莲"}, "诸葛 亮": {value: "诸葛 亮"}, "AB  C\tD": {value: "AB C D"},
		"阿依·古丽": {value: "阿依·古丽"}, "阿依•古丽": {value: "阿依•古丽"}, "𠮷例": {value: "𠮷例"}, "例\u200b川": {value: "例川", kind: "zero_width_name"}, "例川\ufeff": {value: "例川", kind: "zero_width_name"},
		"例\ue001川": {value: "例\ue001川", kind: "private_use_char"}, "例\u202e川": {kind: "bidi_override_name"}, "例\u2067川": {kind: "bidi_override_name"},
		"<b>例</b>": {kind: "html_in_name"}, "例 > 川": {kind: "html_in_name"}, "=1+1": {kind: "formula_in_name"}, "　＝1": {kind: "formula_in_name"}, "@例": {kind: "formula_in_name"},
		"例?川": {kind: "lost_character"}, "例\uFFFD川": {kind: "lost_character"}, "例\u0007川": {kind: "control_character"},
		strings.Repeat("例", 200): {value: strings.Repeat("例", 200)}, strings.Repeat("例", 201): {kind: "long_name"},
		"无": {}, "　": {}, "\u200b": {}, "—— ": {}, "ＮＵＬＬ": {},
	} {
		want.typ, want.in = catalogue.TypeName, text(in)
		check(t, want, Column{}, catalogue.Field{}, "")
	}
}

func TestTexts(t *testing.T) {
	for in, want := range map[string]wants{
		" a\r\nb\rc\u2028d ": {value: "a\nb\nc\nd"}, "a\tb": {value: "a\tb"}, "x<script>": {value: "x<script>", kind: "html_in_text"}, "1 < 2": {value: "1 < 2"},
		"-5%": {value: "-5%", kind: "formula_text"}, "＠经办人": {value: "＠经办人", kind: "formula_text"}, "a\x01": {kind: "control_character"},
		"失\uFFFD字": {value: "失\uFFFD字", kind: "lost_in_text"}, "a\u202eb": {value: "ab", kind: "bidi_in_text"}, "\u202e": {},
		"a\u200bb": {value: "ab"}, strings.Repeat("长", 10_001): {kind: "text_too_long"},
	} {
		want.typ, want.in = catalogue.TypeText, text(in)
		check(t, want, Column{}, catalogue.Field{}, "")
	}
	list := cell{kind: cellList, json: true, items: []string{"甲", " 乙 ", "", "甲"}}
	check(t, wants{catalogue.TypeTexts, list, []string{"甲", "乙"}, ""}, Column{}, catalogue.Field{}, "")
	check(t, wants{catalogue.TypeText, list, nil, "json_wrong_type"}, Column{}, catalogue.Field{}, "")
	check(t, wants{catalogue.TypeTexts, cell{kind: cellOther, json: true}, nil, "json_wrong_type"}, Column{}, catalogue.Field{}, "")
	check(t, wants{catalogue.TypeTexts, cell{kind: cellList, json: true, items: make([]string, 0)}, nil, ""}, Column{}, catalogue.Field{}, "")
	check(t, wants{catalogue.TypeTexts, text("甲;乙；丙"), []string{"甲", "乙", "丙"}, ""}, Column{Split: ";"}, catalogue.Field{}, "")
	check(t, wants{catalogue.TypeTexts, text(strings.Repeat("a;", 50) + strings.Join(strings.Split(strings.Repeat("b", 101), ""), "x;")), []string{"a", "bx", "b"}, ""}, Column{Split: ";"}, catalogue.Field{}, "")
}

func TestCodes(t *testing.T) {
	f := catalogue.Field{Values: []catalogue.Value{{ID: "fine"}, {ID: "warning"}}}
	f.Values[0].Title.Zh, f.Values[1].Title.Zh = "罚款", "警告"
	check(t, wants{catalogue.TypeCode, text("　罚款 "), "fine", ""}, Column{}, f, "")
	check(t, wants{catalogue.TypeCode, text("罚金"), nil, "unknown_enum"}, Column{}, f, "")
	check(t, wants{catalogue.TypeCode, text("fine"), nil, "unknown_enum"}, Column{}, f, "")
	check(t, wants{catalogue.TypeCode, text("Ｆ"), "fine", ""}, Column{Values: map[string]string{"F": "fine"}}, f, "")
	check(t, wants{catalogue.TypeCode, text("罚款"), nil, "unknown_enum"}, Column{Values: map[string]string{"F": "fine"}}, f, "")
	check(t, wants{catalogue.TypeCodes, text("警告; 罚款；警告"), []string{"warning", "fine"}, ""}, Column{Split: ";"}, f, "")
	check(t, wants{catalogue.TypeCodes, text("警告;罚金"), nil, "unknown_enum"}, Column{Split: ";"}, f, "")
	check(t, wants{catalogue.TypeCode, cell{kind: cellNumber, text: "1"}, nil, "cell_wrong_type"}, Column{}, f, "")
}

func TestIdentifiers(t *testing.T) {
	const id, code = "11010519491231002X", "91350100M000100Y43"
	for in, want := range map[string]wants{
		id: {value: id}, "１１０１０５１９４９１２３１００２Ｘ": {value: id}, "11010519491231002x": {value: id}, " 110105 19491231 002X ": {value: id},
		"'" + id: {value: id}, "\t" + id: {value: id}, "110105\u200b19491231\u200e002X": {value: id}, `="` + id + `"`: {value: id},
		"110105194912310021": {kind: "id_check_digit"}, "110105194912310000": {kind: "id_lost_digits"}, "1101051949123100": {kind: "id_too_short"},
		"110105491231002": {kind: "id_too_short"}, id + "1": {kind: "id_too_long"}, "1.10105E+17": {kind: "id_sci_notation"}, "1.1E17": {kind: "id_sci_notation"},
		"110105********002X": {kind: "id_masked"}, "110105××××××××002X": {kind: "id_masked"}, "1101051949123100A1": {kind: "id_bad_character"}, "<b>": {kind: "id_bad_character"},
	} {
		want.typ, want.in = catalogue.TypeResidentID, text(in)
		check(t, want, Column{}, catalogue.Field{}, "")
		want.typ = catalogue.TypeIDNumber
		check(t, want, Column{}, catalogue.Field{KindField: "k"}, "居民身份证")
	}
	for in, want := range map[string]wants{
		code: {value: code}, strings.ToLower(code): {value: code}, "91350100M000100Y44": {kind: "uscc_check_digit"}, "9135O100M000100Y43": {kind: "uscc_letter_o"},
		"91350100M000100Y4Z": {kind: "uscc_bad_character"}, "71526726-X": {kind: "uscc_old_code"}, "71526726X": {kind: "uscc_old_code"}, "913501": {kind: "uscc_length"},
		"9.135E+17": {kind: "id_sci_notation"}, "91350100********43": {kind: "id_masked"},
	} {
		want.typ, want.in = catalogue.TypeUSCC, text(in)
		check(t, want, Column{}, catalogue.Field{}, "")
		want.typ = catalogue.TypeIDNumber
		check(t, want, Column{}, catalogue.Field{KindField: "k"}, "统一社会信用代码")
	}
	for in, want := range map[string]wants{
		"e 1234567": {value: "E1234567"}, "Ｈ１２３４５６７８(B)": {value: "H12345678(B)"}, "E12": {kind: "id_too_short"}, "E12345*7": {kind: "id_masked"}, "E12/345": {kind: "id_bad_character"},
	} {
		want.typ, want.in = catalogue.TypeIDNumber, text(in)
		check(t, want, Column{}, catalogue.Field{KindField: "k"}, "护照")
	}
	number := cell{kind: cellNumber, text: "639905200107067000"}
	for _, typ := range []catalogue.Type{catalogue.TypeResidentID, catalogue.TypeUSCC, catalogue.TypeIDNumber, catalogue.TypeLicence} {
		check(t, wants{typ, number, nil, "id_excel_number"}, Column{}, catalogue.Field{}, "")
		asJSON := number
		asJSON.json = true
		check(t, wants{typ, asJSON, nil, "id_json_number"}, Column{}, catalogue.Field{}, "")
		check(t, wants{typ, cell{kind: cellError, text: "#N/A"}, nil, "excel_error_value"}, Column{}, catalogue.Field{}, "")
		check(t, wants{typ, cell{kind: cellFormula}, nil, "excel_formula_no_value"}, Column{}, catalogue.Field{}, "")
	}
	for in, want := range map[string]wants{
		"青例保监罚决字〔2025〕1号": {value: "青例保监罚决字〔2025〕1号"}, " （2023）青9902执  354号 ": {value: "(2023)青9902执 354号"}, "AB?1": {kind: "lost_character"},
		"=A1": {kind: "id_bad_character"}, "6.39938E+17": {kind: "id_sci_notation"}, strings.Repeat("1", 101): {kind: "text_too_long"},
	} {
		want.typ, want.in = catalogue.TypeLicence, text(in)
		check(t, want, Column{}, catalogue.Field{}, "")
	}
}

// A number that only the date of birth condemns, and one born tomorrow.
func TestBirthDates(t *testing.T) {
	for first, kind := range map[string]string{"63990119900230001": "id_bad_birth_date", "63990120261121001": "id_bad_birth_date", "63990120261120001": ""} {
		o := testNormaliser().residentID(withCheck(t, first))
		if got := strings.Join(o.kinds, " "); got != kind {
			t.Errorf("%s: %q, want %q", first, got, kind)
		}
	}
}

func TestDates(t *testing.T) {
	for in, want := range map[string]wants{
		"2023-05-01": {value: "2023-05-01"}, "2023/5/1": {value: "2023-05-01"}, "2023年5月1日": {value: "2023-05-01"}, "2023年05月01号": {value: "2023-05-01"}, "20230501": {value: "2023-05-01"},
		"2023.5.1": {value: "2023-05-01"}, "２０２３－０５－０１": {value: "2023-05-01"}, "2023-05-01 00:00:00": {value: "2023-05-01"}, "2023-05-01T13:20": {value: "2023-05-01"},
		"2023-05-01 1:20:30 PM": {value: "2023-05-01"}, "2024-07-10T21:30:00Z": {value: "2024-07-11"}, "2024-07-10T21:30:00+08:00": {value: "2024-07-10"}, "'2023-05-01": {value: "2023-05-01"},
		"2023-05": {value: "2023-05", kind: "date_month_only"}, "2023年5月": {value: "2023-05", kind: "date_month_only"}, "202305": {value: "2023-05", kind: "date_month_only"},
		"2099/12/31": {value: NoEnd}, "2099年12月31日": {value: NoEnd}, "Ongoing": {value: NoEnd}, " ONGOING ": {value: NoEnd},
		"2023-02-29": {kind: "date_impossible"}, "2023年13月1日": {kind: "date_impossible"}, "2023-00-10": {kind: "date_impossible"}, "20230231": {kind: "date_impossible"},
		"2203-04-10": {kind: "date_absurd_year"}, "1023-04-10": {kind: "date_absurd_year"}, "3023年1月1日": {kind: "date_absurd_year"},
		"23-5-1": {kind: "date_two_digit_year"}, "5/1/2023": {kind: "date_two_digit_year"}, "12-01-25": {kind: "date_two_digit_year"}, "45992": {kind: "date_serial_text"},
		"soon": {kind: "date_unreadable"}, "2023-05-01 noon": {kind: "date_unreadable"}, "2023": {kind: "date_unreadable"}, "2023-5-1-1": {kind: "date_unreadable"}, "2023-05-011": {kind: "date_unreadable"},
		"2026-11-20": {value: "2026-11-20"}, "2026-11-21": {kind: "date_future"}, "2026-12": {kind: "date_future"}, "2026-11": {value: "2026-11", kind: "date_month_only"},
	} {
		want.typ, want.in = catalogue.TypeDate, text(in)
		check(t, want, Column{Past: true}, catalogue.Field{}, "")
	}
	check(t, wants{catalogue.TypeDate, text("2032-01-01"), "2032-01-01", ""}, Column{}, catalogue.Field{}, "")
	check(t, wants{catalogue.TypeDate, cell{kind: cellDate, text: "2023-05-01 09:30:00", day: "2023-05-01"}, "2023-05-01", ""}, Column{}, catalogue.Field{}, "")
	check(t, wants{catalogue.TypeDate, cell{kind: cellNumber, text: "45047", day: "2023-05-01"}, "2023-05-01", "date_serial_number"}, Column{}, catalogue.Field{}, "")
	check(t, wants{catalogue.TypeDate, cell{kind: cellNumber, text: "20230501"}, "2023-05-01", ""}, Column{}, catalogue.Field{}, "")
	check(t, wants{catalogue.TypeDate, cell{kind: cellNumber, text: "45047", json: true}, nil, "json_wrong_type"}, Column{}, catalogue.Field{}, "")
	for in, want := range map[string]wants{
		"2024-07-10T21:30:00Z": {value: "2024-07-10T21:30:00Z"}, "2024-07-10 21:30:05": {value: "2024-07-10T21:30:05+08:00"}, "2024年7月10日": {value: "2024-07-10T00:00:00+08:00"},
		"2024-07": {kind: "date_unreadable"}, "2203-01-01T00:00:00Z": {kind: "date_absurd_year"},
	} {
		want.typ, want.in = catalogue.TypeTime, text(in)
		check(t, want, Column{}, catalogue.Field{}, "")
	}
}

func TestWrittenDay(t *testing.T) {
	n := testNormaliser()
	n.dayWritten = true
	if day, _ := n.day("2024-07-10T21:30:00Z"); day != "2024-07-10" {
		t.Errorf("the day as written is %s", day)
	}
}

func TestSerialDays(t *testing.T) {
	for _, tc := range []struct {
		serial float64
		is1904 bool
		want   string
	}{
		{45047, false, "2023-05-01"}, {45047.99, false, "2023-05-01"}, {61, false, "1900-03-01"}, {60, false, ""}, {59, false, "1900-02-28"}, {1, false, "1900-01-01"}, {0, false, ""},
		{0, true, "1904-01-01"}, {43585, true, "2023-05-01"}, {-1, false, ""}, {2958465, false, "9999-12-31"}, {2958466, false, ""}, {2957004, true, ""}, {1e300, false, ""},
	} {
		if got := serialDay(tc.serial, tc.is1904); got != tc.want {
			t.Errorf("serial %v (1904: %v) = %q, want %q", tc.serial, tc.is1904, got, tc.want)
		}
	}
}

func TestMoney(t *testing.T) {
	for in, want := range map[string]wants{
		"15.2": {value: int64(15_200_000)}, "0": {value: int64(0)}, "0.000001": {value: int64(1)}, "5,476.00": {value: int64(5_476_000_000)}, "２．９": {value: int64(2_900_000)}, "¥3": {value: int64(3_000_000)},
		"3.4万元": {value: int64(3_400_000), kind: "amount_unit_same"}, "3.4万": {value: int64(3_400_000), kind: "amount_unit_same"}, "18000元": {kind: "amount_unit_other"}, "2亿": {kind: "amount_unit_other"},
		"三万五千": {kind: "amount_chinese"}, "叁万元整": {kind: "amount_chinese"}, "3万5": {kind: "amount_chinese"}, "-27.5": {kind: "amount_negative"}, "-0": {kind: "amount_negative"}, "NaN": {kind: "amount_nan"}, "Infinity": {kind: "amount_nan"},
		"1e999": {kind: "amount_nan"}, "1e-7": {kind: "amount_precision"}, "0.0000001": {kind: "amount_precision"}, "1,23": {kind: "amount_unreadable"}, "1.2.3": {kind: "amount_unreadable"}, "12a": {kind: "amount_unreadable"}, "1e": {kind: "amount_unreadable"},
		"10000.01": {value: int64(10_000_010_000), kind: "amount_absurd"}, "9007199255": {kind: "amount_out_of_range"}, "1234567890": {value: int64(1_234_567_890_000_000), kind: "amount_absurd"},
		".5": {kind: "amount_unreadable"}, "5.": {kind: "amount_unreadable"},
	} {
		want.typ, want.in = catalogue.TypeMoney, text(in)
		check(t, want, Column{Unit: Wan}, catalogue.Field{}, "")
	}
	for in, want := range map[string]wants{
		"33429753.11": {value: int64(3342975311)}, "1e3": {value: int64(100_000)}, "1.234E+2": {value: int64(12340)}, "0.001": {kind: "amount_precision"}, "100元": {value: int64(10000), kind: "amount_unit_same"}, "1万元": {kind: "amount_unit_other"},
	} {
		want.typ, want.in = catalogue.TypeMoney, text(in)
		check(t, want, Column{Unit: Yuan}, catalogue.Field{}, "")
	}
	// A workbook's binary fraction is the number it shows; JSON's is what it says.
	check(t, wants{catalogue.TypeMoney, cell{kind: cellNumber, text: "0.30000000000000004"}, int64(30), ""}, Column{Unit: Yuan}, catalogue.Field{}, "")
	check(t, wants{catalogue.TypeMoney, cell{kind: cellNumber, text: "0.30000000000000004", json: true}, nil, "amount_precision"}, Column{Unit: Yuan}, catalogue.Field{}, "")
}

func TestOtherTypes(t *testing.T) {
	for _, tc := range []wants{
		{catalogue.TypeCount, text("１2"), int64(12), ""}, {catalogue.TypeCount, cell{kind: cellNumber, text: "3", json: true}, int64(3), ""},
		{catalogue.TypeCount, text("-1"), nil, "count_not_integer"}, {catalogue.TypeCount, text("1.5"), nil, "count_not_integer"}, {catalogue.TypeCount, text("+1"), nil, "count_not_integer"},
		{catalogue.TypePhone, text("+86 199-0000-1234"), "19900001234", ""}, {catalogue.TypePhone, text("0971-6100000"), "09716100000", ""}, {catalogue.TypePhone, text("1990000123"), "1990000123", "phone_invalid"},
		{catalogue.TypePhone, text("call me"), nil, "id_bad_character"}, {catalogue.TypePhone, cell{kind: cellNumber, text: "19900001234"}, nil, "id_excel_number"},
		{catalogue.TypeURL, text(" https://a.example/x "), "https://a.example/x", ""}, {catalogue.TypeURL, text("javascript:alert(1)"), nil, "url_invalid"}, {catalogue.TypeURL, text("https://u:p@a.example"), nil, "url_invalid"},
		{catalogue.TypeBool, text("是"), true, ""}, {catalogue.TypeBool, cell{kind: cellBool, text: "false", json: true}, false, ""}, {catalogue.TypeBool, text("也许"), nil, "bool_unreadable"},
		{catalogue.TypeArea, text("630100"), "630100", ""}, {catalogue.TypeArea, cell{kind: cellNumber, text: "630100"}, "630100", ""}, {catalogue.TypeArea, text("63010"), nil, "area_invalid"},
		{"unknown", text("x"), nil, "cell_wrong_type"},
	} {
		check(t, tc, Column{}, catalogue.Field{}, "")
	}
}

func TestRetentionEnd(t *testing.T) {
	for day, want := range map[string]string{"2021-11-20": "2026-11-20", "2021-11": "2026-11-30", "2020-02-29": "2025-02-28"} {
		if got, ok := retentionEnd(day, 1826); !ok || got != want {
			t.Errorf("%s + 1826 days = %s, want %s", day, got, want)
		}
	}
}

func withCheck(t *testing.T, first17 string) string {
	t.Helper()
	for _, c := range "0123456789X" {
		if o := (&normaliser{today: "9999-12-31"}).residentID(first17 + string(c)); !o.refuse || o.kinds[0] == "id_bad_birth_date" {
			return first17 + string(c)
		}
	}
	t.Fatal("no check character fits")
	return ""
}

// Whatever stands in a cell: no panic, no value beside a refusal, and a value is
// in the stored form of its type; what came out goes in again unchanged.
func FuzzNormalisers(f *testing.F) {
	types := []catalogue.Type{catalogue.TypeText, catalogue.TypeName, catalogue.TypeTexts, catalogue.TypeUSCC, catalogue.TypeResidentID, catalogue.TypeIDNumber,
		catalogue.TypeLicence, catalogue.TypeDate, catalogue.TypeTime, catalogue.TypeMoney, catalogue.TypeCount, catalogue.TypePhone, catalogue.TypeURL, catalogue.TypeBool, catalogue.TypeArea}
	for i, s := range []string{"赵　雨", "11010519491231002x", "2023年5月1日", "3.4万元", "1e999", "5,476.00", "\xff", "\u202e", "2024-07-10T21:30:00Z", "+86 1-2", "http://[", "-", "'", "甲;乙"} {
		f.Add(s, uint8(i), uint8(i%5))
	}
	f.Fuzz(func(t *testing.T, s string, ti, kind uint8) {
		if !utf8.ValidString(s) {
			return // the readers refuse such rows before
		}
		if _, err := strconv.ParseFloat(s, 64); err != nil {
			kind = uint8(cellText) // other cells hold what their reader has checked
		}
		typ := types[int(ti)%len(types)]
		n := testNormaliser()
		tgt := &target{Column: Column{Split: ";", Unit: Wan}, field: catalogue.Field{Type: typ}}
		o := n.cell(tgt, cell{kind: cellKind(kind % 9), text: s}, "")
		if o.refuse && o.value != nil {
			t.Fatalf("a value beside a refusal: %v", o)
		}
		again, ok := o.value.(string)
		if !ok || typ == catalogue.TypeDate && len(again) == len(monthLayout) {
			return
		}
		if !utf8.ValidString(again) || again == "" {
			t.Fatalf("%s %q became %q", typ, s, again)
		}
		if o2 := n.cell(tgt, text(again), ""); o2.value != o.value {
			t.Errorf("%s %q became %q, and that %v %v", typ, s, again, o2.value, o2.kinds)
		}
	})
}

func FuzzDecimal(f *testing.F) {
	for _, s := range []string{"1.5", "0", "1e3", "9007199254740991", "0.000", "1e-400"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, kind := decimal(s, 2)
		if v < 0 || v > maxInteger || kind != "" && v != 0 {
			t.Errorf("%q = %d %q", s, v, kind)
		}
	})
}
