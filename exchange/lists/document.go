package lists

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
)

// Kind is the type of an entry's document.
var Kind = jws.Kind{Typ: "accord-entry+sd-jwt", Use: keys.Attest}

// VCT is the type claim of the documents of one list.
func VCT(list string) string { return "list/" + list }

// Bounds of a document.
const (
	maxDocument = 64 << 10
	maxDigests  = 256
	maxRecords  = 64
	maxMeasures = 64
	maxNumber   = 120 // characters of a document number
)

// Claims are the clear claims of an entry's document: all it may hold beside
// digests. Their order is the issuer's.
type Claims struct {
	Issuer      exchange.MemberID  `json:"iss"`
	Subject     exchange.SubjectID `json:"sub"`
	ID          exchange.EntryID   `json:"jti"`
	IssuedAt    int64              `json:"iat"` // seconds
	Type        string             `json:"vct"` // VCT(List)
	Federation  string             `json:"fed"`
	Catalogue   int                `json:"cat"`
	List        string             `json:"list"`
	SubjectKind string             `json:"subject_kind"`
	Name        string             `json:"name,omitempty"`
	Ground      string             `json:"ground"`
	Records     []RecordRef        `json:"records,omitempty"`
	Decision    *DecisionRef       `json:"decision,omitempty"`
	TermDays    int                `json:"term_days"`
	Measures    []string           `json:"measures,omitempty"`
	Cnf         Confirmation       `json:"cnf"`
	SD          []string           `json:"_sd,omitempty"`
	SDAlg       string             `json:"_sd_alg,omitempty"`

	kid string // names the key that signed the document
}

// Confirmation is the claim cnf (RFC 7800): the issuer's release key.
type Confirmation struct {
	JWK json.RawMessage `json:"jwk"`
}

// ReadDocument reads the clear claims of a document as it travels: the JWT, a
// tilde, and no disclosure. It checks form only and verifies nothing.
func ReadDocument(doc string) (jwt string, c *Claims, err error) {
	jwt, ok := strings.CutSuffix(doc, "~")
	if !ok || len(doc) > maxDocument || strings.IndexByte(jwt, '~') >= 0 {
		return "", nil, ErrDocument.With("why", "one JWT and a tilde expected")
	}
	token, err := jws.Parse(jwt)
	if err != nil {
		return "", nil, ErrDocument.Wrap(err, "why", "JWT")
	}
	if token.Typ != Kind.Typ {
		return "", nil, ErrDocument.With("why", "typ")
	}
	if c = plainClaims(string(token.Payload)); c == nil {
		c = new(Claims)
		if err := strictjson.Unmarshal(token.Payload, c); err != nil {
			return "", nil, ErrDocument.Wrap(err, "why", "claims")
		}
	}
	if why := c.fault(); why != "" {
		return "", nil, ErrDocument.With("why", why)
	}
	c.kid = token.KID
	return jwt, c, nil
}

// fault names the first claim that is malformed, "" when there is none.
func (c *Claims) fault() string {
	switch {
	case !exchange.ValidName(string(c.Issuer)):
		return "iss"
	case !c.Subject.Valid():
		return "sub"
	case !exchange.ValidID(string(c.ID)):
		return "jti"
	case c.IssuedAt <= 0 || c.IssuedAt > (1<<53-1)/1000:
		return "iat"
	case !exchange.ValidName(c.List) || c.Type != VCT(c.List):
		return "vct"
	case !exchange.ValidName(c.Federation):
		return "fed"
	case c.Catalogue < 1:
		return "cat"
	case !exchange.ValidName(c.SubjectKind):
		return "subject_kind"
	case c.Name != "" && !exchange.PlainText(c.Name, 200):
		return "name"
	case !exchange.ValidName(c.Ground):
		return "ground"
	case c.TermDays < 1:
		return "term_days"
	}
	return c.listFault()
}

func (c *Claims) listFault() string {
	if len(c.Records) > maxRecords {
		return "records"
	}
	for i, r := range c.Records {
		if !exchange.ValidID(string(r.ID)) || !exchange.ValidHash(r.Digest) || !exchange.ValidName(string(r.Author)) ||
			!exchange.ValidName(r.Category) || namedBefore(c.Records[:i], r) {
			return "records"
		}
	}
	if d := c.Decision; d != nil && (!exchange.PlainText(d.Number, maxNumber) || !exchange.PlainText(d.Authority, 200) ||
		d.Date != "" && !validDate(d.Date)) {
		return "decision"
	}
	if len(c.Measures) > maxMeasures || !distinctNames(c.Measures) {
		return "measures"
	}
	if !releaseKey(c.Cnf.JWK) {
		return "cnf"
	}
	if len(c.SD) > maxDigests || (c.SDAlg != "" || len(c.SD) > 0) && c.SDAlg != "sha-256" {
		return "_sd_alg"
	}
	for _, d := range c.SD {
		if len(d) != 43 || !exchange.ValidID(d) {
			return "_sd"
		}
	}
	if !distinct(c.SD) {
		return "_sd"
	}
	return ""
}

// knownKeys remembers which texts are good release keys: members have one or a
// few, and to judge a point of the curve costs more than the rest of a document.
var knownKeys struct {
	sync.Mutex
	good map[string]bool
}

func releaseKey(jwk []byte) bool {
	const most = 1024
	knownKeys.Lock()
	defer knownKeys.Unlock()
	if knownKeys.good[string(jwk)] {
		return true
	}
	if _, err := keys.FromJWK(keys.Release, jwk); err != nil {
		return false
	}
	if knownKeys.good == nil || len(knownKeys.good) >= most {
		knownKeys.good = map[string]bool{}
	}
	knownKeys.good[string(jwk)] = true
	return true
}

func namedBefore(before []RecordRef, r RecordRef) bool {
	for _, b := range before {
		if b.ID == r.ID && b.Author == r.Author {
			return true
		}
	}
	return false
}

func distinctNames(names []string) bool {
	for _, n := range names {
		if !exchange.ValidName(n) {
			return false
		}
	}
	return distinct(names)
}

func distinct(all []string) bool {
	if len(all) <= 8 {
		for i, s := range all {
			if slices.Contains(all[:i], s) {
				return false
			}
		}
		return true
	}
	seen := make(map[string]bool, len(all))
	for _, s := range all {
		seen[s] = true
	}
	return len(seen) == len(all)
}

// validDate is a day of the calendar, yyyy-mm-dd, by arithmetic of our own.
func validDate(s string) bool {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return false
	}
	n := func(part string) (v int) {
		for i := 0; i < len(part); i++ {
			if part[i] < '0' || part[i] > '9' {
				return -1
			}
			v = v*10 + int(part[i]-'0')
		}
		return v
	}
	year, month, day := n(s[:4]), n(s[5:7]), n(s[8:])
	if year < 1900 || month < 1 || month > 12 || day < 1 {
		return false
	}
	days := [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month-1]
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		days = 29
	}
	return day <= days
}
