package identifiers

import "errors"

// Why a code is not sound.
var (
	ErrLength    = errors.New("identifiers: wrong length")
	ErrAlphabet  = errors.New("identifiers: a character the standard does not allow")
	ErrCheck     = errors.New("identifiers: the check character does not fit")
	ErrBirthDate = errors.New("identifiers: the date of birth does not exist")
)

// usccAlphabet gives each character its value (GB 32100-2015 table 3): digits
// and letters without I, O, S, V and Z.
const usccAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

// usccValue maps a byte to its value in usccAlphabet, -1 when it has none.
var usccValue = func() (v [256]int8) {
	for i := range v {
		v[i] = -1
	}
	for i := 0; i < len(usccAlphabet); i++ {
		v[usccAlphabet[i]] = int8(i)
	}
	return v
}()

// CheckUSCC says whether s is a sound unified social credit code: 18 characters
// of the alphabet, the last of which fits. The division code and the inner
// organisation code are not judged; see InnerCode.
func CheckUSCC(s string) error {
	if len(s) != 18 {
		return ErrLength
	}
	want, err := USCCCheck(s[:17])
	if err != nil {
		return err
	}
	if usccValue[s[17]] < 0 {
		return ErrAlphabet
	}
	if s[17] != want {
		return ErrCheck
	}
	return nil
}

// USCCCheck computes the eighteenth character for the first seventeen:
// 31 minus the sum of value times 3^(i-1) mod 31, mod 31 (GB 32100-2015
// clause 4.3).
func USCCCheck(first17 string) (byte, error) {
	if len(first17) != 17 {
		return 0, ErrLength
	}
	sum, weight := 0, 1
	for i := 0; i < 17; i++ {
		v := usccValue[first17[i]]
		if v < 0 {
			return 0, ErrAlphabet
		}
		sum += int(v) * weight
		weight = weight * 3 % 31
	}
	return usccAlphabet[(31-sum%31)%31], nil
}

// InnerCode is the organisation code (主体标识码) inside a unified social credit
// code: its characters 9 to 17. Some genuine early codes carry one that fails
// its own check while the whole is right, so callers warn and do not refuse.
func InnerCode(uscc string) string {
	if len(uscc) != 18 {
		return ""
	}
	return uscc[8:17]
}

// orgWeights are the weights of GB 11714-1997 clause 3.3.
var orgWeights = [8]int{3, 7, 9, 10, 5, 8, 4, 2}

// CheckOrgCode says whether s is a sound organisation code of nine characters,
// written without its hyphen.
func CheckOrgCode(s string) error {
	if len(s) != 9 {
		return ErrLength
	}
	want, err := OrgCodeCheck(s[:8])
	if err != nil {
		return err
	}
	if s[8] != want {
		return ErrCheck
	}
	return nil
}

// OrgCodeCheck computes the ninth character for the first eight: 11 minus the
// weighted sum mod 11, where 10 is X and 11 is 0 (GB 11714-1997 clause 3.3).
func OrgCodeCheck(first8 string) (byte, error) {
	if len(first8) != 8 {
		return 0, ErrLength
	}
	sum := 0
	for i := 0; i < 8; i++ {
		c := first8[i]
		switch {
		case c >= '0' && c <= '9':
			sum += int(c-'0') * orgWeights[i]
		case c >= 'A' && c <= 'Z':
			sum += int(c-'A'+10) * orgWeights[i]
		default:
			return 0, ErrAlphabet
		}
	}
	switch rest := 11 - sum%11; rest {
	case 10:
		return 'X', nil
	case 11:
		return '0', nil
	default:
		return byte('0' + rest), nil
	}
}
