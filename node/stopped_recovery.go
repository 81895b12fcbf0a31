package node

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"accord/consensus"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange/machine"
	"accord/exchange/members"
	"accord/node/config"
	"accord/node/founding"
	"accord/node/recovery"
	"accord/node/witness"
)

// Report is where this survivor stands, signed by its member.
func (s *Stopped) Report(context.Context) (recovery.Report, []byte, error) {
	view, n := s.View(), s.n
	own, ok := view.Member(n.id.Member)
	if !ok || s.Position.Index == 0 {
		return recovery.Report{}, nil, recovery.ErrPlan.With("why", "this node never took part in the ledger")
	}
	w, err := witness.Open(witness.Config{Federation: n.cfg.Federation, Self: n.id.Member, Dir: filepath.Join(n.cfg.Dir, "witness"), Genesis: n.genesis,
		Keys: n.keys, Ledger: n.machine, Clock: n.opts.Clock, Log: n.log, Check: n.machine.Check, Patience: n.cfg.ComplainAfter})
	if err != nil {
		return recovery.Report{}, nil, err
	}
	cosigned, _ := w.Newest()
	root := view.Root()
	r := recovery.Report{Federation: n.cfg.Federation, Charter: n.genesis.Digest(), Member: n.id.Member, Node: n.id.Node, Address: own.Node.Address,
		At: n.opts.Clock().UTC(), Index: s.Position.Index, Term: s.Position.Term, Current: s.Position.Current, Size: view.Size(),
		Root: hex.EncodeToString(root[:]), Digest: view.Digest().String(), Roster: view.Roster().Version, Cosigned: cosigned.Size}
	for _, v := range s.Position.Servers {
		if v.Voter {
			r.Voters = append(r.Voters, v.ID)
		}
	}
	key, err := s.Key(keys.Command)
	if err != nil {
		return r, nil, err
	}
	token, err := r.Sign(key)
	return r, token, err
}

// Members are the members as this node knows them, to verify papers by.
func (s *Stopped) Members() []members.Member { return s.View().Members() }

// ExportState writes the state at the end of this node's log, for survivors with
// shorter ones.
func (s *Stopped) ExportState(w io.Writer) error {
	snapshot, err := s.n.machine.Snapshot()
	if err != nil {
		return err
	}
	defer snapshot.Release()
	_, err = snapshot.WriteTo(w)
	return err
}

// Applied is what the use of a plan did here.
type Applied struct {
	Digest  string   `json:"plan"`
	By      []string `json:"signed_by"`
	Size    int64    `json:"ledger_size"`
	Dropped int64    `json:"dropped"` // statements of this node's log that are not in the base
	Gained  int64    `json:"gained"`  // statements of the base that this node's log lacked
	Aside   string   `json:"old_log"` // where the old log lies
	Repeat  bool     `json:"repeat"`  // it was applied before
}

// Names of a recovery in a data folder.
const (
	recoveryFolder = "recovery"
	newLedger      = "ledger.new"
	oldLedger      = "ledger.before-"
)

// ApplyRecovery begins this stopped node's log anew under a plan that enough
// seats signed. state is the base's, or nil on the base node. The old log is set
// aside whole. After a crash it is called again with the same.
func ApplyRecovery(ctx context.Context, cfg config.Config, o Options, plan []byte, signatures [][]byte, state io.Reader) (Applied, error) {
	short := shortDigest(plan)
	if err := finishSwap(cfg.Dir, short); err != nil {
		return Applied{}, err
	}
	s, err := OpenStopped(cfg, o)
	if err != nil {
		return Applied{}, err
	}
	a, err := s.applyRecovery(ctx, plan, signatures, state, short)
	return a, errors.Join(err, s.Close())
}

func (s *Stopped) applyRecovery(ctx context.Context, plan []byte, signatures [][]byte, state io.Reader, short string) (Applied, error) {
	signed := recovery.Signed(plan, signatures)
	p, by, err := recovery.Verify(signed, s.n.machine.Book().Newest())
	if err != nil {
		return Applied{}, err
	}
	a := Applied{Digest: recovery.Digest(plan), Aside: oldLedger + short, Size: p.Base.Size}
	for _, m := range by {
		a.By = append(a.By, string(m))
	}
	dir := s.n.cfg.Dir
	if _, err := os.Stat(filepath.Join(dir, oldLedger+short)); err == nil {
		a.Repeat = true
		return a, nil
	}
	base, err := s.fits(ctx, &p, state, &a)
	if err != nil {
		return a, err
	}
	snapshot, err := base.Snapshot()
	if err != nil {
		return a, err
	}
	defer snapshot.Release()
	if err := os.RemoveAll(filepath.Join(dir, newLedger)); err != nil {
		return a, err
	}
	seed := consensus.Seed{Index: p.Base.Index, Term: p.Base.Term, Current: p.Term}
	for _, v := range p.Survivors {
		seed.Servers = append(seed.Servers, consensus.Server{ID: v.Node, Address: v.Address, Voter: true})
	}
	if err := consensus.Reseed(filepath.Join(dir, newLedger), s.n.id.Node, seed, snapshot, s.n.log); err != nil {
		return a, err
	}
	if err := keepPlan(dir, short, signed); err != nil {
		return a, err
	}
	if err := os.Rename(filepath.Join(dir, "ledger"), filepath.Join(dir, oldLedger+short)); err != nil {
		return a, err
	}
	return a, finishSwap(dir, short)
}

// finishSwap puts the new log in place once the old one was set aside.
func finishSwap(dir, short string) error {
	_, err := os.Stat(filepath.Join(dir, "ledger"))
	_, aside := os.Stat(filepath.Join(dir, oldLedger+short))
	if !errors.Is(err, fs.ErrNotExist) || aside != nil {
		return nil
	}
	if err := os.Rename(filepath.Join(dir, newLedger), filepath.Join(dir, "ledger")); err != nil {
		return err
	}
	return founding.SyncFolder(dir)
}

// keepPlan keeps plan and signatures: why this node's log begins anew. The node
// puts them onto the ledger (recordRecovery).
func keepPlan(dir, short string, s members.SignedPlan) error {
	raw, err := strictjson.Marshal(keptPaper{keptFormat, s.Plan, s.Signatures})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, recoveryFolder), 0o700); err != nil {
		return err
	}
	return founding.WriteFile(filepath.Join(dir, recoveryFolder, short+".json"), append(raw, '\n'))
}

// fits holds the plan against this folder and gives the base's state.
func (s *Stopped) fits(ctx context.Context, p *recovery.Plan, state io.Reader, a *Applied) (*machine.Machine, error) {
	view := s.View()
	me, ok := p.Survivor(s.n.id.Node)
	switch {
	case p.Charter != s.n.genesis.Digest() || p.Federation != s.n.cfg.Federation:
		return nil, recovery.ErrPlan.With("why", "it is of another federation")
	case !ok:
		return nil, recovery.ErrPlan.With("why", "it does not name this node among the survivors")
	case me.Index != s.Position.Index || me.Current != s.Position.Current:
		return nil, recovery.ErrPlan.With("why", "this node's log has moved since its report")
	}
	base := s.n.machine
	if p.Base.Node != s.n.id.Node {
		if state == nil {
			return nil, recovery.ErrState.With("why", "this node is not the base and needs its state")
		}
		fresh, err := machine.New(s.n.genesis, machine.Options{Audit: true})
		if err != nil {
			return nil, err
		}
		if err := fresh.Restore(state); err != nil {
			return nil, recovery.ErrState.Wrap(err, "why", "it does not follow from its statements")
		}
		base = fresh
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	at := base.View()
	root := at.Root()
	if at.Size() != p.Base.Size || hex.EncodeToString(root[:]) != p.Base.Root || at.Digest().String() != p.Base.Digest {
		return nil, recovery.ErrState.With("why", "size, root or digest")
	}
	agreed, err := commonSize(view, at)
	if err != nil {
		return nil, err
	}
	if agreed < min(s.Confirmed, view.Size()) {
		return nil, recovery.ErrPlan.With("why", "the base is another history than what this node knows to be agreed")
	}
	a.Dropped, a.Gained = view.Size()-agreed, at.Size()-agreed
	return base, nil
}

// commonSize is how long two ledgers are one.
func commonSize(a, b *machine.View) (int64, error) {
	low, high := int64(0), min(a.Size(), b.Size()) // equal at low, perhaps at high
	for low < high {
		mid := low + (high-low+1)/2
		x, err := a.Tree().RootAt(mid)
		if err != nil {
			return 0, err
		}
		y, err := b.Tree().RootAt(mid)
		if err != nil {
			return 0, err
		}
		if x == y {
			low = mid
		} else {
			high = mid - 1
		}
	}
	return low, nil
}
