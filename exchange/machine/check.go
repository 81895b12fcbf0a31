package machine

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/exchange"
	"accord/exchange/meeting"
	"accord/exchange/members"
	"accord/exchange/state"
)

// opened is a command taken apart. Nothing of it is verified unless it says so.
// It never changes once it is remembered.
type opened struct {
	key      uint64   // memoryKey of the payload, which is the token
	sum      [32]byte // its SHA-256
	token    string
	jws      jws.Token
	cmd      exchange.Command
	verb     verb
	body     any
	since    int  // machine version from which it may be used: its verb's, or what its body asks for
	verified bool // the signature is the one of the key that kid names
}

// open reads a payload strictly: form, verb and body. What it refuses this
// build cannot understand, whoever signed it. What was opened and verified
// before is remembered.
func (m *Machine) open(payload []byte) (*opened, error) {
	if len(payload) > exchange.MaxCommand {
		return nil, exchange.ErrCommandSize.With("max", exchange.MaxCommand)
	}
	key := memoryKey(payload)
	if c := m.remembered.get(key, payload); c != nil {
		return c, nil
	}
	c := &opened{key: key, sum: sha256.Sum256(payload), token: string(payload)}
	var err error
	if c.jws, err = jws.Parse(c.token); err != nil || c.jws.Typ != jws.TypCommand {
		return nil, ErrPayload.Wrap(err)
	}
	if c.cmd, err = exchange.DecodeCommand(c.jws.Payload); err != nil {
		return nil, err
	}
	known := false
	if c.verb, known = m.table[c.cmd.Verb]; !known {
		return nil, ErrVerb.With("verb", c.cmd.Verb)
	}
	if c.body, err = c.verb.decode(c.cmd.Body); err != nil {
		return nil, err
	}
	c.since = c.verb.since
	if newer, ok := c.body.(interface{ Since() int }); ok {
		c.since = max(c.since, newer.Since())
	}
	return c, nil
}

// keyOf finds the command key the issuer had at a time.
func keyOf(r state.Reader, c *opened, at exchange.Millis) (members.Member, keys.Public, error) {
	member, key, ok := members.KeyAt(r, c.jws.KID, at)
	if !ok || member.ID != c.cmd.Issuer || key.Use() != keys.Command || string(key.Alg()) != c.jws.Alg {
		return members.Member{}, keys.Public{}, ErrSigner.With()
	}
	return member, key, nil
}

// announcedKey finds the issuer's command key among all that were ever announced,
// in force or not: what Check goes by.
func (m *Machine) announcedKey(c *opened) (keys.Public, error) {
	key, ok := m.tools.Book.Key(c.cmd.Issuer, c.jws.KID)
	if !ok || key.Use() != keys.Command || string(key.Alg()) != c.jws.Alg {
		return keys.Public{}, ErrSigner.With()
	}
	return key, nil
}

// authentic checks that the command is of this federation and signed with the
// key that was found for it. That a signature was good once is remembered, for a
// kid is the digest of its key; whether the key may be used is asked each time.
func (m *Machine) authentic(c *opened, key keys.Public, err error) *exchange.Error {
	if c.cmd.Federation != m.View().federation.ID {
		return ErrFederation.With()
	}
	if err == nil && !c.verified {
		err = key.Verify([]byte(c.jws.SigningInput), c.jws.Signature)
	}
	if err != nil {
		return ErrSigner.Wrap(err)
	}
	return nil
}

// Check says whether a payload may be stored in the log: it is a command of
// this federation in its one spelling, of a verb this build knows, and signed
// with a key that was ever announced for the member it names. It depends on the
// payload and on the rosters this node has seen, in force or not, so that all
// nodes judge alike however far each has applied: a roster that holds is
// remembered here (members.Book), and what its newcomers sign passes behind it.
func (m *Machine) Check(payload []byte) error { return m.CheckAll([][]byte{payload})[0] }

// Recall puts a payload through Check again if it can bring a roster: after a
// restart the rosters of stored entries must be known before any is applied.
func (m *Machine) Recall(payload []byte) {
	switch verb, known := verbOf(payload); {
	case !known, verb == exchange.VerbRoster, verb == exchange.VerbPropose, verb == exchange.VerbVote:
		_ = m.Check(payload) // it was judged when it came
	}
}

// verbOf reads the verb without the rest. Nearly all payloads are plain; of one
// that is not it knows nothing.
func verbOf(payload []byte) (exchange.Verb, bool) {
	const enough = 1 << 10 // of base64, a multiple of 4
	_, rest, _ := bytes.Cut(payload, []byte("."))
	rest = rest[:min(len(rest), enough)]
	if end := bytes.IndexByte(rest, '.'); end >= 0 {
		rest = rest[:end]
	}
	text, err := base64.RawURLEncoding.DecodeString(string(rest))
	if err != nil {
		return "", false
	}
	return exchange.VerbOf(string(text))
}

// CheckAll is Check for many payloads, with their signatures verified in
// batches: one error or nil for each. What passes is remembered for Apply.
func (m *Machine) CheckAll(payloads [][]byte) []error {
	_, errs := m.CheckTimes(payloads)
	return errs
}

// CheckTimes is CheckAll, and gives the time of each command that passes, for whoever
// has a clock to compare it with.
func (m *Machine) CheckTimes(payloads [][]byte) ([]exchange.Millis, []error) {
	times := make([]exchange.Millis, len(payloads))
	errs := make([]error, len(payloads))
	commands := make([]*opened, len(payloads))
	for i, payload := range payloads {
		commands[i], errs[i] = m.open(payload)
		if c := commands[i]; c != nil && c.verb.name == exchange.VerbRoster {
			// One that does not hold is not refused: its answer on the ledger says why.
			_, _ = m.tools.Book.Learn(*c.body.(*members.SignedRoster), m.tools.Verify)
		}
	}
	m.verify(commands, payloads)
	founded := m.View().federation.Founded
	for i, c := range commands {
		if errs[i] != nil {
			continue
		}
		key, err := m.announcedKey(c)
		if err == nil && c.cmd.At < founded {
			err = ErrSigner.With()
		}
		if refusal := m.authentic(c, key, err); refusal != nil {
			errs[i] = refusal
			continue
		}
		if !c.verified { // a remembered one is, and others may be reading it
			c.verified = true
		}
		m.gather(c)
		m.remembered.add(c)
		times[i] = c.cmd.At
	}
	return times, errs
}

// gather takes in what a verified proposal or vote says of a roster: with enough
// votes it is learnt here, and what its newcomers sign passes behind it.
func (m *Machine) gather(c *opened) {
	switch body := c.body.(type) {
	case *meeting.ProposeBody:
		if body.Roster != nil {
			m.tools.Book.Propose(body.Roster.Document, body.Roster.Proofs)
		}
	case *meeting.VoteBody:
		if body.Endorsement != "" {
			m.tools.Book.Endorsed(body.Endorsement, m.tools.Verify)
		}
	}
}

// verify looks at the signatures of those commands that are not verified yet,
// and marks the good ones; payloads are what they were opened from. Nil commands are
// passed over. What it leaves, for want of a key or because one does not verify,
// authentic judges alone.
func (m *Machine) verify(commands []*opened, payloads [][]byte) {
	var batch []keys.Signed
	var of []*opened
	for i, c := range commands {
		if c == nil || c.verified {
			continue
		}
		if key, err := m.announcedKey(c); err == nil {
			signed := payloads[i][:len(c.jws.SigningInput)] // which begins the token
			batch = append(batch, keys.Signed{Key: key, Message: signed, Sig: c.jws.Signature})
			of = append(of, c)
		}
	}
	if len(batch) < 2 {
		return
	}
	failed := keys.VerifyBatch(batch)
	for i, c := range of {
		if len(failed) > 0 && failed[0] == i {
			failed = failed[1:]
			continue
		}
		c.verified = true
	}
}

// Allows says whether a verb is in force by the newest state, for a leader that is
// about to propose: nodes that do not know it yet could not follow.
func (m *Machine) Allows(verb exchange.Verb) error {
	if v, known := m.table[verb]; known {
		return m.allows(verb, v.since)
	}
	return nil
}

// AllowsPayload is Allows for a command, whose body may use what came later than
// its verb. What does not open, Check refuses.
func (m *Machine) AllowsPayload(payload []byte) error {
	c, err := m.open(payload)
	if err != nil {
		return nil
	}
	return m.allows(c.verb.name, c.since)
}

func (m *Machine) allows(verb exchange.Verb, since int) error {
	if since > m.View().federation.MachineVersion {
		return ErrInactive.With("verb", verb, "since", since)
	}
	return nil
}

// Book holds the rosters this node has verified.
func (m *Machine) Book() *members.Book { return m.tools.Book }

// CommandOf is the command a payload claims to be, for whoever has a clock to
// compare its time with: nobody here has. It verifies nothing.
func CommandOf(payload []byte) (exchange.Command, error) {
	if len(payload) > exchange.MaxCommand {
		return exchange.Command{}, exchange.ErrCommandSize.With("max", exchange.MaxCommand)
	}
	t, err := jws.Parse(string(payload))
	if err != nil {
		return exchange.Command{}, ErrPayload.Wrap(err)
	}
	return exchange.DecodeCommand(t.Payload)
}

// CommandOf is the function of the same name, quicker for a payload that passed
// Check just now.
func (m *Machine) CommandOf(payload []byte) (exchange.Command, error) {
	if c := m.remembered.get(memoryKey(payload), payload); c != nil {
		return c.cmd, nil
	}
	return CommandOf(payload)
}
