package agency

import (
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/exchange"
	"accord/exchange/machine"
	"accord/exchange/members"
	"accord/exchange/release"
)

// mayReceive says whether a release may leave for its requester now: also one that was
// delivered before and is fetched again. A member that left or is suspended, and a
// consent withdrawn meanwhile, end that at once.
func (a *Agency) mayReceive(view *machine.View, rel *release.Release) error {
	to, ok := view.Member(rel.Requester)
	switch {
	case !ok || to.Status != members.Active:
		return ErrNotParty.With("release", rel.ID)
	case to.Suspended != 0:
		return members.ErrSuspended.With("member", to.ID)
	case rel.Denied != nil:
		return ErrNotGranted.With("release", rel.ID, "status", release.Denied)
	}
	return nil
}

// deliverable is the status of a release that may be delivered now: granted, or delivered
// before and not opened. What was delivered before is not sent again when its term is
// over, or when the rules in force do not grant it any more: no statement of now asks the
// ledger about it.
func (a *Agency) deliverable(view *machine.View, rel *release.Release) (release.Status, error) {
	at := a.instant(view)
	status := rel.StatusAt(at)
	if status == release.Delivered && !rel.Lasts(at) {
		status = release.Lapsed
	}
	if status != release.Granted && status != release.Delivered {
		return "", ErrNotGranted.With("release", rel.ID, "status", status)
	}
	return status, rel.StandsUnder(view.Rows(), view.CatalogueFor(at))
}

// Consenting is what a subject consents to at this member's counter or portal.
type Consenting struct {
	Subject   exchange.SubjectID
	Category  string
	Record    exchange.RecordID // empty: the subject's records of the category
	Fields    []string
	Purpose   string
	Recipient exchange.MemberID
	Until     exchange.Millis
}

// SignConsent signs a subject's consent. That the person at the counter is the subject
// is this member's word, for which its operator stands; the paper names no person.
func (a *Agency) SignConsent(op exchange.OperatorID, in Consenting) (release.Consent, string, error) {
	id, err := a.randomID()
	if err != nil {
		return release.Consent{}, "", err
	}
	c := release.Consent{Format: release.ConsentFormat, Federation: a.Federation, ID: id, Issuer: a.Self, Operator: op,
		Subject: release.SubjectOf(id, in.Subject), Category: in.Category, Record: in.Record, Fields: in.Fields, Purpose: in.Purpose,
		Recipient: in.Recipient, At: a.instant(a.Ledger.View()), Until: in.Until}
	payload, err := c.Encode()
	if err != nil {
		return release.Consent{}, "", err
	}
	key, err := a.Keys.Key(keys.Command)
	if err != nil {
		return release.Consent{}, "", err
	}
	token, err := jws.Sign(key, jws.TypConsent, payload)
	return c, token, err
}
