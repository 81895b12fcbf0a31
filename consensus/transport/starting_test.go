package transport

import (
	"errors"
	"testing"

	"github.com/hashicorp/raft"
)

// A node that is starting has not read its membership yet. It puts its peers off, lets
// nothing through and accuses nobody.
func TestAStartingNodePutsPeersOff(t *testing.T) {
	view := newFakeView()
	view.servers = nil
	g, err := NewGuard(GuardConfig{ID: "n0", View: startingView{view}, Elections: &Elections{}})
	if err != nil {
		t.Fatal(err)
	}
	header := raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte("n1"), Addr: []byte("host-n1")}
	err = g.admit("n1", KindAppendEntries, &raft.AppendEntriesRequest{RPCHeader: header, Term: 5}, Proofs{}, nil)
	if !errors.Is(err, errNotYet) || !errors.Is(g.admitCall("n1", KindPropose), errNotYet) || len(g.Refusals()) > 0 {
		t.Errorf("answered %v, refused %v", err, g.Refusals())
	}
}

type startingView struct{ *fakeView }

func (startingView) Memberships() [][]raft.Server { return nil }
