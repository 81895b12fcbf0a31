package share

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"

	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/secretsharing"
)

// Sizes in bytes, and the most holders of a key.
const (
	KeySize     = 32
	ScalarSize  = 32
	ElementSize = 32
	MaxHolders  = 32
)

// The errors. None holds a share or a key.
var (
	ErrParameters = errors.New("share: k and n must be 2 ≤ k ≤ n ≤ 32")
	ErrCommitment = errors.New("share: not a commitment")
	ErrShare      = errors.New("share: the share is not of this commitment")
	ErrTooFew     = errors.New("share: fewer good shares than the threshold")
)

const tagKey = "accord-share-key/v1"

var g = group.Ristretto255

// Share is what one holder has.
type Share struct {
	Index int    // of the holder, from 1
	Value []byte // ScalarSize bytes
}

// Format keeps the value out of every fmt verb, LogValue out of slog.
func (s Share) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "share.Share(%d)", s.Index) }
func (s Share) LogValue() slog.Value       { return slog.StringValue(fmt.Sprint(s)) }

// Commitment is what everybody may know of a dealing, and by which shares are
// judged: the coefficients times the generator.
type Commitment []byte

// Threshold is how many shares give the key back; 0 when it is no commitment by its
// length.
func (c Commitment) Threshold() int {
	if k := len(c) / ElementSize; len(c)%ElementSize == 0 && k >= 2 && k <= MaxHolders {
		return k
	}
	return 0
}

// Check says whether these are the bytes of a commitment that hides its secret from
// all but the threshold.
func (c Commitment) Check() error {
	_, err := c.elements()
	return err
}

func (c Commitment) elements() (secretsharing.SecretCommitment, error) {
	k := c.Threshold()
	if k == 0 {
		return nil, ErrCommitment
	}
	out := make(secretsharing.SecretCommitment, k)
	for i := range out {
		raw := c[i*ElementSize : (i+1)*ElementSize]
		out[i] = g.NewElement()
		if err := out[i].UnmarshalBinary(raw); err != nil || out[i].IsIdentity() {
			return nil, ErrCommitment
		}
		if again, err := out[i].MarshalBinary(); err != nil || !bytes.Equal(again, raw) {
			return nil, ErrCommitment
		}
	}
	return out, nil
}

// Split makes a new key for a context and deals it: any k of the n shares give it
// back.
func Split(k, n int, context string) (Commitment, []Share, []byte, error) {
	if k < 2 || n < k || n > MaxHolders {
		return nil, nil, nil, ErrParameters
	}
	secret := g.RandomNonZeroScalar(rand.Reader)
	dealing := secretsharing.New(rand.Reader, uint(k-1), secret)
	var c Commitment
	for _, e := range dealing.CommitSecret() {
		raw, err := e.MarshalBinary()
		if err != nil {
			return nil, nil, nil, err
		}
		c = append(c, raw...)
	}
	if err := c.Check(); err != nil { // a coefficient that is zero: one dealing in 2^252
		return nil, nil, nil, err
	}
	shares := make([]Share, n)
	for i, s := range dealing.Share(uint(n)) {
		raw, err := s.Value.MarshalBinary()
		if err != nil {
			return nil, nil, nil, err
		}
		shares[i] = Share{i + 1, raw}
	}
	key, err := derive(secret, c, context)
	return c, shares, key, err
}

// Verify says whether a share is of the dealing: ErrShare.
func Verify(c Commitment, s Share) error {
	elements, err := c.elements()
	if err != nil {
		return err
	}
	_, err = verified(elements, s)
	return err
}

func verified(c secretsharing.SecretCommitment, s Share) (out secretsharing.Share, err error) {
	if s.Index < 1 || s.Index > MaxHolders || len(s.Value) != ScalarSize {
		return out, ErrShare
	}
	out = secretsharing.Share{ID: g.NewScalar().SetUint64(uint64(s.Index)), Value: g.NewScalar()}
	if out.Value.UnmarshalBinary(s.Value) != nil || !secretsharing.Verify(uint(len(c)-1), out, c) {
		return out, ErrShare
	}
	return out, nil
}

// Combine gives the key back from shares, of which it believes none: bad are the
// indices of those that are not of the dealing. A holder counts once. ErrTooFew
// comes with bad, too.
func Combine(c Commitment, context string, shares []Share) (key []byte, bad []int, err error) {
	elements, err := c.elements()
	if err != nil {
		return nil, nil, err
	}
	var good []secretsharing.Share
	seen := map[int]bool{}
	for _, s := range shares {
		v, err := verified(elements, s)
		switch {
		case err != nil:
			bad = append(bad, s.Index)
		case !seen[s.Index] && len(good) < len(elements):
			good = append(good, v)
			seen[s.Index] = true
		}
	}
	if len(good) < len(elements) {
		return nil, bad, ErrTooFew
	}
	secret, err := secretsharing.Recover(uint(len(elements)-1), good)
	if err != nil {
		return nil, bad, ErrTooFew
	}
	key, err = derive(secret, c, context)
	return key, bad, err
}

func derive(secret group.Scalar, c Commitment, context string) ([]byte, error) {
	raw, err := secret.MarshalBinary()
	if err != nil {
		return nil, err
	}
	defer clear(raw)
	return hkdf.Key(sha256.New, raw, c, tagKey+context, KeySize)
}
