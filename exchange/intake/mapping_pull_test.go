package intake

import (
	"strings"
	"testing"
)

func TestSQLNames(t *testing.T) {
	for name, want := range map[string][2]bool{ // a column's, a table's
		"penalties":             {true, true},
		"_2024":                 {true, true},
		"处罚_2024$":              {true, true},
		"public.penalties":      {false, true},
		strings.Repeat("处", 63): {true, true},
		strings.Repeat("a", 64): {false, false},
		"":                      {false, false},
		".a":                    {false, false},
		"a.":                    {false, false},
		"a.b.c":                 {false, false},
		"2024":                  {false, false},
		"$a":                    {false, false},
		"a b":                   {false, false},
		`a"; drop table b`:      {false, false},
		"a\n":                   {false, false},
		"a\xff":                 {false, false},
	} {
		if got := [2]bool{isSQLColumn(name), isSQLTable(name)}; got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}
