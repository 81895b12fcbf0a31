package jws

import (
	"fmt"

	"accord/crypto/keys"
)

// The types of statements signed with a member's command key.
const (
	TypCommand      = "accord-command+jws"      // a ledger command
	TypEndorsement  = "accord-endorsement+jws"  // another member's signature under a command or document
	TypCharter      = "accord-charter+jws"      // the founding members' charter
	TypIntroduction = "accord-introduction+jws" // a newcomer's own keys and name
	TypInvitation   = "accord-invitation+jws"   // a member's invitation to a newcomer
	TypRecovery     = "accord-recovery+jws"     // a survivor's report, or a seat's yes to a plan of recovery
	TypBackup       = "accord-backup+jws"       // a node's word for a backup it wrote
	TypComplaint    = "accord-complaint+jws"    // a member's word that its command was not taken
	TypConsent      = "accord-consent+jws"      // a subject's consent, as the member that took it signs it
	TypCopy         = "accord-copy+jws"         // the mark on a shown copy of released fields
)

// uses is the table from typ to the only use whose keys may sign it.
var uses = map[string]keys.Use{
	TypCommand:      keys.Command,
	TypEndorsement:  keys.Command,
	TypCharter:      keys.Command,
	TypIntroduction: keys.Command,
	TypInvitation:   keys.Command,
	TypBackup:       keys.Command,
	TypRecovery:     keys.Command,
	TypComplaint:    keys.Command,
	TypConsent:      keys.Command,
	TypCopy:         keys.Command,
}

// Kind is a type of token: its explicit typ (RFC 8725 section 3.11), the use of
// the keys that sign it, and whether its header names the key.
type Kind struct {
	Typ   string
	Use   keys.Use
	NoKID bool // header {"alg","typ"}: the verifier has the key from elsewhere
}

// kindOf finds a statement's kind.
func kindOf(typ string) (Kind, error) {
	use, ok := uses[typ]
	if !ok {
		return Kind{}, fmt.Errorf("%w: unknown typ", ErrTyp)
	}
	return Kind{Typ: typ, Use: use}, nil
}

// check refuses kinds no key can sign, and a second meaning for a statement's typ.
func (k Kind) check() error {
	if !validTyp(k.Typ) {
		return fmt.Errorf("%w: not a media type name", ErrTyp)
	}
	if alg := k.Use.Alg(); alg != keys.EdDSA && alg != keys.ES256 {
		return fmt.Errorf("%w: a key for %q signs nothing", ErrKey, k.Use)
	}
	if use, ours := uses[k.Typ]; ours && (use != k.Use || k.NoKID) {
		return fmt.Errorf("%w: the typ belongs to another kind", ErrTyp)
	}
	return nil
}
