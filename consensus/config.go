package consensus

import (
	"fmt"
	"log/slog"
	"time"

	"accord/consensus/store/disk"
	"accord/consensus/transport"

	"github.com/hashicorp/raft"
)

// Server is one node of the membership.
type Server struct {
	ID      string // node id: agency and incarnation, never used twice
	Address string // where peers reach it
	Voter   bool
}

// Config of a log. Zero values mean the defaults named; between agencies they
// must be equal everywhere.
type Config struct {
	Dir    string // this node's own directory
	NodeID string
	// Create says that NodeID has never run before, so an empty Dir is right.
	// Without it an empty Dir is refused: a node that lost its disk has forgotten
	// its votes and must come back under a new id.
	Create bool
	// Servers is the founding membership, the same on every founder, for
	// [Log.Bootstrap]. For a node that joins later it names whom to believe until
	// the membership itself has arrived. Afterwards it is not looked at.
	Servers []Server
	// Newcomer says that this node is none of the founding ones: it has no vote
	// before the log gives it one, whoever governance says shall have one.
	Newcomer  bool
	Transport transport.Network
	// Cluster names the federation, the same on every node, for instance by the
	// digest of its charter: votes signed in one are worth nothing in another.
	Cluster string

	Heartbeat  time.Duration // 3 s; also the election timeout
	Lease      time.Duration // half of Heartbeat: a leader without quorum steps down
	RPCTimeout time.Duration // 10 s

	SnapshotThreshold uint64        // 8,192 entries since the last snapshot
	SnapshotBytes     int64         // 256 MiB of them, or half of that snapshot's size if this is more
	SnapshotInterval  time.Duration // 2 min between looks
	TrailingLogs      uint64        // 10,240 entries kept behind a snapshot
	MaxEntry          int           // 256 KiB, one payload
	MaxSnapshot       int64         // 16 GiB

	// Unfit, if not nil, says why this node must not lead although its disk and its
	// peers would let it, or nil. While it is an error the node proposes nothing and
	// keeps silent as a leader, so that the others choose another; it goes on
	// following. It is asked often and must not wait.
	Unfit func() error

	// Settled, if not nil, is the newest entry of which the user has a proof of its own
	// that it is committed and that this node has applied it, also before its last start;
	// 0 if none. Replaced is told before entries at or below it, which are on this disk
	// and were never committed, are replaced by those that were. Neither may wait.
	Settled  func() uint64
	Replaced func(Replaced)

	Logger *slog.Logger
	// Fatal is called once when this node must not go on: a failed or hanging
	// disk, a failed machine, damage. The log has stopped by then; the process
	// should end with status 1. Required.
	Fatal func(error)

	// StoreLimit is the watchdog's patience with the disk, 5 s.
	StoreLimit time.Duration
	// NoSync leaves out fsync. For tests only.
	NoSync bool
	// Disk is where log and snapshots are kept in place of Dir. For tests only.
	Disk disk.FS
	// Unguarded takes the guard out, with signed votes and the machine's check on
	// followers, on all nodes alike. It is there to measure what the guard costs,
	// never for a node somebody else can reach.
	Unguarded bool
	// Hook, if not nil, is told each place at which a test may want a crash.
	Hook func(point string)
}

func (c Config) hit(point string) {
	if c.Hook != nil {
		c.Hook(point)
	}
}

func (c Config) unfit() error {
	if c.Unfit == nil {
		return nil
	}
	return c.Unfit()
}

func (c Config) withDefaults() Config {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&c.Heartbeat, 3*time.Second)
	def(&c.Lease, c.Heartbeat/2)
	def(&c.RPCTimeout, 10*time.Second)
	def(&c.SnapshotInterval, 2*time.Minute)
	if c.SnapshotThreshold == 0 {
		c.SnapshotThreshold = 8192
	}
	if c.SnapshotBytes == 0 {
		c.SnapshotBytes = 256 << 20
	}
	if c.TrailingLogs == 0 {
		c.TrailingLogs = 10240
	}
	if c.MaxEntry == 0 {
		c.MaxEntry = 256 << 10
	}
	if c.MaxSnapshot == 0 {
		c.MaxSnapshot = 16 << 30
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) validate() error {
	switch {
	case c.Dir == "" || c.NodeID == "" || c.Transport == nil || c.Fatal == nil:
		return fmt.Errorf("%w: Dir, NodeID, Transport and Fatal are required", ErrConfig)
	case c.MaxEntry < 1 || c.MaxEntry > MaxGroupBytes:
		return fmt.Errorf("%w: MaxEntry", ErrConfig)
	case c.Lease > c.Heartbeat:
		return fmt.Errorf("%w: Lease is longer than Heartbeat", ErrConfig)
	}
	if len(c.Servers) > 0 {
		if err := transport.CheckConfiguration(configuration(c.Servers)); err != nil {
			return fmt.Errorf("%w: Servers: %w", ErrConfig, err)
		}
	}
	return nil
}

// raftConfig is how raft is used here; see DESIGN.md for the reasons.
func (c Config) raftConfig(notify chan<- bool, away *absences) *raft.Config {
	rc := raft.DefaultConfig()
	rc.LocalID = raft.ServerID(c.NodeID)
	// Raft looks for a silent leader at random times one to two heartbeat timeouts
	// apart and does not start anew when it hears one: silence is noticed after one
	// to three of them. A shorter one brings that to about the election timeout.
	rc.HeartbeatTimeout, rc.ElectionTimeout, rc.LeaderLeaseTimeout = max(c.Heartbeat*3/5, c.Lease), c.Heartbeat, c.Lease
	rc.SnapshotInterval, rc.SnapshotThreshold, rc.TrailingLogs = c.SnapshotInterval, c.SnapshotThreshold, c.TrailingLogs
	rc.MaxAppendEntries = 64
	rc.BatchApplyCh = false
	rc.ShutdownOnRemove = false // it also ends a leader that only loses its vote, for good
	rc.PreVoteDisabled = false
	rc.RestoreCommittedLogs = false
	rc.NoSnapshotRestoreOnStart = true // openStore has done it, beside reading the log
	rc.NoLegacyTelemetry = true
	rc.NotifyCh = notify
	rc.Logger = newLogger(c.Logger, away)
	return rc
}

// configuration turns servers into raft's form.
func configuration(servers []Server) raft.Configuration {
	var out raft.Configuration
	for _, s := range servers {
		rs := raft.Server{ID: raft.ServerID(s.ID), Address: raft.ServerAddress(s.Address), Suffrage: raft.Nonvoter}
		if s.Voter {
			rs.Suffrage = raft.Voter
		}
		out.Servers = append(out.Servers, rs)
	}
	return out
}

func fromRaft(s raft.Server) Server {
	return Server{ID: string(s.ID), Address: string(s.Address), Voter: s.Suffrage == raft.Voter}
}
