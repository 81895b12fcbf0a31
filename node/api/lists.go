package api

import (
	"net/http"
	"net/url"

	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/lists"
	"accord/exchange/machine"
	"accord/node/audit"
	"accord/node/wire"
)

// ErrNoList is given for a list that is neither in the catalogue nor has
// entries of an earlier one.
var ErrNoList = exchange.Define(exchange.KindNotFound, "API-009",
	exchange.Text{Zh: "没有名单 {list}", En: "there is no list {list}"},
	exchange.Text{Zh: "现行目录的名单见 accord list kinds", En: "accord list kinds shows the lists of the catalogue in force"})

// maxScan is how many entries one page looks through: enough for any list that
// is mostly what was asked for, and a bound for one that is not.
const maxScan = 20_000

// entries is a page of a list as it stood, or will stand, at an instant.
func (s *Server) entries(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r, "subject", "status", "at", "cursor", "limit", "read")
	if err != nil {
		return err
	}
	find := lists.Query{List: r.PathValue("list"), Subject: q.subject(),
		Status: lists.Status(q.text("status", isListStatus)), After: exchange.EntryID(q.cursor()), Limit: q.limit()}
	at, linear := q.at(), q.linear()
	if err := q.err(); err != nil {
		return err
	}
	if err := publicOnly(r, linear, at, find.Status); err != nil {
		return err
	}
	view, err := s.read(w, r, linear)
	if err != nil {
		return err
	}
	find.At = s.instant(at, view)
	if find.After != "" {
		last, ok := view.Entry(find.After)
		if !ok || last.List != find.List || find.Subject != "" && last.Subject != find.Subject {
			return ErrQuery.With("name", "cursor")
		}
	} else if err := knownList(view, find.List); err != nil {
		return err
	}
	return answer(w, page(view, find, callerOf(r)))
}

// page fills a page with the entries that existed at the instant. Entries
// nominated later are passed over, so more than one page of rows may be read.
func page(view *machine.View, find lists.Query, c Caller) wire.Entries {
	out := wire.Entries{At: find.At.Time(), Index: view.Index(), Entries: []wire.Entry{}}
	limit := find.Limit
	for scanned := 0; ; {
		find.Limit = limit - len(out.Entries)
		rows, next := view.Entries(find)
		for i := range rows {
			if e, ok := shown(view, c, &rows[i], find.At); ok {
				out.Entries = append(out.Entries, e)
			}
		}
		scanned += len(rows)
		if next == "" || len(out.Entries) == limit || scanned >= maxScan {
			out.Next = string(next)
			return out
		}
		find.After = next
	}
}

func knownList(view *machine.View, list string) error {
	if view.Catalogue().List(list) != nil {
		return nil
	}
	if exchange.ValidName(list) {
		if rows, _ := view.Entries(lists.Query{List: list, Limit: 1}); len(rows) > 0 {
			return nil
		}
	}
	return ErrNoList.With("list", printable(list))
}

func isListStatus(s string) bool {
	for _, known := range lists.Statuses() {
		if s == string(known) {
			return true
		}
	}
	return false
}

// findEntries is a page of what a question finds on all lists, as it stood at a time
// by what was known at one.
func (s *Server) findEntries(w http.ResponseWriter, r *http.Request) error {
	question, page, err := questionOf(r, lists.ParseQuestion, "cursor", "limit", "read")
	if err != nil {
		return err
	}
	cursor, limit, linear := page.cursor(), page.limit(), page.linear()
	if err := page.err(); err != nil {
		return err
	}
	if err := publicQuestion(r, linear, question); err != nil {
		return err
	}
	view, err := s.read(w, r, linear)
	if err != nil {
		return err
	}
	found, err := view.AskEntries(question, s.instant(nil, view), cursor, limit)
	if err != nil {
		return err
	}
	out := wire.Entries{At: found.Stand.AsOf.Time(), Known: found.Stand.Known.Time(), Index: view.Index(), Entries: []wire.Entry{}, Next: found.Next,
		Question: question.String(), Link: nextLink(r, question.Pairs(), found.Next, limit)}
	for i := range found.Entries {
		if e, ok := shown(view, callerOf(r), &found.Entries[i], found.Stand.AsOf); ok {
			out.Entries = append(out.Entries, e)
		}
	}
	return answer(w, out)
}

// publicQuestion refuses the public what only members may ask.
func publicQuestion(r *http.Request, linear bool, q lists.Question) error {
	if callerOf(r).isPublic() && q.KnownAt != 0 {
		return ErrMembersOnly.With("name", "known-at")
	}
	if callerOf(r).isPublic() && q.AsOf != 0 {
		return ErrMembersOnly.With("name", "as-of")
	}
	return publicOnly(r, linear, nil, q.Status)
}

// entry is one entry with its signed document.
func (s *Server) entry(w http.ResponseWriter, r *http.Request) error {
	question, q, err := questionOf(r, entryTimes, "at", "read")
	if err != nil {
		return err
	}
	at, linear := q.at(), q.linear()
	if err := q.err(); err != nil {
		return err
	}
	if err := publicOnly(r, linear, at, ""); err != nil {
		return err
	}
	if err := publicQuestion(r, linear, question); err != nil {
		return err
	}
	view, err := s.read(w, r, linear)
	if err != nil {
		return err
	}
	stand := question.Stand(view.Size(), view.Time(), s.instant(nil, view))
	if at != nil {
		stand.AsOf = *at
	}
	return answerEntry(w, r, view, exchange.EntryID(r.PathValue("id")), stand)
}

// entryTimes reads the times of a question about one entry.
func entryTimes(given url.Values) (q lists.Question, err error) {
	for name := range given {
		if name != "as-of" && name != "known-at" {
			return q, ErrQuery.With("name", printable(name))
		}
	}
	return lists.ParseQuestion(given)
}

func answerEntry(w http.ResponseWriter, r *http.Request, view *machine.View, id exchange.EntryID, stand lists.Stand) error {
	row, ok := view.Entry(id)
	if ok {
		row, ok = stand.Of(row)
	}
	if !ok {
		return errNoEntry(id)
	}
	at := stand.AsOf
	out, published := shown(view, callerOf(r), &row, at)
	if !published {
		return answer(w, remains(&row, at))
	}
	var err error
	if out.Document, err = view.EntryDocument(&row); err != nil {
		return err
	}
	out.DocumentFault = view.VerifyDocument(&row, out.Document) != nil
	return answer(w, out)
}

func errNoEntry(id exchange.EntryID) error {
	return agency.ErrEntry.With("entry", printable(string(id)))
}

// entryOf shows a row as it stood at an instant: an end that came later is not
// in it.
func entryOf(e *lists.Entry, at exchange.Millis) wire.Entry {
	out := wire.Entry{ID: e.ID, List: e.List, Status: string(e.StatusAt(at)), Subject: e.Subject, SubjectKind: e.SubjectKind,
		Name: e.Name, Ground: e.Ground, Measures: e.Measures, By: e.By, Operator: e.Operator,
		NominatedAt: e.NominatedAt.Time(), ListedFrom: e.ListedFrom.Time(), ListedUntil: e.ListedUntil.Time(),
		Version: e.Version, Seq: e.Seq}
	if d := e.Decision; d != nil {
		out.Decision = &wire.DecisionRef{Number: d.Number, Authority: d.Authority, Date: d.Date}
	}
	for _, ref := range e.Records {
		out.Records = append(out.Records, wire.RecordRef(ref))
	}
	if e.End != nil && at >= e.End.At {
		ended := e.End.At.Time()
		out.EndedAt, out.EndReason = &ended, e.End.Reason
	}
	if end := e.Annulled(at); end != nil {
		annulled := end.At.Time()
		out.AnnulledAt, out.AnnulReason = &annulled, end.Reason
	}
	return out
}

// withdraw takes an entry back while its notice runs.
func (s *Server) withdraw(w http.ResponseWriter, r *http.Request) error {
	return s.end(w, r, "list.withdraw", func(in wire.EndEntry, f *form) {
		f.none(in.Reason, "/reason") // one of the reasons of a removal
		f.none(in.Basis, "/basis")
	}, func(id exchange.EntryID, in wire.EndEntry) error {
		return s.Agency.Withdraw(r.Context(), callerOf(r).Operator.Name, lists.WithdrawBody{Entry: id, Reason: in.Text, Expect: in.Expect})
	})
}

// remove takes a listed entry off its list.
func (s *Server) remove(w http.ResponseWriter, r *http.Request) error {
	return s.end(w, r, "list.remove", func(in wire.EndEntry, f *form) {
		f.need(in.Reason == lists.Repaired || in.Reason == lists.Revoked || in.Reason == lists.Error, "/reason")
		f.text(in.Basis, maxNumber, "/basis")
	}, func(id exchange.EntryID, in wire.EndEntry) error {
		return s.Agency.Remove(r.Context(), callerOf(r).Operator.Name, lists.RemoveBody{Entry: id, Reason: in.Reason, Text: in.Text,
			Basis: in.Basis, Expect: in.Expect})
	})
}

func (s *Server) end(w http.ResponseWriter, r *http.Request, act string, check func(wire.EndEntry, *form),
	do func(exchange.EntryID, wire.EndEntry) error) error {
	var in wire.EndEntry
	if err := body(r, &in); err != nil {
		return err
	}
	var f form
	check(in, &f)
	f.text(in.Text, maxReason, "/text")
	f.need(in.Expect >= 0, "/expect")
	if err := f.err(); err != nil {
		return err
	}
	id := exchange.EntryID(r.PathValue("id"))
	known := func(view *machine.View) bool { _, ok := view.Entry(id); return ok }
	view, err := s.abreast(r, known)
	if err != nil {
		return err
	}
	if !known(view) {
		return errNoEntry(id)
	}
	if err := s.act(r, audit.Event{Act: act}, func(*audit.Event) error { return do(id, in) }); err != nil {
		return err
	}
	view = s.view()
	setIndex(w, view)
	return answerEntry(w, r, view, id, s.stand(view))
}

// stand is now, with all that is known.
func (s *Server) stand(view *machine.View) lists.Stand {
	return lists.Question{}.Stand(view.Size(), view.Time(), s.instant(nil, view))
}
