package machine

import (
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/exchange"
	"accord/exchange/lists"
	"accord/exchange/members"
	"accord/exchange/state"
)

var commandKind = jws.Kind{Typ: jws.TypCommand, Use: keys.Command}

// opened is a command taken apart; nothing of it is verified.
type opened struct {
	token string
	kid   string
	cmd   exchange.Command
	verb  verb
	body  any
}

// open reads a payload strictly: form, verb and body. What it refuses this
// build cannot understand, whoever signed it.
func (m *Machine) open(payload []byte) (*opened, error) {
	if len(payload) > exchange.MaxCommand {
		return nil, exchange.ErrCommandSize.With("max", exchange.MaxCommand)
	}
	c := &opened{token: string(payload)}
	t, err := jws.Parse(c.token)
	if err != nil || t.Typ != jws.TypCommand {
		return nil, ErrPayload.Wrap(err)
	}
	c.kid = t.KID
	if c.cmd, err = exchange.DecodeCommand(t.Payload); err != nil {
		return nil, err
	}
	known := false
	if c.verb, known = m.table[c.cmd.Verb]; !known {
		return nil, ErrVerb.With("verb", c.cmd.Verb)
	}
	if agreed := m.View().federation.MachineVersion; c.verb.since > agreed {
		return nil, ErrInactive.With("verb", c.cmd.Verb, "since", c.verb.since)
	}
	if c.body, err = c.verb.decode(c.cmd.Body); err != nil {
		return nil, err
	}
	return c, nil
}

// keyOf finds the command key the issuer had at a time.
func keyOf(r state.Reader, c *opened, at exchange.Millis) (members.Member, keys.Public, error) {
	member, key, ok := members.KeyAt(r, c.kid, at)
	if !ok || member.ID != c.cmd.Issuer || key.Use() != keys.Command {
		return members.Member{}, keys.Public{}, ErrSigner.With()
	}
	return member, key, nil
}

// authentic checks that the command is of this federation and signed by the
// member it names with a key that counted then.
func (m *Machine) authentic(r state.Reader, c *opened, federation string, at exchange.Millis) (members.Member, *exchange.Error) {
	if c.cmd.Federation != federation {
		return members.Member{}, ErrFederation.With()
	}
	var issuer members.Member
	_, err := m.tools.Verify(c.token, commandKind, func(string) (key keys.Public, err error) {
		issuer, key, err = keyOf(r, c, at)
		return key, err
	})
	if err != nil {
		return members.Member{}, ErrSigner.Wrap(err)
	}
	return issuer, nil
}

// Check says whether a payload may be stored in the log: it is a command of
// this federation in its one spelling, of a verb this build knows and all have
// agreed on, and every signature in it that can be judged now is good. It
// depends on the payload and the members' keys, on nothing that a command of
// machine version 1 can change, so that all nodes judge alike however far each
// has applied.
func (m *Machine) Check(payload []byte) error {
	c, err := m.open(payload)
	if err != nil {
		return err
	}
	return m.verify(c)
}

func (m *Machine) verify(c *opened) error {
	v := m.View()
	if _, refusal := m.authentic(v.state, c, v.federation.ID, c.cmd.At); refusal != nil {
		return refusal
	}
	if c.verb.prepare != nil {
		return c.verb.prepare(m, c)
	}
	return nil
}

// CheckAll is Check for many payloads, with their command signatures verified
// in batches: one error or nil for each.
func (m *Machine) CheckAll(payloads [][]byte) []error {
	errs := make([]error, len(payloads))
	v := m.View()
	var batch []keys.Signed
	var good []*opened
	for i, payload := range payloads {
		c, err := m.open(payload)
		if err != nil {
			errs[i] = err
			continue
		}
		t, err := jws.Parse(c.token)
		if err != nil {
			errs[i] = ErrPayload.Wrap(err)
			continue
		}
		if _, key, err := keyOf(v.state, c, c.cmd.At); err == nil && string(key.Alg()) == t.Alg {
			batch = append(batch, keys.Signed{Key: key, Message: []byte(t.SigningInput), Sig: t.Signature})
			good = append(good, c)
		}
	}
	bad := map[int]bool{}
	for _, i := range keys.VerifyBatch(batch) {
		bad[i] = true
	}
	for i, c := range good {
		if !bad[i] {
			m.tools.Remember(c.token)
		}
	}
	for i, payload := range payloads {
		if errs[i] == nil {
			errs[i] = m.Check(payload) // finds the good signatures remembered
		}
	}
	return errs
}

// prepareNominate verifies the documents' own signatures ahead of apply, which
// then finds them remembered.
func prepareNominate(m *Machine, c *opened) error {
	v := m.View()
	for _, jwt := range c.body.(*lists.NominateBody).JWTs() {
		_, err := m.tools.Verify(jwt, lists.Kind, func(kid string) (keys.Public, error) {
			member, key, ok := members.KeyAt(v.state, kid, c.cmd.At)
			if !ok || member.ID != c.cmd.Issuer {
				return keys.Public{}, jws.ErrKey
			}
			return key, nil
		})
		if err != nil {
			return lists.ErrSignature.Wrap(err)
		}
	}
	return nil
}

// TimeOf is the time a payload claims, for whoever has a clock to compare it
// with: nobody here has. It verifies nothing.
func TimeOf(payload []byte) (exchange.Millis, error) {
	if len(payload) > exchange.MaxCommand {
		return 0, exchange.ErrCommandSize.With("max", exchange.MaxCommand)
	}
	t, err := jws.Parse(string(payload))
	if err != nil {
		return 0, ErrPayload.Wrap(err)
	}
	c, err := exchange.DecodeCommand(t.Payload)
	return c.At, err
}
