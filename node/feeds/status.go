package feeds

import (
	"context"
	"time"

	"accord/exchange/records"
	"accord/node/wire"
)

// Status is where every feed stands here.
func (f *Feeds) Status(ctx context.Context) (wire.FeedsStatus, error) {
	out := wire.FeedsStatus{Feeds: []wire.FeedStatus{}, Alarms: []wire.FeedAlarm{}}
	for _, author := range f.Authors() {
		have, err := f.Store.Feed(ctx, author)
		if err != nil {
			return out, err
		}
		lacks, err := f.Store.Lacks(ctx, author)
		if err != nil {
			return out, err
		}
		row := wire.FeedStatus{Author: author, Own: author == f.Self, Size: have.Edge.Size(), Seen: have.Edge.Size(), Root: have.Edge.Root(),
			Withheld: lacks[records.Withheld], Erased: lacks[records.Erased], Missing: lacks[records.Missing] + lacks[records.Clash]}
		if a, ok := f.Ledger.View().Anchor(author); ok {
			at := a.At.Time()
			row.Anchor, row.AnchoredAt = a.Size, &at
		}
		if !row.Own {
			fl := f.follow(author)
			fl.mu.Lock()
			row.Seen = max(row.Seen, fl.seen)
			row.PolledAt, row.WellAt = known(fl.polled), known(fl.well)
			fl.mu.Unlock()
		}
		out.Feeds = append(out.Feeds, row)
	}
	for _, a := range f.Alarms() {
		out.Alarms = append(out.Alarms, a.Wire())
		for i := range out.Feeds {
			if out.Feeds[i].Author == a.Author && a.Settled == "" {
				out.Feeds[i].Alarms++
			}
		}
	}
	return out, nil
}

func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Wire is the alarm as it is shown.
func (a Alarm) Wire() wire.FeedAlarm {
	return wire.FeedAlarm{ID: a.ID, Author: a.Author, Kind: a.Kind, Size: a.Size, Why: a.Why, FoundAt: a.FoundAt.Time(),
		Evidence: a.Evidence, SettledBy: a.Settled, Reason: a.Reason}
}

// Behind is how many entries of the others' feeds were seen and are not here yet.
func (f *Feeds) Behind() (n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fl := range f.follows {
		fl.mu.Lock()
		n += max(0, fl.seen-fl.have)
		fl.mu.Unlock()
	}
	return n
}
