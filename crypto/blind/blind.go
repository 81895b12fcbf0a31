// Package blind turns the identity number of a natural person into an
// identifier that may be shared.
//
// A national id number has little entropy: about 1.2e11 candidates (regions ×
// birth dates × sequence, 2^37). Bare, hashed or salted-hashed, it is found by
// trying them all. So nothing shared ever carries one; it carries a blinded
// id: the output of a keyed function whose key is not in the shared data. The
// same person gets the same id from every holder of the key, which is the
// purpose (records of several authors meet) and stays personal information.
//
// [Blinder] is that function. The implementation here is HMAC-SHA-256 under
// one secret key, and it is honest to say what it gives:
//
//   - Against someone who has the shared data and not the key (the public, a
//     mirror outside the circle, a stolen backup without the key): the id
//     tells nothing, as long as HMAC-SHA-256 is a pseudo-random function.
//   - Against a holder of the key: nothing at all. At 0.6 µs an evaluation,
//     all ids are reversed in about 19 core-hours, offline and unnoticed. If
//     every member holds the key, the ids protect against nobody inside.
//   - A leaked key cannot be recalled: every id made with it is then
//     reversible, and only a new key (new ids for all) helps.
//
// It therefore serves where the key sits at one neutral node that counts and
// audits requests, or where members already see the raw numbers and only
// outsiders must not. The stronger form is an oblivious PRF (RFC 9497): the
// key holder does not see the number, the asker does not see the key, and
// guessing becomes online, limited and audited. Package oprf is that function; its
// ids begin with v and the number of the key's epoch. Blind has a context and an
// error because it crosses a network then, and every id begins with the name of its
// scheme, so ids of two schemes can never be taken for each other.
package blind

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// SchemeHMAC names HMAC-SHA-256 under one key; it is the prefix of its ids.
const SchemeHMAC = "h1"

// SchemeVOPRF names the function of package oprf in a charter. The prefix of its ids
// is [SchemeOf] their epoch.
const SchemeVOPRF = "voprf-r255"

// SchemeOf is the prefix of the ids of a VOPRF key's epoch, from 1.
func SchemeOf(epoch int) string { return "v" + strconv.Itoa(epoch) }

// Frame is what a VOPRF is asked for a namespace and an id: each preceded by its
// length in eight bytes, so that no two pairs give the same input.
func Frame(namespace, id string) ([]byte, error) {
	if !wellFormed(namespace) || !wellFormed(id) {
		return nil, ErrPart
	}
	var out []byte
	for _, p := range []string{tagID, namespace, id} {
		out = append(binary.BigEndian.AppendUint64(out, uint64(len(p))), p...)
	}
	return out, nil
}

// FromOutput is the id that a VOPRF's output makes: its first 32 bytes, "" for a
// shorter one.
func FromOutput(epoch int, output []byte) string {
	if len(output) < sha256.Size {
		return ""
	}
	return SchemeOf(epoch) + "." + encode(output[:sha256.Size])
}

// Number is a number to be blinded with others in one go.
type Number struct{ Namespace, ID string }

// A Batcher is a Blinder that prepares many numbers at once, so that each is at hand
// when it is asked for.
type Batcher interface {
	Blinder
	Prepare(ctx context.Context, numbers []Number) error
}

const (
	// KeySize is the length of a blinding key in bytes.
	KeySize = 32
	// MaxPart bounds namespace and id, in bytes.
	MaxPart = 256

	tagID         = "accord-blind-id/v1"
	tagCommitment = "accord-blind-commitment/v1"
)

// Errors of this package. They never carry the id.
var (
	ErrKey  = errors.New("blind: key is not 32 random bytes")
	ErrPart = errors.New("blind: namespace or id is empty, too long or has blanks, control or invalid characters")
	ErrForm = errors.New("blind: not a blinded id")
)

// Blinder maps an identity number to its blinded id. The same namespace and
// id give the same result for the life of the key. Implementations are safe
// for concurrent use and never put the id into an error or a log.
type Blinder interface {
	// Blind returns the blinded id. The namespace says what kind of number it
	// is (for instance the code of the document type), so that equal strings of
	// different kinds do not meet. The caller brings the id into its one
	// normal form first (case, width, check digit): a blinded id cannot be
	// repaired afterwards.
	Blind(ctx context.Context, namespace, id string) (string, error)
	// Scheme is the prefix of the ids this Blinder makes.
	Scheme() string
}

// NewHMAC returns a Blinder for a secret key of [KeySize] random bytes. The key
// is copied. See the package comment for what this protects and what not.
func NewHMAC(key []byte) (Blinder, error) {
	if !usable(key) {
		return nil, ErrKey
	}
	return &hmacBlinder{key: [KeySize]byte(key)}, nil
}

// Commitment returns a public commitment to the key, base64url, for the
// charter: members can tell that they hold the same key, and a later change of
// the key shows, without the key being told. It is a value of the same HMAC
// under its own domain tag, so it says nothing about any id. It is empty for a
// key that [NewHMAC] refuses.
func Commitment(key []byte) string {
	if !usable(key) {
		return ""
	}
	return encode(mac(key, tagCommitment))
}

// Check reports whether s has the exact form of a blinded id of a known
// scheme. It proves nothing about where the id came from; it keeps raw numbers
// and ids of unknown schemes out of places meant for blinded ids.
func Check(s string) error {
	scheme, value, ok := strings.Cut(s, ".")
	if !ok || scheme != SchemeHMAC && !isEpoch(scheme) || len(value) != base64.RawURLEncoding.EncodedLen(sha256.Size) {
		return ErrForm
	}
	if _, err := base64.RawURLEncoding.Strict().DecodeString(value); err != nil || strings.ContainsAny(value, "\r\n") {
		return ErrForm
	}
	return nil
}

// isEpoch says whether a scheme is that of a VOPRF key's epoch, written the one way.
func isEpoch(scheme string) bool {
	n, err := strconv.Atoi(strings.TrimPrefix(scheme, "v"))
	return err == nil && n >= 1 && n <= 1<<20 && SchemeOf(n) == scheme
}

type hmacBlinder struct{ key [KeySize]byte }

func (*hmacBlinder) Scheme() string { return SchemeHMAC }

func (b *hmacBlinder) Blind(ctx context.Context, namespace, id string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if !wellFormed(namespace) || !wellFormed(id) {
		return "", ErrPart
	}
	return SchemeHMAC + "." + encode(mac(b.key[:], tagID, namespace, id)), nil
}

// Format keeps the key out of every fmt verb, LogValue out of slog.
func (b *hmacBlinder) Format(f fmt.State, _ rune) { fmt.Fprint(f, "blind.Blinder("+SchemeHMAC+")") }
func (b *hmacBlinder) LogValue() slog.Value       { return slog.StringValue(fmt.Sprint(b)) }

// mac is HMAC-SHA-256 over the parts, each preceded by its length in eight
// bytes, so that no two lists of parts give the same message.
func mac(key []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, key)
	var n [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return h.Sum(nil)
}

// usable refuses a key of the wrong length and the all-zero key, which is what
// a forgotten initialisation looks like.
func usable(key []byte) bool {
	return len(key) == KeySize && [KeySize]byte(key) != [KeySize]byte{}
}

func wellFormed(s string) bool {
	if s == "" || len(s) > MaxPart || !utf8.ValidString(s) {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) < 0
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
