package records_test

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/records"
)

var (
	cat = func() *catalogue.Catalogue { _, doc := catalogue.Default(); return catalogue.New(doc) }()
	now = time.Date(2026, 11, 20, 1, 0, 0, 0, time.UTC) // 09:00 in Beijing
)

// Fictional numbers of the agencies' test files: division codes 6399xx were
// never allocated.
const (
	orgCode    = "91639902MA7PEYXU78"
	residentID = "639990197207111316"
)

// penalty is a sound record on an organisation.
func penalty() records.Values {
	return records.Values{
		"party_name": "雪雁岭东人寿保险股份有限公司", "party_kind": "organisation", "party_uscc": orgCode,
		"legal_rep": "郭宏娜", "legal_rep_id_kind": "居民身份证", "legal_rep_id": "639987196212303723",
		"decision_number": "青例保监罚决字〔2025〕1号", "violation_type": "挪用保险费", "facts": "收取保险费后未及时入账。",
		"basis": "《中华人民共和国保险法》第一百一十六条", "penalty_kinds": []string{"warning", "fine"}, "content": "警告，并处罚款15.2万元",
		"fine": int64(15_200_000), "decided_on": "2025-06-30", "valid_until": "2099-12-31", "disclosure_until": "2028-06-30",
		"authority": "青海示例保险监督管理局", "authority_uscc": "11639901MA6EU23T67", "source_unit": "青海示例保险监督管理局",
		"source_uscc": "11639901MA6EU23T67", "severity": "serious", "reported_at": "2025-07-09",
	}
}

// discipline is a sound record on a person.
func discipline() records.Values {
	return records.Values{
		"name": "索南·加央", "resident_id": residentID, "licence_number": "02006399008000202100000004",
		"employer": "青海锦鸡儿保险代理有限责任公司", "degree": "criticism", "document_number": "青例保协〔2025〕3号",
		"facts": "以不实表述误导投保人。", "basis": "自律公约第十条", "decided_on": "2025-06-30", "disclosure_until": "2026-06-30",
	}
}

func TestValidateAcceptsSoundRecords(t *testing.T) {
	if flags, err := records.Validate(cat, "admin-penalty", "enterprise", penalty(), now); err != nil || flags != nil {
		t.Errorf("penalty: %v, %v", flags, err)
	}
	if flags, err := records.Validate(cat, "discipline-practitioner", "practitioner", discipline(), now); err != nil || flags != nil {
		t.Errorf("discipline: %v, %v", flags, err)
	}
}

func TestValidateRefuses(t *testing.T) {
	for _, test := range []struct {
		field string
		value any // nil: absent
		want  *exchange.Definition
	}{
		{"party_name", nil, records.ErrMissing},
		{"party_name", "", records.ErrMissing},
		{"party_name", int64(5), records.ErrForm},
		{"party_name", strings.Repeat("余", 201), records.ErrLength},
		{"party_name", " 雪雁", records.ErrCharacters},
		{"party_name", "雪雁\u3000", records.ErrCharacters},
		{"party_name", "雪\u202e雁", records.ErrCharacters},
		{"party_name", "雪\u200b雁", records.ErrCharacters},
		{"party_name", "<b>雪雁</b>", records.ErrCharacters},
		{"party_name", "=cmd()", records.ErrCharacters},
		{"party_name", "雪\ufffd雁", records.ErrCharacters},
		{"party_name", "雪\xff雁", records.ErrCharacters},
		{"party_uscc", nil, records.ErrMissing}, // required for enterprises
		{"party_uscc", "91639902MA7PEYXU79", records.ErrCheckDigit},
		{"party_uscc", "91639902ma7peyxu78", records.ErrCheckDigit},
		{"legal_rep_id", "639987196212303724", records.ErrCheckDigit},
		{"party_kind", "企业", records.ErrValue},
		{"penalty_kinds", []string{}, records.ErrMissing},
		{"penalty_kinds", []string{"warning", "warning"}, records.ErrValue},
		{"penalty_kinds", []string{"罚金"}, records.ErrValue},
		{"penalty_kinds", "warning", records.ErrForm},
		{"facts", "a\x00b", records.ErrCharacters},
		{"facts", strings.Repeat("字", 10_001), records.ErrLength},
		{"fine", int64(-1), records.ErrForm},
		{"fine", "15.2", records.ErrForm},
		{"fine", 15.2, records.ErrForm},
		{"decided_on", "2025-02-30", records.ErrDate},
		{"decided_on", "2025/6/30", records.ErrDate},
		{"decided_on", "1023-06-30", records.ErrDate},
		{"decided_on", "2203-06-30", records.ErrDate},
		{"decided_on", "2026-11-21", records.ErrFuture},
		{"disclosure_until", "2025-06-29", records.ErrOrder},
		{"no_such_field", "x", records.ErrUnknownField},
		{"fine ", "x", records.ErrUnknownField},
	} {
		values := penalty()
		if test.value == nil {
			delete(values, test.field)
		} else {
			values[test.field] = test.value
		}
		flags, err := records.Validate(cat, "admin-penalty", "enterprise", values, now)
		if !errors.Is(err, test.want) || flags != nil {
			t.Errorf("%s = %.20v: %v, %v; want %s", test.field, test.value, flags, err, test.want.Code)
			continue
		}
		if s, ok := test.value.(string); ok && len(s) > 2 && strings.Contains(err.Error(), s) {
			t.Errorf("%s: the error tells the value", test.field)
		}
		if e := exchange.AsError(err); e.Field != "/"+test.field && e.Field != "/?" {
			t.Errorf("%s: the error is about %q", test.field, e.Field)
		}
	}
}

func TestValidateToday(t *testing.T) {
	values := penalty()
	values["decided_on"] = "2026-11-20"
	late := time.Date(2026, 11, 19, 15, 59, 59, 0, time.UTC) // one second before the day begins in Beijing
	if _, err := records.Validate(cat, "admin-penalty", "enterprise", values, late); !errors.Is(err, records.ErrFuture) {
		t.Errorf("before midnight in Beijing: %v", err)
	}
	if _, err := records.Validate(cat, "admin-penalty", "enterprise", values, late.Add(time.Second)); err != nil {
		t.Errorf("at midnight in Beijing: %v", err)
	}
}

func TestValidateFlags(t *testing.T) {
	values := penalty()
	values["fine"] = int64(10_000_000_000)
	values["facts"] = "line\nwith \"quotes\", tabs\t and 𠮷"
	if flags, err := records.Validate(cat, "admin-penalty", "enterprise", values, now); err != nil || flags != nil {
		t.Errorf("at the limit: %v, %v", flags, err)
	}
	values["fine"] = int64(10_000_000_001)
	values["facts"] = "<script>alert(1)</script>"
	values["remark"] = "+1"
	values["party_name"] = "保险\ue000公司"
	values["decided_on"], values["valid_until"], values["disclosure_until"] = "2015-12", "2016-01", "2015-12-31"
	flags, err := records.Validate(cat, "admin-penalty", "enterprise", values, now)
	want := []string{records.FlagAmount, records.FlagMonth, records.FlagFormula, records.FlagMarkup, records.FlagRetention, records.FlagPrivateUse}
	if err != nil || !reflect.DeepEqual(flags, want) {
		t.Errorf("flags %v, %v; want %v", flags, err, want)
	}
}

func TestValidateRetentionOfPersons(t *testing.T) {
	for date, want := range map[string]error{"2021-11-20": nil, "2021-11-19": records.ErrRetention, "2021-11": nil, "2021-10": records.ErrRetention} {
		values := discipline()
		values["decided_on"] = date
		_, err := records.Validate(cat, "discipline-practitioner", "practitioner", values, now)
		if (want == nil) != (err == nil) || want != nil && !errors.Is(err, want) {
			t.Errorf("decided on %s: %v, want %v", date, err, want)
		}
	}
}

func TestValidateWrongPlace(t *testing.T) {
	if _, err := records.Validate(cat, "nonsense", "enterprise", penalty(), now); !errors.Is(err, records.ErrCategory) {
		t.Errorf("category: %v", err)
	}
	for _, kind := range []string{"group", "nonsense", ""} {
		if _, err := records.Validate(cat, "admin-penalty", kind, penalty(), now); !errors.Is(err, records.ErrSubjectKind) {
			t.Errorf("subject kind %q: %v", kind, err)
		}
	}
}

func TestValidateTellsAllProblems(t *testing.T) {
	_, err := records.Validate(cat, "admin-penalty", "enterprise", records.Values{"fine": "x"}, now)
	var all records.Problems
	if !errors.As(err, &all) || len(all) < 15 {
		t.Fatalf("%d problems", len(all))
	}
	if all[0].Field != "/party_name" {
		t.Errorf("the first is about %s", all[0].Field)
	}
}

func TestValidateOtherForms(t *testing.T) {
	for _, test := range []struct {
		category, kind, field string
		value                 any
		want                  error
	}{
		{"complaint", "enterprise", "received_at", "2025-05-04T09:26:00+08:00", nil},
		{"complaint", "enterprise", "received_at", "2025-05-04 09:26", records.ErrDate},
		{"complaint", "enterprise", "received_at", "2027-05-04T09:26:00+08:00", records.ErrFuture},
		{"complaint", "enterprise", "closed_at", "2025-05-04T01:25:00Z", records.ErrOrder},
		{"complaint", "enterprise", "closed_at", "2025-05-04T01:27:00Z", nil},
		{"complaint", "enterprise", "complainant_phone", "19900006498", nil},
		{"complaint", "enterprise", "complainant_phone", "199-0000", records.ErrForm},
		{"media-report", "enterprise", "link", "https://news.example/1", nil},
		{"media-report", "enterprise", "link", "javascript:alert(1)", records.ErrForm},
		{"media-report", "enterprise", "link", "https://u:p@news.example/", records.ErrForm},
		{"commitment", "enterprise", "open", true, nil},
		{"commitment", "enterprise", "open", "true", records.ErrForm},
		{"enterprise-basic", "enterprise", "area", "630100", nil},
		{"enterprise-basic", "enterprise", "area", "6301", records.ErrForm},
		{"court-defaulter", "enterprise", "conduct", []string{"有能力而拒不履行"}, nil},
		{"court-defaulter", "enterprise", "conduct", []string{""}, records.ErrMissing},
		{"consumer-insurance", "consumer", "id_number", "E12345678", nil}, // without a kind only its shape is checked
		{"consumer-insurance", "consumer", "id_number", "护照1234", records.ErrForm},
	} {
		values := records.Values{test.field: test.value}
		if test.field == "closed_at" {
			values["received_at"] = "2025-05-04T09:26:00+08:00"
		}
		_, err := records.Validate(cat, test.category, test.kind, values, now)
		if test.want == records.ErrOrder {
			err = orderOf(test.category, test.kind, values)
		}
		got := problemOf(err, "/"+test.field)
		if test.want == nil && got != nil || test.want != nil && !errors.Is(got, test.want) {
			t.Errorf("%s.%s = %v: %v, want %v", test.category, test.field, test.value, got, test.want)
		}
	}
}

// problemOf is the problem about one field, nil when there is none.
func problemOf(err error, field string) error {
	var all records.Problems
	if errors.As(err, &all) {
		for _, e := range all {
			if e.Field == field {
				return e
			}
		}
	}
	return nil
}

// orderOf fills in a whole complaint, as order is judged only when all else is
// sound.
func orderOf(category, kind string, values records.Values) error {
	for k, v := range (records.Values{
		"complaint_number": "TS1", "channel": "hotline", "complainant": "钟斌莲", "respondent": "石经墙", "respondent_uscc": orgCode,
		"complaint_kind": "理赔纠纷", "content": "x", "due_on": "2025-06-01", "result": "founded",
	}) {
		values[k] = v
	}
	_, err := records.Validate(cat, category, kind, values, now)
	return err
}

func TestIDNumberFollowsItsKind(t *testing.T) {
	for _, test := range []struct {
		kind, number string
		want         error
	}{
		{"居民身份证", residentID, nil}, {"居民身份证", "E12345678", records.ErrCheckDigit},
		{"护照", "E12345678", nil}, {"统一社会信用代码", orgCode, nil}, {"统一社会信用代码", residentID, records.ErrCheckDigit},
	} {
		_, err := records.Validate(cat, "court-defaulter", "consumer", records.Values{"id_kind": test.kind, "id_number": test.number}, now)
		got := problemOf(err, "/id_number")
		if test.want == nil && got != nil || test.want != nil && !errors.Is(got, test.want) {
			t.Errorf("%s: %v, want %v", test.kind, got, test.want)
		}
	}
}

func TestSplit(t *testing.T) {
	fields := func(list []records.FieldValue) string {
		var ids []string
		for _, f := range list {
			ids = append(ids, f.Field)
		}
		return strings.Join(ids, " ")
	}
	values := records.Values{"remark": "r", "party_name": "n", "legal_rep": "l", "id_number": "i", "fine": int64(1), "decision_number": "d"}
	clear, sealed, err := records.Split(cat, "admin-penalty", "enterprise", values)
	if err != nil || fields(clear) != "party_name decision_number fine" || fields(sealed) != "legal_rep id_number remark" {
		t.Errorf("organisation: clear %s, sealed %s, %v", fields(clear), fields(sealed), err)
	}
	clear, sealed, err = records.Split(cat, "admin-penalty", "practitioner", values)
	if err != nil || fields(clear) != "decision_number fine" || fields(sealed) != "party_name legal_rep id_number remark" {
		t.Errorf("person: clear %s, sealed %s, %v", fields(clear), fields(sealed), err)
	}
	if sealed[0].Class != catalogue.Shared || sealed[2].Class != catalogue.Restricted {
		t.Errorf("classes %v", sealed)
	}
	values["unknown"] = "x"
	if clear, sealed, err := records.Split(cat, "admin-penalty", "enterprise", values); !errors.Is(err, records.ErrUnknownField) || clear != nil || sealed != nil {
		t.Errorf("an unknown field: %v", err)
	}
	if _, _, err := records.Split(cat, "admin-penalty", "group", values); !errors.Is(err, records.ErrSubjectKind) {
		t.Errorf("a foreign subject: %v", err)
	}
}

func TestDecodeValues(t *testing.T) {
	values, err := records.DecodeValues([]byte(`{"a":"x","b":5,"c":true,"d":["x","y"],"e":1e3}`))
	want := records.Values{"a": "x", "b": int64(5), "c": true, "d": []string{"x", "y"}, "e": int64(1000)}
	if err != nil || !reflect.DeepEqual(map[string]any(values), map[string]any(want)) {
		t.Errorf("%#v, %v", map[string]any(values), err)
	}
	for _, bad := range []string{`{"a":1.5}`, `{"a":null}`, `{"a":{}}`, `{"a":[1]}`, `{"a":1,"a":2}`, `{"a":9007199254740993}`, `[]`, `{} {}`, `{"a":"secret"`} {
		values, err := records.DecodeValues([]byte(bad))
		if !errors.Is(err, records.ErrForm) || values != nil {
			t.Errorf("%s: %v, %v", bad, values, err)
		}
		if strings.Contains(fmt.Sprint(err), "secret") {
			t.Error("the error tells a value")
		}
	}
}

func TestPrintingHidesValues(t *testing.T) {
	values := discipline()
	clear, sealed, err := records.Split(cat, "discipline-practitioner", "practitioner", values)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "values", values, "field", sealed[0])
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "values", values, "field", sealed[0])
	printed := log.String() + fmt.Sprintf("%v %+v %#v %s %v %+v %#v", values, values, values, values, sealed, clear, sealed)
	for _, secret := range []string{residentID, "索南", "误导"} {
		if strings.Contains(printed, secret) {
			t.Errorf("printing shows %s", secret)
		}
	}
}

func FuzzValues(f *testing.F) {
	f.Add([]byte(`{"party_name":"x","fine":5,"penalty_kinds":["fine"],"decided_on":"2025-01"}`))
	f.Add([]byte(`{"link":"http://a","open":true,"received_at":"2025-05-04T09:26:00+08:00"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		values, err := records.DecodeValues(data)
		if err != nil {
			if values != nil {
				t.Fatal("values beside an error")
			}
			return
		}
		for _, category := range cat.Document().Categories {
			for _, kind := range category.Subjects {
				flags, err := records.Validate(cat, category.ID, kind, values, now)
				if err != nil && flags != nil {
					t.Fatal("flags beside an error")
				}
				if _, _, splitErr := records.Split(cat, category.ID, kind, values); err == nil && splitErr != nil {
					t.Fatalf("valid values cannot be split: %v", splitErr)
				}
			}
		}
	})
}
