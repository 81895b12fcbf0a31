package keys

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"fmt"
	"math/big"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/oasisprotocol/curve25519-voi/curve"
	voi "github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
)

// SignatureSize is the length of every signature here, Ed25519 and ES256 alike.
const SignatureSize = 64

// zip215 fixes the edge rules of Ed25519 (Zcash improvement proposal 215): the
// cofactored equation, any encoding of R that decodes, S below the group order.
// They are the rules under which single and batch verification always agree.
var zip215 = &voi.Options{Verify: voi.VerifyOptionsZIP_215}

// Verify checks a raw signature over the message itself (never over a digest
// computed by the caller). Ed25519: 64 bytes by the rules of ZIP-215. ES256:
// r||s, each 32 bytes in 1..n-1; a high s is accepted as RFC 7518 does, so an
// ES256 signature is not a unique name of what it signs. The error is
// ErrSignature, or ErrUse for a key that signs nothing.
func (p Public) Verify(message, sig []byte) error {
	if p.k == nil || p.k.use == Seal {
		return fmt.Errorf("%w: verifying", ErrUse)
	}
	if len(sig) != SignatureSize {
		return ErrSignature
	}
	ok := false
	switch p.Alg() {
	case EdDSA:
		ok = verifyEd25519(p.k.ed, message, sig)
	case ES256:
		digest := sha256.Sum256(message)
		r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])
		ok = ecdsa.Verify(p.k.ec, digest[:], r, s)
	}
	if !ok {
		return ErrSignature
	}
	return nil
}

func verifyEd25519(key *voi.ExpandedPublicKey, message, sig []byte) bool {
	return voi.VerifyExpandedWithOptions(key, message, sig, zip215)
}

// Signed is one signature to verify in a batch.
type Signed struct {
	Key     Public
	Message []byte
	Sig     []byte
}

// batchSize bounds how many signatures share one batch equation. One bad
// signature makes its whole batch be checked again one by one, so larger
// batches give a forger more work to cause and save little.
const batchSize = 128

// VerifyBatch verifies many signatures and returns the indexes, ascending, of
// those that fail; none failed when it is empty. It gives for every item the
// answer of Verify. Ed25519 signatures are checked together, which takes half the
// time when all are good; others one by one. Large batches use all processors.
func VerifyBatch(items []Signed) (failed []int) {
	chunks := (len(items) + batchSize - 1) / batchSize
	found := make([][]int, chunks)
	var next atomic.Int64
	work := func() {
		for c := int(next.Add(1)) - 1; c < chunks; c = int(next.Add(1)) - 1 {
			start := c * batchSize
			found[c] = verifyChunk(items[start:min(start+batchSize, len(items))])
		}
	}
	var others sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), chunks) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
	for c, bad := range found {
		for _, i := range bad {
			failed = append(failed, c*batchSize+i)
		}
	}
	return failed
}

func verifyChunk(items []Signed) (failed []int) {
	ok := make([]bool, len(items))
	var batched []int
	verifier := voi.NewBatchVerifierWithCapacity(len(items))
	for i, it := range items {
		if it.Key.Alg() == EdDSA && len(it.Sig) == SignatureSize {
			verifier.AddExpandedWithOptions(it.Key.k.ed, it.Message, it.Sig, zip215)
			batched = append(batched, i)
		} else {
			ok[i] = it.Key.Verify(it.Message, it.Sig) == nil
		}
	}
	if len(batched) > 0 {
		_, each := verifier.Verify(nil)
		for j, i := range batched {
			ok[i] = each[j]
		}
	}
	for i := range ok {
		if !ok[i] {
			failed = append(failed, i)
		}
	}
	return failed
}

// soundEd25519 tells whether raw is the canonical encoding of a point that is
// not of small order. ZIP-215 itself would take any encoding; a member's key is
// held to more, once, when it is parsed.
func soundEd25519(raw []byte) bool {
	y, err := curve.NewCompressedEdwardsYFromBytes(raw)
	if err != nil || !y.IsCanonicalVartime() {
		return false
	}
	point, err := curve.NewEdwardsPoint().SetCompressedY(y)
	return err == nil && !point.IsSmallOrder()
}
