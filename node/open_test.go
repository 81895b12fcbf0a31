package node_test

import (
	"bytes"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"accord/node"
	"accord/node/nodetest"
)

// TestASecondStartTouchesNothing: the first one is just writing to its audit log.
func TestASecondStartTouchesNothing(t *testing.T) {
	c := nodetest.New(t)
	cfg := c.Config("court")
	path := cfg.Path(cfg.AuditFiles[0])
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString(`{"seq":1,"event":`) // half of a line, under way
	f.Close()
	before, _ := os.ReadFile(path)
	if n, err := node.Open(cfg, node.Options{}); !errors.Is(err, node.ErrRunning) {
		t.Errorf("a second start: %v", err)
		if n != nil {
			n.Close()
		}
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(after, before) {
		t.Error("the second start cut the first one's audit log")
	}
}

// TestOpenThatFailsHalfWayHoldsNothing: the last thing to open does not.
func TestOpenThatFailsHalfWayHoldsNothing(t *testing.T) {
	c := nodetest.New(t)
	c.Stop("court")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cfg := c.Config("court")
	cfg.MetricsListen = taken.Addr().String()
	if _, err := node.Open(cfg, node.Options{}); !errors.Is(err, node.ErrListen) {
		t.Fatalf("on a port that is taken: %v", err)
	}
	if conn, err := net.Dial("unix", cfg.Socket()); err == nil {
		conn.Close()
		t.Error("the socket of a node that did not open takes calls")
	}
	c.Start("court")
	c.Ready()
}

// TestReadinessFollowsTheQuorum: it goes with the majority and comes back with it.
func TestReadinessFollowsTheQuorum(t *testing.T) {
	c := nodetest.New(t)
	for _, m := range []string{"regulator", "commission", "association"} {
		c.Stop(m)
	}
	court := c.Nodes["court"]
	for court.Status().Ready {
		time.Sleep(20 * time.Millisecond)
	}
	if why := court.Status().Why; why == "" {
		t.Error("and does not say why")
	}
	for _, m := range []string{"regulator", "commission", "association"} {
		c.Start(m)
	}
	c.Ready()
}
