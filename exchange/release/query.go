package release

import (
	"iter"

	"accord/exchange"
	"accord/exchange/state"
)

// Query asks for releases. Empty members do not narrow it.
type Query struct {
	Party     exchange.MemberID  // requester or author
	Requester exchange.MemberID  //
	Author    exchange.MemberID  // of the record
	Record    exchange.RecordID  //
	Status    Status             // at At
	Emergency bool               // asked as emergencies
	At        exchange.Millis    // the time whose statuses are meant; needed with Status
	After     exchange.ReleaseID // the last release of the page before
	Limit     int                // most releases to give; 1 to MaxPage
}

// MaxPage is the longest page.
const MaxPage = 1000

// Get finds a release.
func Get(r state.Reader, id exchange.ReleaseID) (Release, bool) { return releases.Get(r, string(id)) }

// Count is the number of releases asked for, refused ones included.
func Count(v *state.View) int { return releases.Len(v) }

// Find gives a page of releases, newest first, and the release to continue
// after, "" at the end. An After that names no release gives nothing.
func Find(r state.Reader, q Query) (page []Release, next exchange.ReleaseID) {
	limit := min(max(q.Limit, 1), MaxPage)
	for rel := range q.rows(r) {
		if !q.fits(&rel) {
			continue
		}
		if len(page) == limit {
			return page, page[limit-1].ID
		}
		page = append(page, rel)
	}
	return page, ""
}

func (q *Query) rows(r state.Reader) iter.Seq[Release] {
	index, prefix := byAge, []string{}
	switch {
	case q.Record != "":
		index, prefix = byRecord, []string{string(q.Record)}
	case q.Requester != "":
		index, prefix = byParty, []string{string(q.Requester)}
	case q.Author != "":
		index, prefix = byParty, []string{string(q.Author)}
	case q.Party != "":
		index, prefix = byParty, []string{string(q.Party)}
	case q.Emergency:
		index = byEmergency
	}
	if q.After == "" {
		return index.Scan(r, prefix...)
	}
	last, ok := Get(r, q.After)
	if !ok {
		return func(func(Release) bool) {}
	}
	return index.ScanAfter(r, prefix, append(append([]string(nil), prefix...), last.age()), string(last.ID))
}

func (q *Query) fits(r *Release) bool {
	return (q.Party == "" || q.Party == r.Requester || q.Party == r.Record.Author) &&
		(q.Requester == "" || q.Requester == r.Requester) &&
		(q.Author == "" || q.Author == r.Record.Author) && (!q.Emergency || r.Emergency) &&
		(q.Status == "" || q.Status == r.StatusAt(q.At))
}
