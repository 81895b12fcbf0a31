package wire

import (
	"time"

	"accord/exchange"
)

// NodeCheck is what a running node sees when it looks at itself and its peers.
type NodeCheck struct {
	Time           time.Time   `json:"time"`
	Charter        string      `json:"charter"`            // digest
	Catalogue      string      `json:"catalogue"`          // digest of the one in force
	Calendar       string      `json:"calendar,omitempty"` // last day of the last year whose holidays it lists; empty: it lists none
	CaughtUp       bool        `json:"caught_up"`
	Voters         int         `json:"voters"` // nodes that vote on the order of the log
	LogBytes       int64       `json:"log_bytes"`
	LogEntries     int64       `json:"log_entries"`
	SnapshotIndex  uint64      `json:"snapshot_index"`    // 0: none yet
	SnapshotAge    int64       `json:"snapshot_age_s"`    // seconds
	SnapshotEvery  int64       `json:"snapshot_every"`    // entries between snapshots
	Installs       int         `json:"snapshot_installs"` // snapshots of peers taken within the last hour
	Refusals       uint64      `json:"refusals"`          // what the guard of the log refused since the start
	AuditFiles     int         `json:"audit_files"`       // configured
	AuditWorking   int         `json:"audit_working"`     // of them
	MissingRecords int         `json:"missing_records"`   // own records that the ledger names and the store lacks
	Alarms         int         `json:"ledger_alarms"`     // differences between ledgers that nobody settled
	Stopped        bool        `json:"service_stopped"`   // by one of them
	Complaints     int         `json:"complaints"`        // statements that were not recorded in time
	Cosigned       int64       `json:"cosigned_size"`     // up to here a quorum cosigned the ledger
	Keys           []KeyWindow `json:"keys"`
	Peers          []PeerCheck `json:"peers"`

	Uncovered  []string        `json:"uncovered,omitempty"` // categories of own records that ask for custody, and too few custodians may act
	Blinding   []BlindingEpoch `json:"blinding,omitempty"`  // those of which a holder left or is suspended
	Unrecorded *Unrecorded     `json:"unrecorded_recovery,omitempty"`
}

// PeerCheck is how this node and one other see each other.
type PeerCheck struct {
	Member      exchange.MemberID `json:"member"`
	Node        string            `json:"node"`
	Address     string            `json:"address"`
	Reached     bool              `json:"reached"`
	Why         string            `json:"why,omitempty"`   // error code when not
	RoundTrip   int64             `json:"round_trip_ms"`   // with its dialling back
	ClockOffset int64             `json:"clock_offset_ms"` // its clock minus this one's, beyond what the way explains
	Answer      *PeerAnswer       `json:"answer,omitempty"`
}

// PeerAnswer is what a node tells a peer of itself, and whether it reaches it.
type PeerAnswer struct {
	Member     exchange.MemberID `json:"member"`
	Node       string            `json:"node"`
	Version    string            `json:"version"`
	Time       time.Time         `json:"time"`
	Charter    string            `json:"charter"`
	Catalogue  string            `json:"catalogue"`
	CaughtUp   bool              `json:"caught_up"`
	LedgerSize int64             `json:"ledger_size"`
	Back       bool              `json:"back"` // it reached the asking node at its listed address
	Why        string            `json:"why,omitempty"`
}
