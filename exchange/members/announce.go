package members

import (
	"accord/exchange"
	"accord/exchange/state"
)

// Build is what a node said of itself: the newest machine version it can apply,
// and which build of the program says so.
type Build struct {
	Node    string            `json:"node"`
	Member  exchange.MemberID `json:"member"`
	Machine int               `json:"machine"`
	Build   string            `json:"build"`
	At      exchange.Millis   `json:"at"`
}

// ErrAnnounce is an announcement that is not the member's to make.
var ErrAnnounce = exchange.Define(exchange.KindRefused, "MEM-041",
	exchange.Text{Zh: "节点 {node} 不是该成员单位的现任节点，或所报版本 {machine} 低于现行版本 {want}", En: "node {node} is not the member's own, or version {machine} is below the {want} in force"},
	exchange.Text{Zh: "请升级该节点，或核对名册", En: "upgrade the node, or look into the roster"})

// AnnounceBody is the body of node.announce.
type AnnounceBody struct {
	Node    string `json:"node"`
	Machine int    `json:"machine"`
	Build   string `json:"build"`
}

// DecodeAnnounce reads the body.
func DecodeAnnounce(body []byte) (*AnnounceBody, error) {
	b := new(AnnounceBody)
	if err := exchange.DecodeBody(exchange.VerbAnnounce, body, b); err != nil {
		return nil, err
	}
	if !exchange.ValidName(b.Node) || b.Machine < 1 || b.Machine > 1<<20 || !exchange.PlainText(b.Build, 64) {
		return nil, exchange.ErrBody.With("verb", exchange.VerbAnnounce)
	}
	return b, nil
}

// Announced is the outcome of node.announce.
type Announced struct {
	InForce int `json:"in_force"` // the machine version after it
}

// Announce records what a member's node can apply. The version in force is the
// lowest that all nodes can; it rises by itself with the last announcement or
// with the last old node's leaving, and never falls.
func Announce(a *Act, b *AnnounceBody) (*Announced, error) {
	want := Fed(a.Tx).MachineVersion
	if a.Issuer.Node.ID != b.Node || b.Machine < want {
		return nil, ErrAnnounce.With("node", b.Node, "machine", b.Machine, "want", want)
	}
	row := &Build{Node: b.Node, Member: a.Issuer.ID, Machine: b.Machine, Build: b.Build, At: a.Now}
	if err := builds.Insert(a.Tx, row); err != nil {
		return nil, err
	}
	if err := raise(a.Tx); err != nil {
		return nil, err
	}
	return &Announced{Fed(a.Tx).MachineVersion}, nil
}

// raise puts the newest machine version in force that every node of an active
// member can apply. One that never said anything can apply what is in force.
func raise(tx *state.Tx) error {
	fed := Fed(tx)
	lowest := 0
	for m := range members.Scan(tx, "") {
		if m.Status != Active {
			continue
		}
		can := fed.MachineVersion
		if b, ok := builds.Get(tx, m.Node.ID); ok {
			can = max(can, b.Machine)
		}
		if lowest == 0 || can < lowest {
			lowest = can
		}
	}
	if lowest <= fed.MachineVersion {
		return nil
	}
	fed.MachineVersion = lowest
	return federations.Insert(tx, &fed)
}

// BuildOf is what a node said of itself last.
func BuildOf(r state.Reader, node string) (Build, bool) { return builds.Get(r, node) }
