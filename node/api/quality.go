package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/catalogue"
	"accord/exchange/records"
	"accord/node/wire"
)

// Bounds of the report on quality.
const (
	examinedAtMost = 1000 // records of a member's category whose fields are looked at
	withinDefault  = 7    // days
	withinMost     = 3660
)

// quality reports how complete, valid and timely this member's sources and all
// members' records are.
func (s *Server) quality(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r, "source", "member", "category", "from", "to", "within")
	if err != nil {
		return err
	}
	a := assessment{server: s, source: q.name("source"), member: exchange.MemberID(q.name("member")), category: q.name("category"),
		within: q.number("within", -1, 0, withinMost), from: q.day("from"), to: q.day("to")}
	if a.from.IsZero() {
		a.from = time.Date(1970, 1, 1, 0, 0, 0, 0, beijing)
	}
	if a.to.IsZero() {
		a.to = s.Clock().In(beijing)
	}
	if err := q.err(); err != nil {
		return err
	}
	a.cat, a.asked = s.view().Catalogue(), a.within >= 0
	if !a.asked {
		a.within = withinDefault
	}
	out := wire.Quality{Member: s.Agency.Self, From: a.from.Format(time.DateOnly), To: a.to.Format(time.DateOnly), WithinDays: int(a.within),
		Sources: []wire.QualitySource{}, Members: []wire.QualityMember{}}
	if a.member == "" || a.member == s.Agency.Self {
		if err := a.sources(r.Context(), &out); err != nil {
			return err
		}
	}
	if a.source == "" {
		if err := a.members(r.Context(), &out); err != nil {
			return err
		}
	}
	return answer(w, out)
}

// assessment is one report being made.
type assessment struct {
	server           *Server
	cat              *catalogue.Catalogue
	source, category string
	member           exchange.MemberID
	within           int64 // natural days, where asked for or the catalogue sets no working days
	asked            bool
	from, to         time.Time
}

// filter selects the records of the report's days.
func (a *assessment) filter(author exchange.MemberID, category string) records.Filter {
	return records.Filter{Author: author, Category: category, Source: a.source, Newest: true,
		IssuedFrom: exchange.MillisOf(a.from), IssuedUntil: exchange.MillisOf(endOf(a.to))}
}

// endOf is the end of a Beijing day.
func endOf(day time.Time) time.Time {
	y, m, d := day.In(beijing).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, beijing)
}

// lags counts records by how many days after their event they were made, and those of
// them that were in time.
type lags struct {
	byDays map[int64]int64
	timely int64
}

// add counts n records of a category made on a day, so many days after their event.
func (l *lags) add(a *assessment, category string, made, days, n int64) {
	if l.byDays == nil {
		l.byDays = map[int64]int64{}
	}
	l.byDays[days] += n
	timely, set := a.cat.Timely(category, made-days, made)
	if !set || a.asked {
		timely = days <= a.within
	}
	if timely {
		l.timely += n
	}
}

func (l *lags) summary(a *assessment, category string) (t wire.QualityTime) {
	if cat := a.cat.Category(category); cat != nil && !a.asked {
		t.WorkingDays = cat.TimelyDays
	}
	days := make([]int64, 0, len(l.byDays))
	for d, n := range l.byDays {
		days = append(days, d)
		t.Dated += n
	}
	t.Within = l.timely
	if t.Dated == 0 {
		return t
	}
	slices.Sort(days)
	rank := func(percent int64) *int64 { // the nearest one: so many percent are not later
		need, seen := (t.Dated*percent+99)/100, int64(0)
		for i, d := range days {
			if seen += l.byDays[d]; seen >= need {
				return &days[i]
			}
		}
		return nil
	}
	t.Median, t.P90 = rank(50), rank(90)
	return t
}

// counted is what the tallies say of one source and category.
type counted struct {
	wire.QualitySource
	filled map[string]int64
	lags   lags
}

func (a *assessment) sources(ctx context.Context, out *wire.Quality) error {
	f := records.TallyFilter{From: records.TallyDay(exchange.MillisOf(a.from)), Until: records.TallyDay(exchange.MillisOf(endOf(a.to))), Category: a.category}
	if a.source != "" {
		f.Source = &a.source
	}
	tallies, err := a.server.Agency.Records.Tallies(ctx, f)
	if err != nil {
		return err
	}
	stand, err := a.server.Agency.Records.CountStatuses(ctx, a.filter(a.server.Agency.Self, a.category))
	if err != nil {
		return err
	}
	all := map[[2]string]*counted{}
	of := func(source, category string) *counted {
		key := [2]string{source, category}
		if all[key] == nil {
			all[key] = &counted{QualitySource: wire.QualitySource{Source: source, Category: category,
				Findings: []wire.QualityFinding{}, Fields: []wire.QualityField{}}, filled: map[string]int64{}}
		}
		return all[key]
	}
	since := int64(-1)
	for _, t := range tallies {
		if since < 0 || t.Day < since {
			since = t.Day
		}
		of(t.Source, t.Category).take(a, t)
	}
	for _, c := range stand {
		addStatus(c, &of(c.Source, c.Category).Active, &of(c.Source, c.Category).Corrected, &of(c.Source, c.Category).Retracted)
	}
	if since >= 0 {
		out.Since = time.Unix(since*86_400, 0).UTC().Format(time.DateOnly)
	}
	for _, c := range all {
		c.finish(a)
		out.Sources = append(out.Sources, c.QualitySource)
	}
	slices.SortFunc(out.Sources, func(x, y wire.QualitySource) int {
		return cmp.Or(cmp.Compare(x.Source, y.Source), cmp.Compare(x.Category, y.Category))
	})
	return nil
}

// take adds a count to what it is of.
func (c *counted) take(a *assessment, t records.Tally) {
	switch t.Measure {
	case records.TallyRow:
		target := map[string]*int64{records.RowNew: &c.New, records.RowKnown: &c.Known, records.RowDuplicate: &c.Duplicates,
			records.RowConflict: &c.Conflicts, records.RowRefused: &c.Refused, records.RowFlagged: &c.Flagged}[t.Item]
		if target == nil {
			return // of a newer build
		}
		*target += t.Count
		if t.Item != records.RowFlagged {
			c.Read += t.Count
		}
	case records.TallyFinding:
		effect, kind, _ := strings.Cut(t.Item, "/")
		c.Findings = append(c.Findings, wire.QualityFinding{Effect: effect, Kind: kind, Rows: t.Count})
	case records.TallyRecord:
		c.Records += t.Count
	case records.TallyFilled:
		c.filled[t.Item] += t.Count
	case records.TallyLag:
		if days, err := strconv.ParseInt(t.Item, 10, 64); err == nil {
			c.lags.add(a, t.Category, t.Day, days, t.Count)
		}
	}
}

// finish completes a source by the catalogue's fields. A field that only some kinds
// of subject need counts among the optional ones, as it is not counted for whom a
// record is.
func (c *counted) finish(a *assessment) {
	c.Timeliness = c.lags.summary(a, c.Category)
	slices.SortFunc(c.Findings, func(x, y wire.QualityFinding) int {
		return cmp.Or(cmp.Compare(y.Rows, x.Rows), cmp.Compare(x.Effect, y.Effect), cmp.Compare(x.Kind, y.Kind))
	})
	category := a.cat.Category(c.Category)
	if category == nil || c.Records == 0 {
		return
	}
	for _, f := range category.Fields {
		share := &c.Optional
		if f.Required {
			share = &c.Required
		}
		share.Filled, share.Of = share.Filled+c.filled[f.ID], share.Of+c.Records
		c.Fields = append(c.Fields, wire.QualityField{Field: f.ID, Required: f.Required, Filled: c.filled[f.ID], Of: c.Records})
	}
}

func addStatus(c records.StatusCount, active, corrected, retracted *int64) {
	switch c.Status {
	case records.Active:
		*active += c.Count
	case records.Corrected:
		*corrected += c.Count
	case records.Retracted:
		*retracted += c.Count
	}
}

// members reports on what this node holds of each member.
func (a *assessment) members(ctx context.Context, out *wire.Quality) error {
	stand, err := a.server.Agency.Records.CountStatuses(ctx, a.filter(a.member, a.category))
	if err != nil {
		return err
	}
	all := map[[2]string]*wire.QualityMember{}
	for _, c := range stand {
		key := [2]string{string(c.Author), c.Category}
		if all[key] == nil {
			all[key] = &wire.QualityMember{Member: c.Author, Category: c.Category}
		}
		addStatus(c, &all[key].Active, &all[key].Corrected, &all[key].Retracted)
	}
	for _, m := range all {
		if err := a.examine(ctx, m); err != nil {
			return err
		}
		out.Members = append(out.Members, *m)
	}
	slices.SortFunc(out.Members, func(x, y wire.QualityMember) int {
		return cmp.Or(cmp.Compare(x.Member, y.Member), cmp.Compare(x.Category, y.Category))
	})
	return nil
}

// examine looks at the public fields of a member's newest records.
func (a *assessment) examine(ctx context.Context, m *wire.QualityMember) error {
	category := a.cat.Category(m.Category)
	found, _, err := a.server.Agency.Records.List(ctx, a.filter(m.Member, m.Category), "", examinedAtMost)
	if err != nil || category == nil {
		return err
	}
	var late lags
	for i := range found {
		claims, _, err := a.server.Agency.VerifyRecord(m.Member, found[i].JWT)
		if err != nil {
			continue // what does not verify is no word of its author, and an alarm elsewhere
		}
		m.Examined++
		for _, f := range category.Fields {
			class, ok := a.cat.ClassOf(m.Category, f.ID, claims.SubjectKind)
			if !ok || class.Private() {
				continue
			}
			m.Public.Of++
			if _, there := claims.Public[f.ID]; there {
				m.Public.Filled++
			}
		}
		event, _ := claims.Public[category.EventField].(string)
		made := records.TallyDay(found[i].IssuedAt)
		if days, ok := agency.LagOf(event, made); ok && claims.Replaces == "" {
			late.add(a, m.Category, made, days, 1)
		}
	}
	m.Timeliness = late.summary(a, m.Category)
	return nil
}
