package bench

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"accord/crypto/blind"
	"accord/crypto/oprf"
	"accord/crypto/oprf/circloprf"
	"accord/exchange"
	"accord/exchange/agency"
)

// blindBatch is how many persons' numbers are asked about at once, as an import does.
const blindBatch = 1000

// oprf measures how many ids of persons a node makes a second: where one member holds
// the key, at another member's and at its own node, and where any three of five do; in
// one process, all parties on this machine. Beside it the bare evaluation of as many
// elements with its proof, on one core.
func (r *releaseRun) oprf(ctx context.Context) error {
	key, err := oprf.NewKey()
	if err != nil {
		return err
	}
	public := key.Public()
	secret, err := key.Bytes()
	if err != nil {
		return err
	}
	commitment, shares, err := oprf.Split(key, 3, 5)
	if err != nil {
		return err
	}
	var split [][]byte
	for _, s := range shares {
		raw, err := s.Bytes()
		if err != nil {
			return err
		}
		split = append(split, raw)
	}
	for _, c := range []struct {
		name, zh, en string
		commitment   []oprf.Element
		shares       [][]byte
		self         string
		goal         float64
	}{
		{"oprf/single", "由另一成员的节点向唯一持有方请求", "at another member's node, which asks the one holder", []oprf.Element{public}, [][]byte{secret}, "asker", 0.8},
		{"oprf/single/own", "在唯一持有方自己的节点", "at the one holder's own node", []oprf.Element{public}, [][]byte{secret}, "holder1", 0},
		{"oprf/3-of-5", "向五个持有方中的三个请求", "asks three of five holders", commitment, split, "asker", 0.25},
	} {
		node, closeAll, err := r.blinders(c.name, c.commitment, c.shares, exchange.MemberID(c.self))
		if err != nil {
			closeAll()
			return err
		}
		ours, bare, err := duel(ctx, r.Rounds, func() (sample, error) { return r.ids(ctx, node) }, func() (sample, error) { return r.evaluations(secret) })
		closeAll()
		if err != nil {
			return err
		}
		r.add(withNote(hold(c.name, "ids/s", figures(ours, sample.perSecond), "circl's evaluation with proof", figures(bare, sample.perSecond), goal{times: c.goal}),
			c.zh+"；每批 %d 个，各方在同一台机器", c.en+"; %d at once, all parties on one machine", blindBatch))
	}
	return nil
}

// blinders are the holders of a key and the node of self, which asks them.
func (r *releaseRun) blinders(name string, commitment []oprf.Element, shares [][]byte, self exchange.MemberID) (node *agency.Oblivious, closeAll func(), err error) {
	group, err := oprf.NewGroup(commitment, len(shares))
	if err != nil {
		return nil, func() {}, err
	}
	var ids []exchange.MemberID
	for i := range shares {
		ids = append(ids, exchange.MemberID(fmt.Sprint("holder", i+1)))
	}
	holders := map[exchange.MemberID]*agency.Oblivious{}
	ask := func(_ context.Context, holder exchange.MemberID, which agency.KeyName, blinded []oprf.Element) (oprf.Evaluation, error) {
		return holders[holder].Evaluate(which, blinded)
	}
	closeAll = func() {
		for _, h := range holders {
			h.Close()
		}
	}
	for i, id := range append(ids, "asker") {
		share := []byte(nil)
		if i < len(shares) {
			share = shares[i]
		}
		dir := filepath.Join(r.home, name, string(id))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, closeAll, err
		}
		holders[id], err = agency.NewOblivious(agency.ObliviousConfig{Epoch: 1, Group: group, Holders: ids, Self: id, Share: share,
			Storage: make([]byte, 32), Cache: filepath.Join(dir, "cache"), Ask: ask, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		if err != nil {
			delete(holders, id)
			return nil, closeAll, err
		}
	}
	return holders[self], closeAll, nil
}

// ids is one round of ids nobody asked for before.
func (r *releaseRun) ids(ctx context.Context, node *agency.Oblivious) (sample, error) {
	begun, done := time.Now(), 0
	for time.Since(begun) < r.Duration {
		numbers := make([]blind.Number, blindBatch)
		for i := range numbers {
			r.numbers++
			numbers[i] = blind.Number{Namespace: "resident-id", ID: fmt.Sprintf("999999%012d", r.numbers)}
		}
		if err := node.Prepare(ctx, numbers); err != nil {
			return sample{}, err
		}
		done += len(numbers)
	}
	return sample{rate: float64(done) / time.Since(begun).Seconds()}, nil
}

// evaluations is one round of what circl does alone.
func (r *releaseRun) evaluations(secret []byte) (sample, error) {
	server, err := circloprf.New(secret)
	if err != nil {
		return sample{}, err
	}
	inputs := make([][]byte, blindBatch)
	for i := range inputs {
		inputs[i] = fmt.Append(nil, i)
	}
	request, err := oprf.Blind(inputs)
	if err != nil {
		return sample{}, err
	}
	var raw [][]byte
	for _, e := range request.Blinded {
		raw = append(raw, e[:])
	}
	batch, err := circloprf.Read(raw)
	if err != nil {
		return sample{}, err
	}
	begun, done := time.Now(), 0
	for time.Since(begun) < r.Duration {
		if _, err := server.Evaluate(batch); err != nil {
			return sample{}, err
		}
		done += blindBatch
	}
	return sample{rate: float64(done) / time.Since(begun).Seconds()}, nil
}
