package witness

import (
	"context"
	"errors"
	"io"
	"slices"

	"accord/crypto/tlog"
	"accord/exchange/machine"
	"accord/exchange/members"
)

var errNoSuchState = errors.New("witness: the state at that log entry is not here")

// Vouch gives what makes a peer believe the snapshot of a log entry: the
// checkpoint that a quorum cosigned over exactly the statements in it.
func (w *Witness) Vouch(ctx context.Context, index uint64) ([]byte, error) {
	size := w.Ledger.View().SizeAt(index)
	if size < 1 {
		return nil, errNoSuchState
	}
	c, err := w.Gather(ctx, size)
	return []byte(c.Note), err
}

// Vet judges a snapshot of somebody else's making before it may replace the
// state of m. The voucher must bear a quorum's cosignatures by the members this
// node knows, also by rosters it was shown and has not applied; the snapshot must
// be exactly what they signed, continue this node's own ledger, and hold what its
// own statements bring about. Rows are not under the cosigned root, so all of them
// are made anew and compared, which costs as much as applying the statements did.
// ErrCosign says that too few of the signers are known here, which is no fault of
// whoever sent it; a known member's signature that does not hold is one.
func (w *Witness) Vet(ctx context.Context, m *machine.Machine, voucher []byte, snapshot io.Reader) error {
	point, err := w.trust(voucher, announced(w.Ledger.View().Members(), m.Book().Newest()))
	if err != nil {
		return err
	}
	_, err = m.Prepare(ctx, snapshot, machine.Trusted{Size: point.Size, Root: point.Root}, true)
	return err
}

// Trust judges a note of somebody else's: as many active members as the charter
// asks must have signed it, by the keys this node knows them by.
func (w *Witness) Trust(note []byte) (tlog.Checkpoint, error) {
	return w.trust(note, w.Ledger.View().Members())
}

// announced adds the keys and members of a roster to those the ledger knows. A node
// that was away while keys were exchanged has yet to apply the statements that brought
// them, and gets them only by the snapshot whose voucher they signed. The roster
// proves itself.
func announced(known []members.Member, line *members.Lineage) []members.Member {
	out := slices.Clone(known)
	for _, f := range line.Roster().Members {
		at := slices.IndexFunc(out, func(m members.Member) bool { return m.ID == f.ID })
		if at < 0 {
			at, out = len(out), append(out, members.Member{ID: f.ID, Status: members.Active})
		}
		out[at].Keys = slices.Clone(out[at].Keys)
		for _, k := range f.Keys {
			if !slices.ContainsFunc(out[at].Keys, func(have members.Key) bool { return have.Public.KID() == k.KID() }) {
				out[at].Keys = append(out[at].Keys, members.Key{Public: k})
			}
		}
	}
	return out
}

func (w *Witness) trust(note []byte, known []members.Member) (tlog.Checkpoint, error) {
	c, _, err := tlog.Read(note)
	if err != nil {
		return tlog.Checkpoint{}, err
	}
	if c.Origin != w.origin() {
		return tlog.Checkpoint{}, tlog.ErrOrigin
	}
	got := 0
	for _, m := range known {
		if m.Status != members.Active {
			continue
		}
		_, _, _, err := w.of(m, note)
		switch {
		case err == nil && !w.accused(m.ID):
			got++
		case errors.Is(err, tlog.ErrSignature):
			return tlog.Checkpoint{}, err
		}
	}
	if want := w.Ledger.View().Federation().CosignQuorum; got < want {
		return tlog.Checkpoint{}, ErrCosign.With("got", got, "want", want)
	}
	return c, nil
}
