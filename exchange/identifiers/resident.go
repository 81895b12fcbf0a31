package identifiers

import "time"

// residentChecks are the check characters for remainders 0 to 10
// (GB 11643-1999 clause 4.2, ISO 7064 MOD 11-2).
const residentChecks = "10X98765432"

// CheckResidentID says whether s is a sound citizen's identity number
// (公民身份号码): 17 digits and the check character, and a date of birth that
// exists. The check character is judged first, so ErrBirthDate means that the
// number is consistent and the day impossible.
func CheckResidentID(s string) error {
	if len(s) != 18 {
		return ErrLength
	}
	want, err := ResidentCheck(s[:17])
	if err != nil {
		return err
	}
	if c := s[17]; c != 'X' && (c < '0' || c > '9') {
		return ErrAlphabet
	}
	if s[17] != want {
		return ErrCheck
	}
	_, err = BirthDate(s)
	return err
}

// ResidentCheck computes the eighteenth character for the first seventeen
// digits.
func ResidentCheck(first17 string) (byte, error) {
	if len(first17) != 17 {
		return 0, ErrLength
	}
	sum, weight := 0, 2
	for i := 16; i >= 0; i-- { // weights are 2^(18-i) mod 11, counted from the left
		c := first17[i]
		if c < '0' || c > '9' {
			return 0, ErrAlphabet
		}
		sum += int(c-'0') * weight
		weight = weight * 2 % 11
	}
	return residentChecks[sum%11], nil
}

// BirthDate is the date of birth in an identity number (characters 7 to 14), at
// midnight UTC. It does not look at the check character.
func BirthDate(s string) (time.Time, error) {
	if len(s) != 18 {
		return time.Time{}, ErrLength
	}
	var parts [3]int
	for i, span := range [3][2]int{{6, 10}, {10, 12}, {12, 14}} {
		for _, c := range []byte(s[span[0]:span[1]]) {
			if c < '0' || c > '9' {
				return time.Time{}, ErrAlphabet
			}
			parts[i] = parts[i]*10 + int(c-'0')
		}
	}
	t := time.Date(parts[0], time.Month(parts[1]), parts[2], 0, 0, 0, 0, time.UTC)
	if t.Year() != parts[0] || int(t.Month()) != parts[1] || t.Day() != parts[2] || parts[0] < 1800 {
		return time.Time{}, ErrBirthDate
	}
	return t, nil
}

// Male says what sex an identity number states: the parity of its seventeenth
// character, odd for men (GB 11643-1999 clause 4.1.3). ok is false when s has
// no such digit.
func Male(s string) (male, ok bool) {
	if len(s) != 18 || s[16] < '0' || s[16] > '9' {
		return false, false
	}
	return (s[16]-'0')%2 == 1, true
}
