package wire

import (
	"time"

	"accord/exchange"
	"accord/exchange/blinding"
)

// MaxBlinded is the most elements of one request.
const MaxBlinded = 1000

// AskBlinding asks a holder of the blinding key to evaluate blinded elements.
type AskBlinding struct {
	Epoch    int      `json:"epoch"`             // of the key
	Version  int      `json:"version,omitempty"` // of its holders; 0 as the charter says
	Elements []string `json:"elements"`          // of ristretto255, base64url
}

// Blinding is the elements times the holder's share of the key, with the proof for all
// of them that it was that share (RFC 9497).
type Blinding struct {
	Epoch    int      `json:"epoch"`
	Elements []string `json:"elements"`
	Proof    string   `json:"proof"` // DLEQ, base64url
}

// AskBlindingPart asks a holder of now for the asker's part of a change of holders.
type AskBlindingPart struct {
	Version int `json:"version"`
}

// BlindingPart is a part, encrypted to the asker.
type BlindingPart struct {
	Part string `json:"part"` // JWE
}

// BlindingState is who holds the key that blinds persons' numbers, and how that changes.
type BlindingState struct {
	Scheme  string           `json:"scheme"`
	Epochs  []BlindingEpoch  `json:"epochs"` // the newest first; none: every member has the key
	Next    int              `json:"next"`   // the number of the change that would come next
	Changes []BlindingChange `json:"changes"`
}

// BlindingEpoch is one key and who holds it.
type BlindingEpoch struct {
	Epoch     int                 `json:"epoch"`
	Version   int                 `json:"version"` // of the holders: 0 as the charter says
	Threshold int                 `json:"threshold"`
	Holders   []exchange.MemberID `json:"holders"`
	Since     time.Time           `json:"since"`
	Share     bool                `json:"share"`          // this node has a share of it
	Gone      []exchange.MemberID `json:"gone,omitempty"` // holders that left or are suspended
}

// BlindingChange is a change of the key's holders, newest first among others.
type BlindingChange struct {
	Version   int                 `json:"version"`
	Status    blinding.Status     `json:"status"`
	Epoch     int                 `json:"epoch"`
	Fresh     bool                `json:"fresh,omitempty"` // a new key
	Proposal  exchange.CommandID  `json:"proposal"`
	Threshold int                 `json:"threshold"`
	Holders   []exchange.MemberID `json:"holders"`
	At        time.Time           `json:"at"`
	Deadline  time.Time           `json:"deadline"`
	Need      int                 `json:"need"`             // dealings
	Dealt     []exchange.MemberID `json:"dealt"`            // who dealt
	Accepted  []exchange.MemberID `json:"accepted"`         // which of the next holders accepted
	Since     *time.Time          `json:"since,omitempty"`  // in force since
	By        exchange.MemberID   `json:"by,omitempty"`     // who refused
	Dealer    exchange.MemberID   `json:"dealer,omitempty"` // whose dealing is at fault, as By says
	Why       string              `json:"why,omitempty"`
}
