package founding

import (
	"bytes"
	"errors"
	"net"
	"time"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/keystore"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/members"
	"accord/node/config"
)

// maxPaper bounds a founding paper: 1 MiB.
const maxPaper = 1 << 20

// Invitation is what a convener sends to the other founders, or a member to a
// newcomer: which federation, who invites, until when; of a federation that is founded
// also its charter and where its members' nodes answer. It carries no secret; the phrase
// over its bytes is compared by phone. A founded federation admits one member on it.
type Invitation struct {
	Format     string          `json:"format"`
	ID         string          `json:"id"`
	Federation string          `json:"federation"`
	Name       exchange.Text   `json:"name"`
	Convener   members.Founder `json:"convener"`
	Issued     exchange.Millis `json:"issued"`
	Expires    exchange.Millis `json:"expires"`

	Charter   string   `json:"charter,omitempty"`   // digest of the federation's charter
	Endpoints []string `json:"endpoints,omitempty"` // addresses of its members' nodes
}

// An invitation to found a federation, and one into a federation that is founded.
const (
	invitationFormat = "accord-invitation/1"
	admissionFormat  = "accord-invitation/2"
)

// Invite makes an invitation to the federation of the data folder, signed by
// its member, valid for the given time.
func Invite(cfg config.Config, store *keystore.Store, name exchange.Text, now time.Time, valid time.Duration) ([]byte, error) {
	intro, err := ownIntroduction(cfg.Dir)
	if err != nil {
		return nil, err
	}
	id, err := randomBytes(16)
	if err != nil {
		return nil, err
	}
	inv := Invitation{Format: invitationFormat, ID: encodeID(id), Federation: cfg.Federation,
		Name: name, Convener: intro.Member, Issued: exchange.MillisOf(now), Expires: exchange.MillisOf(now.Add(valid))}
	if err := inv.leadTo(cfg.Dir); err != nil {
		return nil, err
	}
	key, err := inv.key(store)
	if err != nil {
		return nil, err
	}
	return signPaperWith(key, jws.TypInvitation, inv)
}

// key is the command key that the invitation lists: the newest that the member made may
// wait for a roster to list it.
func (inv *Invitation) key(store *keystore.Store) (keys.Private, error) {
	for _, k := range inv.Convener.Keys {
		if k.Use() == keys.Command {
			return store.ByKID(k.KID())
		}
	}
	return store.Key(keys.Command)
}

// leadTo names the federation that a folder is of, if it is founded, and its member as it
// is listed now: its keys may have been exchanged since it introduced itself.
func (inv *Invitation) leadTo(dir string) error {
	g, err := ReadGenesis(dir)
	if errors.Is(err, ErrNotFounded) {
		return nil
	} else if err != nil {
		return err
	}
	line, err := ReadRosters(dir, g)
	if err != nil {
		return err
	}
	inv.Format, inv.Charter = admissionFormat, g.Digest()
	if m, ok := line.Roster().Member(inv.Convener.ID); ok {
		inv.Convener = m
	}
	for _, m := range line.Roster().Members {
		inv.Endpoints = append(inv.Endpoints, m.Node.Address)
	}
	return nil
}

// whole says whether an invitation has what its format has.
func (inv *Invitation) whole() bool {
	if inv.Format == invitationFormat {
		return inv.Charter == "" && len(inv.Endpoints) == 0
	}
	for _, address := range inv.Endpoints {
		if _, port, err := net.SplitHostPort(address); err != nil || port == "" || len(address) > maxAddress {
			return false
		}
	}
	return exchange.ValidDigest(inv.Charter) && len(inv.Endpoints) > 0 && len(inv.Endpoints) <= members.MaxMembers
}

// maxAddress is the longest host name (RFC 1035, section 2.3.4) with a port.
const maxAddress = 255 + len(":65535")

// ReadInvitation verifies an invitation at the given time.
func ReadInvitation(token []byte, now time.Time) (Invitation, error) {
	var inv Invitation
	if err := readPaper("invitation", token, jws.TypInvitation, &inv, func() []keys.Public { return inv.Convener.Keys }); err != nil {
		return Invitation{}, err
	}
	switch {
	case inv.Format != invitationFormat && inv.Format != admissionFormat:
		return Invitation{}, ErrPaper.With("file", "invitation", "why", "unknown format")
	case !exchange.ValidName(inv.Federation) || !exchange.ValidID(inv.ID) || !exchange.ValidName(string(inv.Convener.ID)) || inv.Expires <= inv.Issued || !inv.whole():
		return Invitation{}, ErrPaper.With("file", "invitation", "why", "malformed")
	case exchange.MillisOf(now) > inv.Expires:
		return Invitation{}, ErrExpired.With("until", inv.Expires.Time().UTC().Format(time.RFC3339))
	}
	return inv, nil
}

// ReadIntroduction verifies a member's introduction.
func ReadIntroduction(token []byte) (members.Introduction, error) {
	token = bytes.TrimSpace(token)
	if len(token) > maxPaper {
		return members.Introduction{}, ErrPaper.With("file", "introduction", "why", "too long")
	}
	in, ok := members.OpenIntroduction(string(token), jws.VerifyKind)
	switch {
	case !ok:
		return members.Introduction{}, ErrPaper.With("file", "introduction", "why", "it is no introduction, or its signature does not hold")
	case !exchange.ValidName(in.Federation) || !exchange.ValidName(string(in.Member.ID)):
		return members.Introduction{}, ErrPaper.With("file", "introduction", "why", "malformed")
	}
	return in, nil
}

// readPaper reads a self-signed paper: its payload names the keys, and one of
// them signed it. That proves possession; who it is, people check by phone.
func readPaper(file string, token []byte, typ string, v any, listed func() []keys.Public) error {
	token = bytes.TrimSpace(token)
	if len(token) > maxPaper {
		return ErrPaper.With("file", file, "why", "too long")
	}
	t, err := jws.Parse(string(token))
	if err != nil {
		return ErrPaper.Wrap(err, "file", file, "why", "not a signed paper")
	}
	if err := strictjson.Unmarshal(t.Payload, v); err != nil {
		return ErrPaper.Wrap(err, "file", file, "why", "malformed")
	}
	_, err = jws.Verify(string(token), typ, func(kid string) (keys.Public, error) {
		for _, k := range listed() {
			if k.KID() == kid && k.Use() == keys.Command {
				return k, nil
			}
		}
		return keys.Public{}, jws.ErrKey
	})
	if err != nil {
		return ErrPaper.Wrap(err, "file", file, "why", "its signature does not hold")
	}
	return nil
}
