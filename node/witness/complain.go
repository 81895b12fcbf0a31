package witness

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"sync"
	"time"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/members"
	"accord/node/wire"
)

// waiting is this member's own statements on their way to the ledger.
type waiting struct {
	mu  sync.Mutex
	all map[*wait]struct{} // guarded by mu
}

// wait is one of them. Most end within moments, so nothing is read out of a
// statement before it is late.
type wait struct {
	statement string
	since     time.Time
	id        exchange.CommandID // once it was read
	leaders   []exchange.MemberID
}

// maxWaits bounds the statements watched at once; more are proposed all the
// same, and not complained about.
const maxWaits = 10_000

// Watch begins to wait for a statement. The returned function ends that when
// the caller knows what became of it.
func (w *Witness) Watch(statement []byte) (done func()) {
	x := &wait{statement: string(statement), since: w.Clock()}
	w.waits.mu.Lock()
	defer w.waits.mu.Unlock()
	if w.waits.all == nil {
		w.waits.all = map[*wait]struct{}{}
	}
	if len(w.waits.all) < maxWaits {
		w.waits.all[x] = struct{}{}
	}
	return func() {
		w.waits.mu.Lock()
		defer w.waits.mu.Unlock()
		delete(w.waits.all, x)
	}
}

// own reads a late statement's id; false for what this member did not sign.
func (x *wait) own(self exchange.MemberID) bool {
	if x.id != "" {
		return true
	}
	t, err := jws.Parse(x.statement)
	if err != nil {
		return false
	}
	cmd, err := exchange.DecodeCommand(t.Payload)
	x.id = cmd.ID
	return err == nil && cmd.Issuer == self
}

// again is how often an open complaint's statement is proposed anew.
const again = 2 * time.Second

// runComplaints looks after waits and complaints until ctx ends.
func (w *Witness) runComplaints(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(min(step, w.Patience/4)):
		}
		if w.Stopped() {
			continue
		}
		w.overdue()
		w.lookAfter(ctx)
	}
}

// overdue complains about own statements that were not included in time.
func (w *Witness) overdue() {
	view, now, leader := w.Ledger.View(), w.Clock(), w.Leader()
	w.waits.mu.Lock()
	var late []wait
	for x := range w.waits.all {
		if now.Sub(x.since) < min(step, w.Patience) {
			continue
		}
		if leader != "" && len(x.leaders) < maxLeaders && !slices.Contains(x.leaders, leader) {
			x.leaders = append(x.leaders, leader)
		}
		if !x.own(w.Self) {
			delete(w.waits.all, x)
		} else if st, ok := view.FindStatement(x.id); ok && st.JWS == x.statement {
			delete(w.waits.all, x)
		} else if now.Sub(x.since) >= w.Patience {
			late = append(late, *x)
			delete(w.waits.all, x)
		}
	}
	w.waits.mu.Unlock()
	for _, x := range late {
		if err := w.complain(x); err != nil {
			w.Log.Error("a complaint was not made", "error", err)
		}
	}
}

// complain signs a complaint and enters it.
func (w *Witness) complain(x wait) error {
	t, err := jws.Parse(x.statement)
	if err != nil {
		return err
	}
	cmd, err := exchange.DecodeCommand(t.Payload)
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(x.statement))
	payload, err := strictjson.Marshal(claims{Federation: w.Federation, Issuer: w.Self, At: exchange.MillisOf(w.Clock()), ID: cmd.ID,
		Digest: "sha256:" + hex.EncodeToString(sum[:]), Since: exchange.MillisOf(x.since), Leaders: x.leaders, Statement: x.statement})
	if err != nil {
		return err
	}
	key, err := w.Keys.Key(keys.Command)
	if err != nil {
		return err
	}
	token, err := jws.Sign(key, jws.TypComplaint, payload)
	if err != nil {
		return err
	}
	c, err := readClaims(token)
	if err != nil {
		return err
	}
	_, err = w.enter(c)
	return err
}

// lookAfter brings every open complaint to those who lack it and its statement
// to the log.
func (w *Witness) lookAfter(ctx context.Context) {
	view, now := w.Ledger.View(), w.Clock()
	var spread, propose []*complaint
	w.book.mu.Lock()
	for _, c := range w.book.byID {
		if c.status == ComplaintIncluded {
			continue
		}
		if c.resolve(view, now) {
			if err := w.storeComplaint(c); err != nil {
				w.Log.Error("a complaint's end was not stored", "error", err)
			}
			w.Log.Info("a complaint is resolved", "statement", c.ID, "status", c.status, "seq", c.seq)
		}
		if c.status != ComplaintOpen {
			continue
		}
		spread = append(spread, c)
		if now.Sub(c.tried) >= again {
			c.tried = now
			propose = append(propose, c)
		}
	}
	w.book.mu.Unlock()
	for _, c := range spread {
		w.spread(ctx, c)
	}
	var wg sync.WaitGroup
	for _, c := range propose {
		wg.Go(func() {
			attempt, cancel := context.WithTimeout(ctx, again)
			defer cancel()
			if err := w.Propose(attempt, []byte(c.Statement)); err != nil {
				w.Log.Debug("a complained-about statement was not taken", "statement", c.ID, "error", err)
			}
		})
	}
	wg.Wait()
}

// spread hands a complaint to every member that is not known to have it.
func (w *Witness) spread(ctx context.Context, c *complaint) {
	ctx, cancel := context.WithTimeout(ctx, gatherTimeout)
	defer cancel()
	w.everybody(ctx, func(ctx context.Context, p Peer, m members.Member) ([]byte, error) {
		w.book.mu.Lock()
		known := c.told[m.ID]
		w.book.mu.Unlock()
		if known {
			return nil, nil
		}
		_, err := p.Complain(ctx, wire.ComplaintPaper{JWS: c.jws})
		if err == nil || errors.Is(err, ErrComplaint) {
			w.book.mu.Lock()
			c.told[m.ID] = true
			w.book.mu.Unlock()
		}
		return nil, err
	})
}

// OnTime compares this node's clock with the times the others state now in
// their signatures: false when most of those that answer are more than window
// away from it. Then a leader that refuses this member's statements for their
// time is not the one at fault.
func (w *Witness) OnTime(ctx context.Context, window time.Duration) bool {
	near, far := 0, 0
	offsets, _ := w.Offsets(ctx)
	for _, off := range offsets {
		if off.Abs() <= window {
			near++
		} else {
			far++
		}
	}
	return near >= far
}

// Offsets are how far the times the others state now in their signatures are from
// this node's clock, positive where they are ahead, of those that answer; others
// is how many there are. Each member counts once, whatever it says.
func (w *Witness) Offsets(ctx context.Context) (offsets []time.Duration, others int) {
	ctx, cancel := context.WithTimeout(ctx, gatherTimeout)
	defer cancel()
	answers := w.everybody(ctx, func(ctx context.Context, p Peer, _ members.Member) ([]byte, error) {
		answer, err := p.Checkpoint(ctx, 1)
		return []byte(answer.Note), err
	})
	for _, t := range answers {
		if t.err != nil {
			continue
		}
		if _, _, unix, err := w.of(t.member, t.note); err == nil {
			offsets = append(offsets, time.Unix(unix, 0).Sub(w.Clock()))
		}
	}
	return offsets, len(answers)
}
