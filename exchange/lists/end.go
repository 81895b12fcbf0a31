package lists

import (
	"accord/exchange"
	"accord/exchange/members"
)

// WithdrawBody is the body of list.withdraw.
type WithdrawBody struct {
	Entry  exchange.EntryID `json:"entry"`
	Reason string           `json:"reason"`          // why, in words
	Expect int              `json:"expect,omitzero"` // version seen; 0: any
}

// RemoveBody is the body of list.remove.
type RemoveBody struct {
	Entry  exchange.EntryID `json:"entry"`
	Reason string           `json:"reason"`          // Repaired, Revoked or Error
	Text   string           `json:"text"`            // why, in words
	Basis  string           `json:"basis"`           // number of the decision document
	Expect int              `json:"expect,omitzero"` // version seen; 0: any
}

// maxText is the longest reason in characters.
const maxText = 500

// DecodeWithdraw reads the body.
func DecodeWithdraw(body []byte) (*WithdrawBody, error) {
	b := new(WithdrawBody)
	if err := exchange.DecodeBody(exchange.VerbWithdraw, body, b); err != nil {
		return nil, err
	}
	if !exchange.ValidID(string(b.Entry)) || !exchange.PlainText(b.Reason, maxText) || b.Expect < 0 {
		return nil, exchange.ErrBody.With("verb", exchange.VerbWithdraw)
	}
	return b, nil
}

// DecodeRemove reads the body.
func DecodeRemove(body []byte) (*RemoveBody, error) {
	b := new(RemoveBody)
	if err := exchange.DecodeBody(exchange.VerbRemove, body, b); err != nil {
		return nil, err
	}
	reason := b.Reason == Repaired || b.Reason == Revoked || b.Reason == Error
	if !exchange.ValidID(string(b.Entry)) || !reason || !exchange.PlainText(b.Text, maxText) ||
		!exchange.PlainText(b.Basis, maxNumber) || b.Expect < 0 {
		return nil, exchange.ErrBody.With("verb", exchange.VerbRemove)
	}
	return b, nil
}

// Ended is the outcome of list.withdraw and list.remove.
type Ended struct {
	Entry   exchange.EntryID `json:"entry"`
	Status  Status           `json:"status"`
	Version int              `json:"version"`
}

// Withdraw takes an entry back while its notice runs.
func Withdraw(a *members.Act, b *WithdrawBody) (*Ended, error) {
	return end(a, b.Entry, b.Expect, Nominated, End{Status: Withdrawn, Text: b.Reason})
}

// Remove takes a listed entry off its list.
func Remove(a *members.Act, b *RemoveBody) (*Ended, error) {
	return end(a, b.Entry, b.Expect, Listed, End{Status: Removed, Reason: b.Reason, Text: b.Text, Basis: b.Basis})
}

func end(a *members.Act, id exchange.EntryID, expect int, want Status, how End) (*Ended, error) {
	e, ok := Get(a.Tx, id)
	switch {
	case !ok:
		return nil, ErrUnknown.With("id", id)
	case e.By != a.Issuer.ID:
		return nil, ErrNotYours.With("by", e.By)
	case expect != 0 && expect != e.Version:
		return nil, ErrExpect.With("version", e.Version, "expect", expect)
	}
	if now := e.StatusAt(a.Now); now != want {
		return nil, ErrStatus.With("status", now, "want", want)
	}
	if refusal := judgeRepair(a, &e, how.Reason); refusal != nil {
		return nil, refusal
	}
	how.At, how.By, how.Operator, how.Seq = a.Now, a.Issuer.ID, a.Command.Operator, a.Seq
	e.Version++
	return &Ended{id, how.Status, e.Version}, ends.Insert(a.Tx, &ended{Entry: id, End: how, Version: e.Version})
}
