package release

import (
	"accord/exchange"
	"accord/exchange/members"
)

// Standing says whether custodians may serve a grant at a time: it is granted or,
// where its author says that it delivered and the requester opened nothing, it would
// not have lapsed.
//
// One that rests on a consent they do not serve: that it is the record's subject's,
// only the author can see, who has the record. Nor one whose consent was withdrawn.
func (r *Release) Standing(at exchange.Millis) bool {
	if r.Consent != nil || r.Denied != nil {
		return false
	}
	switch r.StatusAt(at) {
	case Granted:
		return true
	case Delivered:
		return r.Lasts(at)
	}
	return false
}

// OpenedByCustodians notes that the requester opened a release by its custodians'
// answers; digest names the first of them.
func OpenedByCustodians(a *members.Act, r Release, digest string) error {
	r.Opened = receipt(a, digest)
	return releases.Insert(a.Tx, &r)
}
