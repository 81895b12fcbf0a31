package tlog

import (
	"fmt"
	"strconv"
	"strings"
)

// A Policy is a C2SP tlog-policy: which logs are known, which witnesses, and
// which sets of witnesses are strong enough together. It judges a signed
// checkpoint and nothing else; it has no way to be changed after ParsePolicy or
// NewPolicy made it.
type Policy struct {
	logs      []policyKey
	witnesses []policyKey
	groups    []group
	quorum    string // name of a witness or group, or "none"
}

type policyKey struct {
	name string // witnesses only
	key  Key
	url  string
}

type group struct {
	name    string
	k       int
	members []string
}

const quorumNone = "none"

// Limits of a policy file; the specification asks for at least 32 of each.
const (
	maxPolicy  = 256 << 10
	maxDefined = 1024
)

// NewPolicy makes the policy "at least k of these cosigners", with no log line:
// the log is known by its origin. This is a federation's own rule, where every
// member cosigns and nobody owns a log key.
func NewPolicy(k int, cosigners ...Key) (*Policy, error) {
	p := &parser{}
	names := make([]string, len(cosigners))
	for i, key := range cosigners {
		names[i] = key.name
		if err := p.witness([]string{"witness", key.name, key.String()}); err != nil {
			return nil, err
		}
	}
	args := append([]string{"group", "quorum", strconv.Itoa(k)}, names...)
	if err := p.group(args); err != nil {
		return nil, err
	}
	p.policy.quorum = "quorum"
	return &p.policy, nil
}

// NewLogPolicy is NewPolicy with log lines: each of these keys may have signed
// under the log's own name, and one of them must have.
func NewLogPolicy(k int, logs, cosigners []Key) (*Policy, error) {
	p, err := NewPolicy(k, cosigners...)
	if err != nil {
		return nil, err
	}
	for _, log := range logs {
		entry, err := keyEntry("", []string{log.String()}, TypeEd25519, p.logs)
		if err != nil {
			return nil, err
		}
		p.logs = append(p.logs, entry)
	}
	return p, nil
}

// Check opens a signed checkpoint of the log named by origin and decides
// whether it is to be believed: it must be signed by one of the policy's logs
// (if the policy lists any) under the name origin, and cosigned by a quorum.
// The errors are Open's and ErrQuorum.
func (p *Policy) Check(msg []byte, origin string) (*SignedCheckpoint, error) {
	var known []Key
	for _, l := range p.logs {
		if l.key.name == origin {
			known = append(known, l.key)
		}
	}
	if len(p.logs) > 0 && len(known) == 0 {
		return nil, fmt.Errorf("%w: the policy knows no log %q", ErrOrigin, origin)
	}
	if len(p.logs) == 0 && p.quorum == quorumNone {
		return nil, fmt.Errorf("%w: the policy asks for no signature at all", ErrQuorum)
	}
	for _, w := range p.witnesses {
		known = append(known, w.key)
	}
	signed, err := Open(msg, origin, known...)
	if err != nil {
		return nil, err
	}
	byLog, witnessed := p.count(signed)
	if len(p.logs) > 0 && !byLog {
		return nil, fmt.Errorf("%w: not signed by the log itself", ErrUnsigned)
	}
	if p.quorum != quorumNone && !witnessed[p.quorum] {
		return nil, fmt.Errorf("%w: %d known cosignatures", ErrQuorum, len(signed.Signatures))
	}
	return signed, nil
}

// count says whether a log signed, and which witnesses and groups witnessed.
// Groups only refer to names defined before them, so one pass is enough.
func (p *Policy) count(signed *SignedCheckpoint) (byLog bool, witnessed map[string]bool) {
	witnessed = make(map[string]bool)
	for _, v := range signed.Signatures {
		byLog = byLog || v.Key.typ == TypeEd25519
		for _, w := range p.witnesses {
			if w.key == v.Key {
				witnessed[w.name] = true
			}
		}
	}
	for _, g := range p.groups {
		n := 0
		for _, m := range g.members {
			if witnessed[m] {
				n++
			}
		}
		witnessed[g.name] = n >= g.k
	}
	return byLog, witnessed
}

// Witnesses returns the cosigners' keys.
func (p *Policy) Witnesses() []Key {
	out := make([]Key, len(p.witnesses))
	for i, w := range p.witnesses {
		out[i] = w.key
	}
	return out
}

// String is the policy file, in canonical form: one space between items, logs
// first, no comments.
func (p *Policy) String() string {
	var b strings.Builder
	for _, l := range p.logs {
		fmt.Fprintln(&b, strings.TrimRight("log "+l.key.String()+" "+l.url, " "))
	}
	for _, w := range p.witnesses {
		fmt.Fprintln(&b, strings.TrimRight("witness "+w.name+" "+w.key.String()+" "+w.url, " "))
	}
	for _, g := range p.groups {
		fmt.Fprintf(&b, "group %s %d %s\n", g.name, g.k, strings.Join(g.members, " "))
	}
	fmt.Fprintf(&b, "quorum %s\n", p.quorum)
	return b.String()
}

// ParsePolicy reads a policy file strictly by C2SP tlog-policy. Keys of
// signature types this package cannot verify are refused, because a policy that
// silently never reaches its quorum, or silently ignores a witness, misleads.
func ParsePolicy(data []byte) (*Policy, error) {
	if len(data) > maxPolicy {
		return nil, fmt.Errorf("%w policy: over %d bytes", ErrFormat, maxPolicy)
	}
	for _, c := range data {
		if c < 0x20 && c != '\t' && c != '\n' || c == 0x7f {
			return nil, fmt.Errorf("%w policy: control character", ErrFormat)
		}
	}
	text, ok := strings.CutSuffix(string(data), "\n")
	if !ok {
		return nil, fmt.Errorf("%w policy: last line has no end", ErrFormat)
	}
	p := &parser{}
	for i, line := range strings.Split(text, "\n") {
		if err := p.line(line); err != nil {
			return nil, fmt.Errorf("policy line %d: %w", i+1, err)
		}
	}
	if p.policy.quorum == "" {
		return nil, fmt.Errorf("%w policy: no quorum line", ErrFormat)
	}
	return &p.policy, nil
}

// parser collects the definitions of one file.
type parser struct {
	policy  Policy
	defined map[string]bool // witnesses and groups, one namespace
	used    map[string]bool // already a member of some group
}

func (p *parser) line(line string) error {
	args := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
	if len(args) == 0 || strings.HasPrefix(args[0], "#") {
		return nil
	}
	switch args[0] {
	case "log":
		return p.log(args)
	case "witness":
		return p.witness(args)
	case "group":
		return p.group(args)
	case "quorum":
		return p.quorum(args)
	}
	return fmt.Errorf("%w: unknown item", ErrFormat)
}

func (p *parser) log(args []string) error {
	if len(args) < 2 || len(args) > 3 || len(p.policy.logs) >= maxDefined {
		return fmt.Errorf("%w: want log <vkey> [<url>]", ErrFormat)
	}
	entry, err := keyEntry("", args[1:], TypeEd25519, p.policy.logs)
	if err != nil {
		return err
	}
	p.policy.logs = append(p.policy.logs, entry)
	return nil
}

func (p *parser) witness(args []string) error {
	if len(args) < 3 || len(args) > 4 {
		return fmt.Errorf("%w: want witness <name> <vkey> [<url>]", ErrFormat)
	}
	entry, err := keyEntry(args[1], args[2:], TypeCosignature, p.policy.witnesses)
	if err != nil {
		return err
	}
	if err := p.define(args[1]); err != nil {
		return err
	}
	p.policy.witnesses = append(p.policy.witnesses, entry)
	return nil
}

// keyEntry reads "<vkey> [<url>]". Two keys are the same if their public keys
// are, whatever their names.
func keyEntry(name string, args []string, typ SigType, have []policyKey) (policyKey, error) {
	key, err := ParseKey(args[0])
	if err != nil {
		return policyKey{}, err
	}
	if key.typ != typ {
		return policyKey{}, fmt.Errorf("%w: signature type 0x%02x does not fit the item", ErrKey, byte(key.typ))
	}
	for _, h := range have {
		if h.key.public == key.public {
			return policyKey{}, fmt.Errorf("%w: duplicate public key", ErrKey)
		}
	}
	entry := policyKey{name: name, key: key}
	if len(args) == 2 {
		entry.url = args[1]
	}
	return entry, nil
}

func (p *parser) group(args []string) error {
	if len(args) < 4 {
		return fmt.Errorf("%w: want group <name> all|any|<k> and names", ErrFormat)
	}
	g := group{name: args[1], members: args[3:]}
	switch args[2] {
	case "all":
		g.k = len(g.members)
	case "any":
		g.k = 1
	default:
		k, err := parseDecimal(args[2])
		if err != nil || k < 1 || k > int64(len(g.members)) {
			return fmt.Errorf("%w: group threshold", ErrFormat)
		}
		g.k = int(k)
	}
	if p.used == nil {
		p.used = make(map[string]bool)
	}
	for _, m := range g.members {
		if !p.defined[m] || p.used[m] {
			return fmt.Errorf("%w: group member unknown, or a member of a group already", ErrFormat)
		}
		p.used[m] = true
	}
	if err := p.define(g.name); err != nil {
		return err
	}
	p.policy.groups = append(p.policy.groups, g)
	return nil
}

func (p *parser) quorum(args []string) error {
	if len(args) != 2 || p.policy.quorum != "" || args[1] != quorumNone && !p.defined[args[1]] {
		return fmt.Errorf("%w: want one quorum <name>, naming what is defined above", ErrFormat)
	}
	p.policy.quorum = args[1]
	return nil
}

func (p *parser) define(name string) error {
	if p.defined == nil {
		p.defined = make(map[string]bool)
	}
	if name == quorumNone || p.defined[name] || len(p.defined) >= maxDefined {
		return fmt.Errorf("%w: name is taken, reserved, or one too many", ErrFormat)
	}
	p.defined[name] = true
	return nil
}
