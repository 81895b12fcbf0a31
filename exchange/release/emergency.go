package release

import (
	"accord/exchange"
	"accord/exchange/members"
	"accord/exchange/state"
)

// JustifyBody is the body of release.justify.
type JustifyBody struct {
	Release exchange.ReleaseID `json:"release"`
	Text    string             `json:"text"`
}

// DecodeJustify reads the body.
func DecodeJustify(body []byte) (*JustifyBody, error) {
	b := new(JustifyBody)
	if err := exchange.DecodeBody(exchange.VerbReleaseJustify, body, b); err != nil {
		return nil, err
	}
	if !exchange.ValidID(string(b.Release)) || !exchange.PlainText(b.Text, maxNote) {
		return nil, exchange.ErrBody.With("verb", exchange.VerbReleaseJustify)
	}
	return b, nil
}

// Justify is the requester's reason for an emergency, afterwards. Late is better than
// never, and shows as late.
func Justify(a *members.Act, b *JustifyBody) (*Stepped, error) {
	r, ok := releases.Get(a.Tx, string(b.Release))
	switch {
	case !ok:
		return nil, ErrUnknown.With("id", b.Release)
	case a.Issuer.ID != r.Requester:
		return nil, ErrNotRequester.With("requester", r.Requester)
	case r.JustifyBy == 0:
		return nil, ErrNoEmergency.With()
	case r.Justified != nil:
		return nil, ErrJustified.With()
	}
	why := word(a, b.Text)
	r.Justified = &why
	return &Stepped{r.ID, r.StatusAt(a.Now), r.Until(a.Now)}, releases.Insert(a.Tx, &r)
}

// Urgency is where the justification of an emergency stands.
type Urgency string

// The urgencies; Ordinary is a request that was no emergency, or was refused.
const (
	Ordinary      Urgency = ""
	Unjustified   Urgency = "unjustified"    // 待说明: there is time left
	Overdue       Urgency = "overdue"        // 逾期未说明
	Justified     Urgency = "justified"      // 已说明
	JustifiedLate Urgency = "justified-late" // 逾期说明
)

// UrgencyAt is the request's urgency at a time.
func (r *Release) UrgencyAt(at exchange.Millis) Urgency {
	switch {
	case r.JustifyBy == 0 || at < r.At:
		return Ordinary
	case r.Justified != nil && at >= r.Justified.At && r.Justified.At >= r.JustifyBy:
		return JustifiedLate
	case r.Justified != nil && at >= r.Justified.At:
		return Justified
	case at >= r.JustifyBy:
		return Overdue
	}
	return Unjustified
}

// Emergencies counts the emergencies that are still to be justified, and those that
// were not in time and are not yet.
func Emergencies(r state.Reader, at exchange.Millis) (unjustified, overdue int) {
	for rel := range byEmergency.Scan(r) {
		switch rel.UrgencyAt(at) {
		case Unjustified:
			unjustified++
		case Overdue:
			overdue++
		}
	}
	return unjustified, overdue
}
