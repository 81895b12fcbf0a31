package agency_test

import (
	"strings"
	"testing"

	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/intake"
)

const (
	staffNumber = "63990119850505001X" // on a division that was never allocated
	staffCode   = "91639901MA6T000127"
	certificate = "02006399008000202500000017"
)

// importText imports a text by a built-in mapping, asking the node's registers.
func importText(t *testing.T, a *agency.Agency, w *world, mapping, text string) []agency.Imported {
	t.Helper()
	m, err := intake.Builtin(mapping)
	if err != nil {
		t.Fatal(err)
	}
	cat := w.machine.View().Catalogue()
	_, rows, err := intake.Read(t.Context(), strings.NewReader(text), int64(len(text)), m, cat.Document(),
		intake.Options{AsOf: w.now, KeyHash: a.KeyHash, Register: a.Register(cat)})
	if err != nil {
		t.Fatal(err)
	}
	var all []agency.Imported
	if err := a.ImportRows(t.Context(), "li", cat, m, rows, false, func(i agency.Imported) error {
		all = append(all, i)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func commitmentBy(number, name, code string) string {
	return `{"编号":"` + number + `","承诺主体":{"类别":"从业人员","名称":"` + name + `","代码":"` + code +
		`"},"承诺类型":"主动公示型","承诺事项":"如实说明","承诺日期":"2026-01-02","履约期限":"2027-01-02","状态":"履行中"}` + "\n"
}

// A file that names a practitioner by certificate is about the person that the
// register knows; in an empty node it stands for itself.
func TestReferencesMeetTheRegister(t *testing.T) {
	w := newWorld(t)
	a := w.agency["association"]
	alone := importText(t, a, w, "commitments", commitmentBy("CN1", "马例川", certificate))
	if alone[0].Row.Verdict != intake.Accept || alone[0].Record == "" {
		t.Fatalf("alone: %+v", alone[0].Row.Issues)
	}
	staff := importText(t, a, w, "practitioners", "姓名,性别,身份证号码,执业证编号,所属机构代码,手机号码,入职日期,离职日期,执业状态,学历,备注\n"+
		"马例川,男,"+staffNumber+","+certificate+","+staffCode+",,2020-01-02,,有效,,\n")
	if staff[0].Record == "" {
		t.Fatalf("the register: %+v", staff[0].Row.Issues)
	}
	rows := importText(t, a, w, "commitments", commitmentBy("CN2", "马例川", certificate)+
		commitmentBy("CN3", "韩例岚", certificate)+commitmentBy("CN4", "马例川", "02006399008000209999999999"))
	for i, want := range []string{"", "name_mismatch", "unknown_subject_ref"} {
		got := ""
		if len(rows[i].Row.Issues) > 0 {
			got = rows[i].Row.Issues[0].Kind
		}
		if got != want || (rows[i].Record == "") != (want == "unknown_subject_ref") {
			t.Errorf("row %d: %q, want %q", i+1, got, want)
		}
	}
	subject := func(id exchange.RecordID) exchange.SubjectID {
		rec, err := a.Records.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return rec.Subject
	}
	if subject(rows[0].Record) != subject(staff[0].Record) || subject(alone[0].Record) == subject(staff[0].Record) {
		t.Error("a certificate does not lead to its person")
	}
	if _, err := a.Retract(t.Context(), staff[0].Record, "test"); err != nil {
		t.Fatal(err)
	}
	if again := importText(t, a, w, "commitments", commitmentBy("CN5", "马例川", certificate)); again[0].Record == "" {
		t.Error("a register whose records were all taken back still refuses")
	}
}
