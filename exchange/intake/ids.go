package intake

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"accord/exchange/identifiers"
)

// Kinds of document whose numbers have check characters, by their folded words.
var (
	residentWords = map[string]bool{"resident-id": true, "居民身份证": true, "身份证": true, "公民身份号码": true,
		"公民身份证": true, "中华人民共和国居民身份证": true, "第二代居民身份证": true}
	usccWords = map[string]bool{"uscc": true, "统一社会信用代码": true, "统一社会信用代码证": true}
)

// idForm removes what spreadsheets and clerks put into identifiers: prefixes
// against reformatting, blanks, invisible and direction marks, full width, lower
// case.
func idForm(text string) string {
	text, _ = without(text, func(r rune) bool { return isBlank(r) || isInvisible(r) || isBidiControl(r) })
	text = strings.ToUpper(strings.Map(halfWidth, text))
	if s, ok := strings.CutPrefix(text, `="`); ok && strings.HasSuffix(s, `"`) {
		text = strings.TrimSuffix(s, `"`)
	}
	return strings.TrimLeft(text, "'’‘`")
}

// masked says whether characters of an identifier were replaced by marks.
func masked(id string) bool {
	return strings.ContainsAny(id, "*×●＊█") || strings.Contains(id, "XX")
}

// scientific says whether an identifier was turned into 6.39938E+17.
func scientific(id string) bool {
	mantissa, exponent, ok := strings.Cut(id, "E")
	return ok && mantissa != "" && exponent != "" &&
		strings.Trim(mantissa, "0123456789.") == "" && strings.Trim(exponent, "+-0123456789") == "" &&
		strings.ContainsAny(id, ".+")
}

// residentID is a citizen's identity number. The order of the questions matters:
// each defect is named by what most likely happened to the number.
func (n *normaliser) residentID(text string) outcome {
	id := idForm(text)
	switch {
	case scientific(id):
		return refused("id_sci_notation")
	case masked(id):
		return refused("id_masked")
	case strings.Trim(id, "0123456789X") != "":
		return refused("id_bad_character")
	case len(id) < 18:
		return refused("id_too_short")
	case len(id) > 18:
		return refused("id_too_long")
	}
	switch err := identifiers.CheckResidentID(id); {
	case err == nil:
	case errors.Is(err, identifiers.ErrBirthDate):
		return refused("id_bad_birth_date")
	case errors.Is(err, identifiers.ErrCheck) && strings.HasSuffix(id, "000"):
		return refused("id_lost_digits")
	case errors.Is(err, identifiers.ErrCheck):
		return refused("id_check_digit")
	default:
		return refused("id_bad_character")
	}
	if born, err := identifiers.BirthDate(id); err != nil || born.Format(dayLayout) > n.today {
		return refused("id_bad_birth_date")
	}
	return value(id)
}

// uscc is a unified social credit code.
func uscc(text string) outcome {
	code := idForm(text)
	bare := strings.ReplaceAll(code, "-", "")
	switch {
	case scientific(code):
		return refused("id_sci_notation")
	case masked(code) && strings.ContainsAny(code, "*×●＊█"):
		return refused("id_masked")
	case len(bare) == 9:
		return refused("uscc_old_code")
	case len(code) == 18 && strings.ContainsAny(code, "IO"):
		return refused("uscc_letter_o")
	}
	switch err := identifiers.CheckUSCC(code); {
	case err == nil:
	case errors.Is(err, identifiers.ErrCheck):
		return refused("uscc_check_digit")
	case errors.Is(err, identifiers.ErrLength):
		return refused("uscc_length")
	default:
		return refused("uscc_bad_character")
	}
	o := value(code)
	if identifiers.CheckOrgCode(identifiers.InnerCode(code)) != nil {
		o.found("uscc_inner_check")
	}
	return o
}

// idNumber is the number of a document whose kind another column names. Without
// a kind it must be a sound identity number.
func (n *normaliser) idNumber(text, kind string) outcome {
	switch word := fold(kind); {
	case word == "" || residentWords[word]:
		return n.residentID(text)
	case usccWords[word]:
		return uscc(text)
	}
	id := idForm(text)
	switch {
	case scientific(id):
		return refused("id_sci_notation")
	case masked(id):
		return refused("id_masked")
	case len(id) < 4:
		return refused("id_too_short")
	case len(id) > 40:
		return refused("id_too_long")
	}
	for _, c := range id {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && c != '-' && c != '(' && c != ')' {
			return refused("id_bad_character")
		}
	}
	return value(id)
}

// maxLicence is the longest certificate, case or document number, in characters.
const maxLicence = 100

// licence is a certificate, policy, case or document number: no check character,
// one spelling.
func (n *normaliser) licence(text string) outcome {
	text, _ = without(text, func(r rune) bool { return isInvisible(r) || isBidiControl(r) })
	text = strings.Join(strings.FieldsFunc(strings.Map(halfWidth, text), isBlank), " ")
	text = strings.TrimLeft(text, "'’‘`")
	switch {
	case text == "":
		return outcome{empty: nothing}
	case scientific(text):
		return refused("id_sci_notation")
	case strings.Contains(text, "?"):
		return refused("lost_character")
	case strings.ContainsAny(text, "<>") || formulaLike(text):
		return refused("id_bad_character")
	case hasControl(text):
		return refused("control_character")
	case longerThan(text, maxLicence):
		return refused("text_too_long")
	}
	return value(text)
}

func oneHan(s string) bool {
	r, size := utf8.DecodeRuneInString(s)
	return size == len(s) && unicode.Is(unicode.Han, r)
}
