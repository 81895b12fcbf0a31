package identifiers

import (
	"errors"
	"testing"
)

func TestUSCC(t *testing.T) {
	for _, tc := range []struct {
		code string
		want error
	}{
		// Published codes of well-known organisations, and GB 32100's worked example.
		{"914403001922038216", nil},
		{"9144030071526726XG", nil},
		{"91440300100012316L", nil},
		{"91330100799655058B", nil},
		{"91100000710931483R", nil},
		{"9152000071430580XT", nil},
		{"91350100M000100Y43", nil},
		{"91350100M000100Y4Z", ErrAlphabet}, // the standard's worked negative; Z is not in the alphabet at all
		{"91350100M000100Y44", ErrCheck},
		{"914403001922038261", ErrCheck}, // two neighbours swapped
		{"91440300192203821O", ErrAlphabet},
		{"9144030019220382I6", ErrAlphabet},
		{"91440300192203821", ErrLength},
		{"9144030019220382160", ErrLength},
		{"", ErrLength},
		{"91440300192203821６", ErrLength},
		{"91350100m000100y43", ErrAlphabet}, // lower case is the caller's to normalise
	} {
		if err := CheckUSCC(tc.code); !errors.Is(err, tc.want) {
			t.Errorf("CheckUSCC(%q) = %v, want %v", tc.code, err, tc.want)
		}
	}
}

func TestInnerCode(t *testing.T) {
	// Every published vector carries a sound organisation code of its own.
	for _, code := range []string{"914403001922038216", "9144030071526726XG", "91440300100012316L",
		"91330100799655058B", "91100000710931483R", "9152000071430580XT"} {
		if err := CheckOrgCode(InnerCode(code)); err != nil {
			t.Errorf("inner code of %s: %v", code, err)
		}
	}
	if got := InnerCode("9144030019220382"); got != "" {
		t.Errorf("inner code of a short text = %q", got)
	}
}

func TestOrgCode(t *testing.T) {
	for code, want := range map[string]error{
		"D2143569X": nil, // GB 11714-1997's worked example
		"192203821": nil,
		"71526726X": nil,
		"192203822": ErrCheck, "19220382": ErrLength, "19220-821": ErrAlphabet, "d2143569X": ErrAlphabet,
	} {
		if err := CheckOrgCode(code); !errors.Is(err, want) {
			t.Errorf("CheckOrgCode(%q) = %v, want %v", code, err, want)
		}
	}
}

func TestResidentID(t *testing.T) {
	for id, want := range map[string]error{
		"11010519491231002X": nil, // GB 11643-1999's worked examples
		"440524188001010014": nil,
		"110105194912310021": ErrCheck,
		"11010519491231002x": ErrAlphabet, // the caller normalises
		"1101051949123100":   ErrLength,
		"1101051949123100A1": ErrAlphabet,
		"":                   ErrLength,
	} {
		if err := CheckResidentID(id); !errors.Is(err, want) {
			t.Errorf("CheckResidentID(%q) = %v, want %v", id, err, want)
		}
	}
}

func TestBirthDate(t *testing.T) {
	for first17, want := range map[string]error{
		"63990119900230001": ErrBirthDate, "63990119901301001": ErrBirthDate, "63990119900001001": ErrBirthDate,
		"63990119000229001": ErrBirthDate, // 1900 was no leap year
		"63990120000229001": nil,
		"63990100010101001": ErrBirthDate,
	} {
		check, err := ResidentCheck(first17)
		if err != nil {
			t.Fatal(err)
		}
		id := first17 + string(check)
		if err := CheckResidentID(id); !errors.Is(err, want) {
			t.Errorf("CheckResidentID(%s) = %v, want %v", id, err, want)
		}
	}
	day, err := BirthDate("11010519491231002X")
	if err != nil || day.Format("2006-01-02") != "1949-12-31" {
		t.Errorf("birth date %v %v", day, err)
	}
}

func TestMale(t *testing.T) {
	for id, want := range map[string][2]bool{
		"11010519491231002X": {false, true}, "440524188001010014": {true, true}, "4405241880010100": {false, false},
		"1101051949123100XX": {false, false},
	} {
		if male, ok := Male(id); male != want[0] || ok != want[1] {
			t.Errorf("Male(%q) = %v, %v", id, male, ok)
		}
	}
}

// A single wrong character is always noticed, by either standard: that is what
// a check character over a prime modulus promises.
func TestEverySingleErrorIsNoticed(t *testing.T) {
	mutate := func(code, alphabet string, check func(string) error) {
		for i := range code {
			for j := range alphabet {
				if alphabet[j] == code[i] {
					continue
				}
				bad := code[:i] + alphabet[j:j+1] + code[i+1:]
				if check(bad) == nil {
					t.Errorf("%s passes for %s", bad, code)
				}
			}
		}
	}
	mutate("91350100M000100Y43", usccAlphabet, CheckUSCC)
	mutate("11010519491231002X", "0123456789", CheckResidentID)
}

func FuzzIdentifiers(f *testing.F) {
	for _, s := range []string{"91350100M000100Y43", "11010519491231002X", "D2143569X", "", "\xff\x00", "１２３"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if CheckUSCC(s) == nil {
			if c, err := USCCCheck(s[:17]); err != nil || c != s[17] {
				t.Errorf("%q passes but its check character is %q", s, c)
			}
		}
		if CheckResidentID(s) == nil {
			if _, err := BirthDate(s); err != nil {
				t.Errorf("%q passes without a birth date", s)
			}
			if _, ok := Male(s); !ok {
				t.Errorf("%q passes without a sex", s)
			}
		}
		_ = CheckOrgCode(s)
	})
}
