package config

import (
	"path/filepath"
	"time"

	"accord/exchange"
)

// Config is the effective configuration of one node.
type Config struct {
	Dir            string // the data folder; not a key of the file, since the file lies in it
	Member         string
	Federation     string
	Listen         string
	PassphraseFile string
	Lang           string
	LogLevel       string
	LogFormat      string
	Operators      []Operator
	AuditFiles     []string
	Store          string // address of the PostgreSQL that holds the records; "" for records.db in the folder
	StorePassword  string // file with its password
	MetricsListen  string
	RaftTimeout    time.Duration
	SnapshotEvery  int
	TrailingLogs   int
	SnapshotLooks  time.Duration // how often the log looks whether a snapshot is due
	PromoteAfter   time.Duration // how long a newcomer must have kept up before it votes
	RequestTimeout time.Duration
	MaxUpload      int
	BlindingDaily  int // numbers that one member may have blinded in a day by this node's share
	PublicRate     int // requests a second that one address without a name may make; 0: no limit
	ComplainAfter  time.Duration
	FeedPoll       time.Duration // between two rounds with an author's feed
	FeedAnchor     time.Duration // the longest a new entry waits for its anchor
	FeedByHand     []string      // members whose feeds come as files
	WebhookAllow   []string      // addresses beside public ones that webhooks may go to, CIDR
	WebhookCA      string        // file with the certificates of their authorities
	RenewAfter     time.Duration // how long a key is used before it is due to be replaced
}

// Operator is a named person (经办人) who may act on the local socket.
type Operator struct {
	Name  exchange.OperatorID `yaml:"name" json:"name"`
	Roles []Role              `yaml:"roles" json:"roles"`
}

// Role is what an operator may do.
type Role string

// The roles.
const (
	Clerk   Role = "clerk"   // imports and writes records, nominates, asks for releases
	Officer Role = "officer" // approves releases, withdraws and removes entries, adopts catalogues
	Auditor Role = "auditor" // reads receipts and the audit log
	Admin   Role = "admin"   // configuration, status, evidence export
)

// Roles lists every role.
func Roles() []Role { return []Role{Clerk, Officer, Auditor, Admin} }

// Has says whether the operator has any of the wanted roles.
func (o Operator) Has(wanted ...Role) bool {
	for _, r := range o.Roles {
		for _, w := range wanted {
			if r == w {
				return true
			}
		}
	}
	return false
}

// Operator finds an operator by name.
func (c Config) Operator(name exchange.OperatorID) (Operator, bool) {
	for _, o := range c.Operators {
		if o.Name == name {
			return o, true
		}
	}
	return Operator{}, false
}

// Path makes a path of the configuration absolute: relative ones are taken
// from the data folder.
func (c Config) Path(p string) string {
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(c.Dir, p)
}

// Socket is the operator's local socket.
func (c Config) Socket() string { return SocketPath(c.Dir) }

// SocketPath is the local socket of the node whose data lies in dir.
func SocketPath(dir string) string { return filepath.Join(dir, "accord.sock") }

// FilePath is the configuration file of the node whose data lies in dir.
func FilePath(dir string) string { return filepath.Join(dir, "accord.yaml") }
