package agency

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"accord/crypto/blind"
	"accord/crypto/oprf"
	"accord/exchange"
)

// ErrHolders is given when too few holders of the blinding key evaluate.
var ErrHolders = exchange.Define(exchange.KindUnavailable, "BLIND-001",
	exchange.Text{Zh: "盲化密钥的持有方只有 {got} 家应答，须有 {want} 家（答复无效：{wrong}）", En: "{got} holders of the blinding key answer, {want} must (wrong answers: {wrong})"},
	exchange.Text{Zh: "稍后再试；答复无效的一方请其核对密钥份额（accord node check）", En: "try again later; a holder whose answers are wrong should look at its share of the key"})

// ErrShare is given when this node's share is not the one the ledger means.
var ErrShare = exchange.Define(exchange.KindUnverified, "BLIND-002",
	exchange.Text{Zh: "本节点的盲化密钥份额不是账本所说的那一份", En: "this node's share of the blinding key is not the one the ledger means"},
	exchange.Text{Zh: "从备份恢复密钥库", En: "restore the keystore from its backup"})

// AskHolder has another member evaluate blinded elements with its share of a group.
type AskHolder func(ctx context.Context, holder exchange.MemberID, which KeyName, blinded []oprf.Element) (oprf.Evaluation, error)

// KeyName names a key and how it is split: the same key gives the same ids, whoever
// holds it.
type KeyName struct {
	Epoch   int
	Version int // of the holders: 0 as the charter says, or a change's number
}

// Oblivious blinds numbers with a VOPRF key that others hold: a number never leaves
// the node, and what was asked once is kept in the cache. Safe for concurrent use.
type Oblivious struct {
	self  exchange.MemberID
	ask   AskHolder
	cache *idCache
	log   *slog.Logger

	mu     sync.Mutex
	turn   int                // which holder is asked first; guarded by mu
	now    map[int]*heldGroup // by epoch; guarded by mu
	former map[int]*heldGroup // what now took the place of, as long as others may still ask for it; guarded by mu
	newest int                // the epoch of new ids; guarded by mu
}

// heldGroup is a group of holders, and this member's share where it is one.
type heldGroup struct {
	name    KeyName
	group   *oprf.Group
	holders []exchange.MemberID
	share   *oprf.Key // nil where this node holds none
}

// ObliviousConfig is what an Oblivious works with.
type ObliviousConfig struct {
	Epoch   int
	Group   *oprf.Group
	Holders []exchange.MemberID // in the order of their shares
	Self    exchange.MemberID
	Version int
	Share   []byte // this member's, empty where it holds none, or has lost it
	Storage []byte // the storage key, from which the cache's keys come
	Cache   string // its file
	Ask     AskHolder
	Log     *slog.Logger
}

// NewOblivious opens the cache and holds the share against the group.
func NewOblivious(cfg ObliviousConfig) (*Oblivious, error) {
	o := &Oblivious{self: cfg.Self, ask: cfg.Ask, log: cfg.Log, now: map[int]*heldGroup{}, former: map[int]*heldGroup{}}
	if err := o.Use(KeyName{cfg.Epoch, cfg.Version}, cfg.Group, cfg.Holders, cfg.Share); err != nil {
		return nil, err
	}
	var err error
	o.cache, err = openIDCache(cfg.Cache, cfg.Storage)
	return o, err
}

// Use has this node ask these holders from now on, and answer as one of them. share is
// empty where it is none, or has lost its share: then it asks the others.
func (o *Oblivious) Use(name KeyName, group *oprf.Group, holders []exchange.MemberID, share []byte) error {
	next := &heldGroup{name: name, group: group, holders: holders}
	if at := slices.Index(holders, o.self); at >= 0 && len(share) > 0 {
		key, err := oprf.ParseKey(share)
		if err != nil || !group.Holds(at+1, key) {
			return ErrShare.Wrap(err)
		}
		next.share = key
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.former[name.Epoch], o.now[name.Epoch] = o.now[name.Epoch], next
	o.newest = max(o.newest, name.Epoch)
	return nil
}

// Using is the group that is asked now in an epoch, and whether this node has a share of
// it; the zero name for an epoch that is not known here.
func (o *Oblivious) Using(epoch int) (name KeyName, share bool) {
	now := o.held(epoch)
	if now == nil {
		return KeyName{}, false
	}
	return now.name, now.share != nil
}

// Forget ends answering for the groups before.
func (o *Oblivious) Forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.former)
}

func (o *Oblivious) held(epoch int) *heldGroup {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.now[epoch]
}

// of is the group of that name if this node can answer for it.
func (o *Oblivious) of(name KeyName) *heldGroup {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, h := range []*heldGroup{o.now[name.Epoch], o.former[name.Epoch]} {
		if h != nil && h.name == name && h.share != nil {
			return h
		}
	}
	return nil
}

// Close closes the cache.
func (o *Oblivious) Close() error { return o.cache.close() }

// Scheme is the prefix of its new ids.
func (o *Oblivious) Scheme() string { return blind.SchemeOf(o.Epoch()) }

// Epoch is the number of the key of new ids.
func (o *Oblivious) Epoch() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.newest
}

// Format prints a name for every verb, so that no verb reaches the share.
func (o *Oblivious) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "agency.Oblivious(%s)", o.Scheme()) }

// ErrNoShare is given by a node that is asked to evaluate and holds no share.
var ErrNoShare = exchange.Define(exchange.KindRefused, "BLIND-003",
	exchange.Text{Zh: "本节点不持有第 {epoch} 期盲化密钥（持有方第 {version} 版）的份额", En: "this node holds no share of the blinding key of epoch {epoch}, version {version} of its holders"},
	exchange.Text{Zh: "查看由谁持有：accord blinding show；刚变更的稍后再试", En: "see who does: accord blinding show; if they have just changed, try again in a moment"})

// Evaluate is the holder's side: blinded elements times this member's share.
func (o *Oblivious) Evaluate(which KeyName, blinded []oprf.Element) (oprf.Evaluation, error) {
	if o != nil {
		if h := o.of(which); h != nil {
			return h.share.Evaluate(blinded)
		}
	}
	return oprf.Evaluation{}, ErrNoShare.With("epoch", which.Epoch, "version", which.Version)
}

// Blind is one number's id.
func (o *Oblivious) Blind(ctx context.Context, namespace, id string) (string, error) {
	ids, err := o.all(ctx, o.Epoch(), []blind.Number{{Namespace: namespace, ID: id}})
	if err != nil {
		return "", err
	}
	return ids[0], nil
}

// BlindAll gives one number's ids of all epochs, the newest first: what was said before
// the key was replaced is found by the others.
func (o *Oblivious) BlindAll(ctx context.Context, namespace, id string) (all []string, err error) {
	for _, epoch := range o.epochs() {
		ids, err := o.all(ctx, epoch, []blind.Number{{Namespace: namespace, ID: id}})
		if err != nil {
			return nil, err
		}
		all = append(all, ids...)
	}
	return all, nil
}

// epochs are those of all keys, the newest first.
func (o *Oblivious) epochs() []int {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := slices.Sorted(maps.Keys(o.now))
	slices.Reverse(all)
	return all
}

// leastBatch is how few numbers are worth a request of their own.
const leastBatch = 64

// Prepare has the ids of many numbers, of all epochs, at hand before each is asked for. Blinding and
// judging answers is what takes the time, so the numbers go in as many requests as there
// are processors.
func (o *Oblivious) Prepare(ctx context.Context, numbers []blind.Number) error {
	lanes := runtime.GOMAXPROCS(0)
	size := min(oprf.MaxBatch, max(leastBatch, (len(numbers)+lanes-1)/lanes))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	free, done := make(chan struct{}, lanes), sync.WaitGroup{}
	for _, epoch := range o.epochs() {
		for some := range slices.Chunk(numbers, size) {
			free <- struct{}{}
			done.Go(func() {
				if _, err := o.all(ctx, epoch, some); err != nil {
					cancel(err) // the first one is told, the others end
				}
				<-free
			})
		}
	}
	done.Wait()
	return context.Cause(ctx)
}

// all gives the ids of up to a batch of numbers in an epoch: from the cache, and the
// others from the holders in one go, each number once.
func (o *Oblivious) all(ctx context.Context, epoch int, numbers []blind.Number) ([]string, error) {
	ids := make([]string, len(numbers))
	inputs, at := [][]byte{}, map[string][]int{}
	for i, n := range numbers {
		framed, err := blind.Frame(n.Namespace, n.ID)
		if err != nil {
			return nil, err
		}
		if at[string(framed)] == nil {
			if output, ok := o.cache.get(epoch, framed); ok {
				ids[i] = blind.FromOutput(epoch, output)
				continue
			}
			inputs = append(inputs, framed)
		}
		at[string(framed)] = append(at[string(framed)], i)
	}
	if len(inputs) == 0 {
		return ids, nil
	}
	outputs, err := o.evaluate(ctx, epoch, inputs)
	if err != nil {
		return nil, err
	}
	for i, in := range inputs {
		if err := o.cache.put(epoch, in, outputs[i]); err != nil {
			o.log.Warn("an id is not kept in the cache", "error", err)
		}
		for _, j := range at[string(in)] {
			ids[j] = blind.FromOutput(epoch, outputs[i])
		}
	}
	return ids, nil
}

// answered is a holder's answer, or that there is none.
type answered struct {
	partial oprf.Partial
	member  exchange.MemberID
	err     error
}

// evaluate asks as many holders as must evaluate, and others in place of those that
// do not, or answer wrongly, until enough have.
func (o *Oblivious) evaluate(ctx context.Context, epoch int, inputs [][]byte) ([][]byte, error) {
	now := o.held(epoch)
	if now.share != nil && now.group.Threshold() == 1 { // the whole key is here
		return now.share.Outputs(inputs)
	}
	request, err := oprf.Blind(inputs)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	order := o.order(now)
	answers := make(chan answered, len(order))
	next, out, k := 0, 0, now.group.Threshold()
	var good []oprf.Partial
	var wrong []string
	for len(good) < k {
		for ; next < len(order) && out+len(good) < k; next++ {
			out++
			go func(holder int) { answers <- o.askOne(ctx, now, holder, request) }(order[next])
		}
		if out == 0 {
			break
		}
		a := <-answers
		out--
		var bad oprf.WrongPartial
		switch {
		case errors.As(a.err, &bad):
			wrong = append(wrong, string(a.member))
			o.log.Warn("a holder's evaluation is not by its share of the blinding key", "member", a.member)
		case a.err != nil:
			o.log.Debug("a holder of the blinding key does not answer", "member", a.member, "error", a.err)
			err = a.err
		default:
			good = append(good, a.partial)
		}
	}
	if len(good) < k {
		if cerr := ctx.Err(); cerr != nil {
			return nil, cerr
		}
		names := strings.Join(wrong, ", ")
		if names == "" {
			names = "-"
		}
		return nil, ErrHolders.Wrap(err, "got", len(good), "want", k, "wrong", names)
	}
	return now.group.Finish(request, good)
}

// order is in which order holders are asked, from 1: this node first, then the others
// by turns, so that the work is shared.
func (o *Oblivious) order(now *heldGroup) []int {
	o.mu.Lock()
	o.turn++
	turn := o.turn
	o.mu.Unlock()
	var order []int
	if at := slices.Index(now.holders, o.self); at >= 0 && now.share != nil {
		order = append(order, at+1)
	}
	for i := range now.holders {
		if h := (turn+i)%len(now.holders) + 1; now.holders[h-1] != o.self {
			order = append(order, h)
		}
	}
	return order
}

func (o *Oblivious) askOne(ctx context.Context, now *heldGroup, holder int, request *oprf.Request) answered {
	a := answered{member: now.holders[holder-1]}
	a.partial.Holder = holder
	if a.member == o.self {
		a.partial = now.share.Own(request, holder)
		return a
	}
	if a.partial.Evaluation, a.err = o.ask(ctx, a.member, now.name, request.Blinded); a.err == nil {
		a.err = now.group.Verify(request, &a.partial)
	}
	return a
}
