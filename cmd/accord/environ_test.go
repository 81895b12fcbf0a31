package main

import (
	"slices"
	"strings"
	"testing"
)

func TestVariablesFillInFlags(t *testing.T) {
	for _, test := range []struct {
		argv string
		vars map[string]string
		want string
	}{
		{"probe import F", map[string]string{"ACCORD_PROBE_IMPORT_DRY_RUN": "true"}, "checked"},
		{"probe in F", map[string]string{"ACCORD_PROBE_IMPORT_DRY_RUN": "1"}, "checked"},
		{"probe import F --dry-run=false", map[string]string{"ACCORD_PROBE_IMPORT_DRY_RUN": "1"}, "IMPORTED"},
		{"probe import F -n", map[string]string{"ACCORD_PROBE_IMPORT_DRY_RUN": "0"}, "checked"},
		{"probe import F", map[string]string{"ACCORD_PROBE_IMPORT_LIMIT": "5"}, "limit=5"},
		{"probe import F --limit 6", map[string]string{"ACCORD_PROBE_IMPORT_LIMIT": "5"}, "limit=6"},
		{"probe import F", map[string]string{"ACCORD_PROBE_IMPORT_LIMIT": ""}, "limit=0"},
		{"probe import F", map[string]string{"ACCORD_PROBE_IMPORT_MAPPING": "--dry-run"}, `IMPORTED args=["F"] limit=0 mapping="--dry-run"`},
		{"probe import F", map[string]string{"ACCORD_OPERATOR": "li.si"}, "operator=li.si"},
		{"probe import F", map[string]string{"ACCORD_OUTPUT": "csv"}, "output=csv"},
	} {
		p := newProbe(strings.Fields(test.argv)...)
		for k, v := range test.vars {
			p.vars[k] = v
		}
		if code := p.run(); code != 0 || !strings.Contains(p.out.String(), test.want) || p.err.Len() > 0 {
			t.Errorf("%s %v: exit %d %s%s", test.argv, test.vars, code, p.out.String(), p.err.String())
		}
	}
}

func TestABadVariableIsNamed(t *testing.T) {
	for name, value := range map[string]string{"ACCORD_PROBE_IMPORT_LIMIT": "many", "ACCORD_OUTPUT": "yaml", "ACCORD_OPERATOR": "a b", "ACCORD_QUIET": "perhaps"} {
		p := newProbe("probe", "import", "F")
		p.vars[name] = value
		if code := p.run(); code != 1 || !strings.Contains(p.err.String(), name+" cannot be "+value) {
			t.Errorf("%s: exit %d %s", name, code, p.err.String())
		}
	}
}

func TestNobodyConfirmsByVariable(t *testing.T) {
	p := newProbe("probe", "confirm")
	p.vars["ACCORD_PROBE_CONFIRM_YES"] = "1"
	if code := p.run(); code != 2 {
		t.Errorf("exit %d", code)
	}
	if !strings.Contains(p.err.String(), "do nothing: ACCORD_PROBE_CONFIRM_YES") {
		t.Errorf("the variable is not said to be unknown: %s", p.err.String())
	}
}

func TestUnknownVariablesAreNamedOnceWithoutTheirValues(t *testing.T) {
	p := newProbe("version")
	p.vars["ACCORD_OUTPT"], p.vars["ACCORD_ZZZZZZ"], p.vars["ACCORDION"] = "secret1", "secret2", "x"
	if p.run() != 0 {
		t.Fatal(p.err.String())
	}
	want := "warning: these environment variables do nothing: ACCORD_OUTPT (ACCORD_OUTPUT?), ACCORD_ZZZZZZ (see accord help env)\n"
	if p.err.String() != want {
		t.Errorf("got %q", p.err.String())
	}
}

func TestAVariableSetsTheFormatOfUsageErrors(t *testing.T) {
	p := newProbe("nosuch")
	p.vars["ACCORD_OUTPUT"] = "json"
	if p.run() != 1 || !strings.HasPrefix(p.err.String(), "{") {
		t.Error(p.err.String())
	}
}

func TestVariableNamesAreUnique(t *testing.T) {
	all := variables(probeTree())
	if !slices.Contains(all, "ACCORD_LANG") || !slices.Contains(all, "ACCORD_PROBE_IMPORT_DRY_RUN") {
		t.Fatalf("%q", all)
	}
	for _, v := range all {
		if strings.Contains(v, "HELP") || strings.HasSuffix(v, "_YES") {
			t.Errorf("%s must not exist", v)
		}
	}
}
