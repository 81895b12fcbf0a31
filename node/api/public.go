package api

import (
	"net/http"

	"accord/exchange"
	"accord/exchange/lists"
	"accord/exchange/machine"
	"accord/exchange/subjects"
	"accord/node/wire"
)

// What the public sees of lists: entries whose notice runs and entries in
// force, without the name of the person who put them there. Of an entry that
// has ended it can learn that it ended, and nothing of what it said: repair
// means that publication ends (NDRC Order 36, article 3). Nothing the public
// asks needs the leader, and nobody can ask who was listed on some past day.

// ErrUnpublished is given to the public for the evidence of an entry that is over.
var ErrUnpublished = exchange.Define(exchange.KindForbidden, "API-020",
	exchange.Text{Zh: "该条目已结束公示", En: "the publication of this entry has ended"},
	exchange.Text{Zh: "成员单位可经本单位节点查询", En: "members ask through their own node"})

// isPublic says whether nobody is named.
func (c Caller) isPublic() bool { return !c.Local && c.Member == "" }

// published says whether the public sees an entry of this status.
func published(status lists.Status) bool { return status == lists.Nominated || status == lists.Listed }

// publicOnly refuses the public what only members may ask: a barrier, another
// day, an ended status.
func publicOnly(r *http.Request, linear bool, at *exchange.Millis, status lists.Status) error {
	if !callerOf(r).isPublic() {
		return nil
	}
	switch {
	case linear:
		return ErrMembersOnly.With("name", "read")
	case at != nil:
		return ErrMembersOnly.With("name", "at")
	case status != "" && !published(status):
		return ErrMembersOnly.With("name", "status")
	}
	return nil
}

// ErrMembersOnly is given to the public for a parameter that is not for it.
var ErrMembersOnly = exchange.Define(exchange.KindForbidden, "API-021",
	exchange.Text{Zh: "参数 {name} 仅供成员单位使用", En: "the parameter {name} is for members only"},
	exchange.Text{Zh: "去掉该参数再查询", En: "ask again without it"})

// shown is an entry as the caller may see it, false where it is not in a page
// for this caller.
func shown(view *machine.View, c Caller, e *lists.Entry, at exchange.Millis) (wire.Entry, bool) {
	status := e.StatusAt(at)
	if status == lists.None {
		return wire.Entry{}, false
	}
	out := entryOf(e, at)
	if status == lists.Nominated || status == lists.Listed {
		out.Disputed = subjects.DisputedEntry(view.Rows(), e.ID, at)
		if from := lists.RepairFrom(view.CatalogueFor(at), e); from > e.ListedFrom {
			day := from.Time()
			out.RepairFrom = &day
		}
	}
	if !c.isPublic() {
		return out, true
	}
	out.Operator = ""
	return out, published(status)
}

// remains is all the public learns of an entry that is over.
func remains(e *lists.Entry, at exchange.Millis) wire.Entry {
	full := entryOf(e, at)
	return wire.Entry{ID: full.ID, List: full.List, Status: full.Status, By: full.By, EndedAt: full.EndedAt,
		NominatedAt: full.NominatedAt, ListedFrom: full.ListedFrom, ListedUntil: full.ListedUntil, Version: full.Version, Seq: full.Seq}
}

// publishedEntry finds an entry for its evidence: anybody's while it is
// published, members' afterwards.
func (s *Server) publishedEntry(r *http.Request, view *machine.View, id exchange.EntryID) (lists.Entry, error) {
	row, ok := view.Entry(id)
	if !ok {
		return row, errNoEntry(id)
	}
	if callerOf(r).isPublic() && !published(row.StatusAt(s.instant(nil, view))) {
		return row, ErrUnpublished.With()
	}
	return row, nil
}
