// Package doctor examines a node from the outside: its folder, disk, keys and
// clock, and, when it runs, its peers as both sides see each other.
//
// Its one idea: looking and judging are two steps. Observe gathers [Facts] and
// forms no opinion; Judge turns facts into findings and touches nothing, so that
// every finding can be provoked in a test by the facts that call for it. Each
// finding is an exchange.Definition: a stable code, a text in both languages,
// and the line that mends it.
package doctor

import (
	"time"

	"accord/exchange"
	"accord/node/backup"
	"accord/node/config"
	"accord/node/wire"
)

// Level is how bad a finding is.
type Level string

// The levels.
const (
	OK   Level = "ok"
	Warn Level = "warn" // works today
	Fail Level = "fail" // does not work, or will not survive the next fault
)

// worse orders levels.
var worse = map[Level]int{OK: 0, Warn: 1, Fail: 2}

// Finding is the result of one check.
type Finding struct {
	Check string
	Title exchange.Text
	Level Level
	Error *exchange.Error // what was found, nil when all is well
}

// Report is all findings of one examination.
type Report struct {
	At       time.Time
	Online   bool
	Findings []Finding
}

// Worst is the level of the worst finding.
func (r Report) Worst() Level {
	worst := OK
	for _, f := range r.Findings {
		if worse[f.Level] > worse[worst] {
			worst = f.Level
		}
	}
	return worst
}

// Facts are what was seen. Times are durations or instants as read; nothing is
// judged yet.
type Facts struct {
	Now    time.Time
	Config config.Config
	Disk   Disk
	// Exposed are paths in the folder that others than its owner may use.
	Exposed []string
	// Unknown are names in the folder that are not the product's.
	Unknown []string
	// Keys is why the keystore does not open, nil when it does.
	Keys error
	// Beside is the passphrase file where it lies in the data folder, else "".
	Beside string
	// Charter is the digest of the charter in the folder; Genesis is why there is
	// none.
	Charter string
	Genesis error
	// Started: the node ran here before. LedgerThere: its log is there.
	Started, LedgerThere bool
	// Backup is the last one, nil when none was made.
	Backup *backup.Last
	// AuditDevices are the file systems of the audit files.
	AuditDevices []uint64

	// Running is what the running node says, nil when none runs. NotRunning is
	// why there is no answer.
	Running *Running
	// Store is why the database of a node that does not run cannot be used.
	Store      error
	NotRunning error
}

// Running is what a running node knows.
type Running struct {
	Status wire.NodeStatus
	Check  wire.NodeCheck
}

// Disk is the file system under the data folder.
type Disk struct {
	Err         error
	Kind        string // its name, "" when not known
	Memory      bool   // gone at the next restart
	Remote      bool   // a network file system
	Free        uint64 // bytes that this user can still write
	Total       uint64
	Inodes      uint64 // free ones; 0 with TotalInodes 0 where there is no limit
	TotalInodes uint64
	// Sync are the times that small writes took to be durable, sorted.
	Sync []time.Duration
}
