package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"accord/exchange"
)

// kinds are all of them; the loop ends where the vocabulary does.
func kinds() []exchange.Kind {
	all := []exchange.Kind{exchange.KindInternal}
	for k := exchange.Kind(1); k.String() != exchange.KindInternal.String(); k++ {
		all = append(all, k)
	}
	return all
}

func TestEveryKindHasOneExitCodeAndAText(t *testing.T) {
	if len(kinds()) < 12 {
		t.Fatalf("only %d kinds", len(kinds()))
	}
	for _, k := range kinds() {
		found := 0
		for _, row := range exitTable {
			for _, have := range row.kinds {
				if have == k {
					found++
				}
			}
		}
		if found != 1 {
			t.Errorf("%s stands in %d rows of the exit table", k, found)
		}
		if kindTexts[k].Zh == "" || kindTexts[k].En == "" {
			t.Errorf("%s lacks a text", k)
		}
	}
	if exitOf(200) != 70 {
		t.Error("an unknown kind is not internal")
	}
}

func TestExitCodesStay(t *testing.T) {
	for kind, want := range map[string]int{"internal": 70, "invalid": 1, "refused": 2, "forbidden": 2, "unauthenticated": 2,
		"not-found": 3, "partial": 4, "no-quorum": 5, "unverified": 6, "unavailable": 75, "unknown-outcome": 75, "conflict": 7} {
		p := newProbe("probe", "fail", kind)
		if got := p.run(); got != want {
			t.Errorf("%s exits %d, want %d\n%s", kind, got, want, p.err.String())
		}
	}
}

func TestAnErrorIsFourLinesAndNothingOnStdout(t *testing.T) {
	p := newProbe("probe", "fail", "refused")
	p.run()
	want := "accord: x\\u001b[31my is not allowed\n" +
		"  why: well-formed, but a rule says no; about /entry\n" +
		"  next: take another\n" +
		"  code: PROBE-001, see accord explain PROBE-001\n"
	if p.err.String() != want || p.out.Len() > 0 {
		t.Errorf("got\n%swant\n%s", p.err.String(), want)
	}
	p = newProbe("--lang", "zh", "probe", "fail", "refused")
	p.run()
	want = "accord: x\\u001b[31my 不允许\n  原因: 请求格式正确，但规则不允许；所指：/entry\n  下一步: 换一个\n  代码: PROBE-001，详见 accord explain PROBE-001\n"
	if p.err.String() != want {
		t.Errorf("got\n%swant\n%s", p.err.String(), want)
	}
}

func TestErrorsForMachinesAreOneEnglishObject(t *testing.T) {
	for _, lang := range []string{"zh", "en"} {
		p := newProbe("probe", "fail", "refused", "-o", "json", "--lang", lang)
		p.vars["ACCORD_OUTPT"] = "x"
		if p.run() != 2 || p.out.Len() > 0 {
			t.Errorf("stdout %q", p.out.String())
		}
		var got struct {
			SchemaVersion                 int
			Code, Kind, What, Next, Field string
			Args                          []exchange.Arg
			Warnings                      []errorJSON
		}
		if err := json.Unmarshal(p.err.Bytes(), &got); err != nil {
			t.Fatalf("%v: %s", err, p.err.String())
		}
		if got.SchemaVersion != 1 || got.Code != "PROBE-001" || got.Kind != "refused" || got.What != "x\x1b[31my is not allowed" ||
			got.Next != "take another" || got.Field != "/entry" || len(got.Args) != 1 || len(got.Warnings) != 1 {
			t.Errorf("%+v", got)
		}
	}
}

func TestUsageErrorsObeyTheFormatToo(t *testing.T) {
	for _, argv := range []string{"nosuch -o json", "-o=json nosuch", "--output json --nosuch", "version x --output=json", "version --lang fr -o json", "probe -o json"} {
		p := newProbe(strings.Fields(argv)...)
		var got errorJSON
		code := p.run()
		if err := json.Unmarshal(p.err.Bytes(), &got); err != nil || code != 1 || got.Kind != "invalid" || p.out.Len() > 0 {
			t.Errorf("%s: exit %d %v\n%s%s", argv, code, err, p.err.String(), p.out.String())
		}
	}
}

func TestCausesStayInsideUnlessAskedFor(t *testing.T) {
	for _, argv := range []string{"probe fail none", "probe fail none -o json"} {
		p := newProbe(strings.Fields(argv)...)
		if p.run() != 70 || strings.Contains(p.err.String(), "hunter2") {
			t.Errorf("%s: %s", argv, p.err.String())
		}
		p = newProbe(strings.Fields(argv + " --debug")...)
		if p.run() != 70 || !strings.Contains(p.err.String(), "hunter2") {
			t.Errorf("%s --debug: %s", argv, p.err.String())
		}
	}
}

func TestAPanicIsAnInternalErrorAndNotARefusal(t *testing.T) {
	p := newProbe("probe", "panic")
	if code := p.run(); code != 70 || !strings.Contains(p.err.String(), "NODE-001") || strings.Contains(p.err.String(), "goroutine") {
		t.Errorf("exit %d %s", code, p.err.String())
	}
}

func TestAsError(t *testing.T) {
	for _, test := range []struct {
		in   error
		want *exchange.Definition
	}{
		{fmt.Errorf("x: %w", context.Canceled), errInterrupted},
		{fmt.Errorf("x: %w", context.DeadlineExceeded), errNoAnswer},
		{&fs.PathError{Op: "open", Path: "p", Err: os.ErrNotExist}, errNoFile},
		{&fs.PathError{Op: "open", Path: "p", Err: os.ErrPermission}, errFileDenied},
		{&fs.PathError{Op: "read", Path: "p", Err: syscall.EISDIR}, errFileKind},
		{&fs.PathError{Op: "mkdir", Path: "p", Err: syscall.ENOTDIR}, errFileKind},
		{&fs.PathError{Op: "read", Path: "p", Err: errors.New("bad disk")}, exchange.ErrInternal},
		{fmt.Errorf("x: %w", errProbe), errProbe},
		{errProbe.Wrap(context.Canceled), errProbe},
		{errors.New("x"), exchange.ErrInternal},
	} {
		if got := asError(test.in); !errors.Is(got, test.want) {
			t.Errorf("%v became %s, want %s", test.in, got.Code, test.want.Code)
		}
	}
}
