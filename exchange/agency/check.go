package agency

import (
	"context"
	"slices"
	"strings"

	"accord/crypto/bundle"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/lists"
	"accord/exchange/machine"
	"accord/exchange/members"
	"accord/exchange/records"
	"accord/exchange/subjects"
)

// ListsWord is the members' common word on the lists of one position, under the
// checkpoint of that position.
type ListsWord struct {
	Checkpoint []byte // cosigned note
	Size       int64  // what it says: leaves of the ledger
	Root       tlog.Hash
	At         exchange.Millis
	Tree       *bundle.ListTree
	Note       string // cosigned note over the tree
}

// notKept are what a credit check would tell and this federation keeps no account of
// yet: their absence from an answer means nothing.
func notKept(view *machine.View) []string {
	if view.Federation().MachineVersion < members.MachineMeeting {
		return []string{"objections"}
	}
	return []string{}
}

// Bounds of an answer: what goes beyond is refused, since an answer that leaves
// something out would read like a whole one.
const (
	maxChecked = 10_000 // records looked at
	maxGrades  = 20
)

// ErrTooMuch is given when there is more about a subject than one answer holds.
var ErrTooMuch = exchange.Define(exchange.KindRefused, "CHECK-001",
	exchange.Text{Zh: "该主体的有效记录或评级过多（一次核查最多 {records} 条记录、{grades} 条评级）", En: "there is more about this subject than one answer holds ({records} records, {grades} ratings)"},
	exchange.Text{Zh: "改用 accord record find 分页查询", En: "page through it with accord record find"})

// CheckPosition is the least size of the ledger on which an answer about a subject
// can stand: all that was said of its entries is below.
func CheckPosition(view *machine.View, subject exchange.SubjectID) int64 {
	size := int64(1)
	for e := range entriesOf(view, subject) {
		size = max(size, e.Seq+1)
		if e.End != nil {
			size = max(size, e.End.Seq+1)
		}
		for _, o := range subjects.OfEntry(view.Rows(), e.ID) {
			size = max(size, o.Seq+1)
			if o.Answer != nil {
				size = max(size, o.Answer.Seq+1)
			}
		}
	}
	return size
}

// entriesOf gives all entries of a subject, newest first.
func entriesOf(view *machine.View, subject exchange.SubjectID) func(func(lists.Entry) bool) {
	return func(yield func(lists.Entry) bool) {
		for after := exchange.EntryID(""); ; {
			page, next := view.Entries(lists.Query{Subject: subject, After: after, Limit: lists.MaxPage})
			for _, e := range page {
				if !yield(e) {
					return
				}
			}
			if after = next; next == "" {
				return
			}
		}
	}
}

// CreditCheck answers what there is about a subject, as one file: this member's
// signed answer, the documents of the entries it names, the proofs that the subject
// is on no other list, the ratings, and the checkpoint all of it stands on.
func (a *Agency) CreditCheck(ctx context.Context, subject exchange.SubjectID, word ListsWord, feeds []bundle.CheckFeed) (*bundle.Bundle, error) {
	b, c, err := a.lookedUp(ctx, subject, word, feeds, nil)
	if err != nil {
		return nil, err
	}
	token, _, err := a.attest(bundle.CheckKind, c)
	if err != nil {
		return nil, err
	}
	b.AddDocument(bundle.KindCheck, token)
	return b, nil
}

// CreditAnswer is the signed answer of CreditCheck by itself, as a compact JWS of
// bundle.TypCheck: this member's word at the named position of the ledger. Whoever
// needs the proofs asks for the whole file.
func (a *Agency) CreditAnswer(ctx context.Context, subject exchange.SubjectID, word ListsWord, feeds []bundle.CheckFeed) (string, error) {
	view := a.Ledger.View()
	c, err := a.newAnswer(view, subject, word, feeds)
	if err != nil {
		return "", err
	}
	lists, _ := checkLists(view, c, word)
	for _, list := range lists {
		if word.Tree.Lacks(c.Federation, list, c.Subject) {
			c.NotListed = append(c.NotListed, list)
		}
	}
	rated, err := a.countRecords(ctx, view.Catalogue(), c)
	if err == nil && rated {
		c.Records = c.Records[:0]
		err = a.checkRecords(ctx, nil, view.Catalogue(), c, nil)
	}
	if err == nil {
		err = a.recordObjections(ctx, view, c)
	}
	if err != nil {
		return "", err
	}
	token, _, err := a.attest(bundle.CheckKind, c)
	return token, err
}

// countRecords counts the active records on the subject without reading them, and
// says whether any of them may rate it.
func (a *Agency) countRecords(ctx context.Context, cat *catalogue.Catalogue, c *bundle.CreditCheck) (rated bool, err error) {
	counts, err := a.Records.Counts(ctx, exchange.SubjectID(c.Subject))
	if err != nil {
		return false, err
	}
	total := 0
	for _, n := range counts {
		category := cat.Category(n.Category)
		c.Records = append(c.Records, bundle.CheckRecord{Category: n.Category, Author: string(n.Author), Active: n.Active,
			Adverse: category != nil && category.Adverse})
		rated = rated || cat.Field(n.Category, gradeField) != nil
		total += n.Active
	}
	if total > maxChecked {
		return false, ErrTooMuch.With("records", maxChecked, "grades", maxGrades)
	}
	return rated, nil
}

// lookedUp is an answer about a subject and the file with its proofs; each sees every
// active record on the subject that this node holds and that verifies.
func (a *Agency) lookedUp(ctx context.Context, subject exchange.SubjectID, word ListsWord, feeds []bundle.CheckFeed, each func(*records.Record) error) (*bundle.Bundle, *bundle.CreditCheck, error) {
	view := a.Ledger.View()
	c, err := a.newAnswer(view, subject, word, feeds)
	if err != nil {
		return nil, nil, err
	}
	b := bundle.New(a.Federation, a.Genesis.Signatures, word.Checkpoint)
	if err := b.LogCharter(view.Tree(), 0); err != nil {
		return nil, nil, err
	}
	known, hits := checkLists(view, c, word)
	if err := proveLists(b, view, c, word, known, hits); err != nil {
		return nil, nil, err
	}
	if err := a.recordObjections(ctx, view, c); err != nil {
		return nil, nil, err
	}
	return b, c, a.checkRecords(ctx, b, view.Catalogue(), c, each)
}

// newAnswer is an answer that says nothing yet.
func (a *Agency) newAnswer(view *machine.View, subject exchange.SubjectID, word ListsWord, feeds []bundle.CheckFeed) (c *bundle.CreditCheck, err error) {
	c = &bundle.CreditCheck{Federation: a.Federation, Issuer: string(a.Self), Subject: string(subject), Catalogue: view.Catalogue().Document().Version,
		IssuedAt: int64(a.instant(view)) / 1000, Ledger: bundle.CheckLedger{Size: word.Size, Root: word.Root.String(), At: int64(word.At)},
		Hits: []bundle.CheckHit{}, NotListed: []string{}, Measures: []bundle.CheckMeasure{}, Grades: []bundle.CheckGrade{},
		Objections: []string{}, NotKept: notKept(view), Records: []bundle.CheckRecord{}, Feeds: feeds}
	c.ID, err = a.randomID()
	return c, err
}

// attest signs an answer with the attest key, which it gives too.
func (a *Agency) attest(kind jws.Kind, answer any) (token string, key keys.Private, err error) {
	payload, err := strictjson.Marshal(answer)
	if err != nil {
		return "", key, err
	}
	if key, err = a.Keys.Key(keys.Attest); err != nil {
		return "", key, err
	}
	token, err = jws.SignKind(key, kind, payload)
	return token, key, err
}

// checkLists tells the entries in force, or about to be. It gives them, and the lists
// that can be asked for, each once.
func checkLists(view *machine.View, c *bundle.CreditCheck, word ListsWord) (known []string, hits []lists.Entry) {
	for _, l := range view.Catalogue().Document().Lists {
		known = append(known, l.ID)
	}
	for e := range entriesOf(view, exchange.SubjectID(c.Subject)) {
		known = append(known, e.List)
		switch status := e.StandingAt(c.Ledger.Size, word.At); status {
		case lists.Nominated, lists.Listed:
			hits = append(hits, e)
			addObjections(view, c, subjects.OfEntry(view.Rows(), e.ID))
			c.Hits = append(c.Hits, bundle.CheckHit{Entry: string(e.ID), List: e.List, Status: string(status), By: string(e.By), Ground: e.Ground,
				From: int64(e.ListedFrom), Until: int64(e.ListedUntil), Seq: e.Seq})
			if status == lists.Listed {
				for _, m := range e.Measures {
					c.Measures = append(c.Measures, bundle.CheckMeasure{Measure: m, List: e.List, Entry: string(e.ID)})
				}
			}
		}
	}
	slices.Sort(known)
	return slices.Compact(known), hits
}

// addObjections adds the ids of those objections that were not decided at the answer's
// position of the ledger.
func addObjections(view *machine.View, c *bundle.CreditCheck, all []subjects.Objection) {
	for _, o := range all {
		if o.Seq >= c.Ledger.Size {
			continue
		}
		if o.Answer != nil && o.Answer.Seq >= c.Ledger.Size {
			o.Answer = o.Before
		}
		if o.Disputes(view.Rows(), exchange.Millis(c.Ledger.At)) {
			c.Objections = append(c.Objections, string(o.ID))
		}
	}
}

// recordObjections adds the objections against records on the subject that this node
// holds.
func (a *Agency) recordObjections(ctx context.Context, view *machine.View, c *bundle.CreditCheck) error {
	open := subjects.DisputedRecords(view.Rows(), exchange.Millis(c.Ledger.At))
	if len(open) == 0 {
		return nil
	}
	ids := make([]exchange.RecordID, len(open))
	for i := range open {
		ids[i] = open[i].Record.ID
	}
	on, err := a.Records.OnSubject(ctx, exchange.SubjectID(c.Subject), ids)
	if err != nil {
		return err
	}
	for _, o := range open {
		if author, ok := on[o.Record.ID]; ok && author == o.Record.Author {
			addObjections(view, c, []subjects.Objection{o})
		}
	}
	return nil
}

// proveLists adds the documents of the entries told, and the proof for every other
// list that there is none.
func proveLists(b *bundle.Bundle, view *machine.View, c *bundle.CreditCheck, word ListsWord, known []string, hits []lists.Entry) error {
	var seqs []int64
	for _, e := range hits {
		seqs = append(seqs, e.Seq)
	}
	if err := addSeqs(b, view, c.Ledger.Size, seqs); err != nil {
		return err
	}
	for _, e := range hits {
		if err := addEntry(b, view, e); err != nil {
			return err
		}
	}
	b.Lists = &bundle.Lists{Position: c.Ledger.Size, At: int64(word.At), Note: word.Note, Absent: []bundle.Absent{}}
	for _, list := range known {
		absent, ok, err := word.Tree.Absent(c.Federation, list, c.Subject)
		if err != nil {
			return err
		}
		if ok {
			b.Lists.Absent = append(b.Lists.Absent, absent)
			c.NotListed = append(c.NotListed, list)
		}
	}
	return nil
}

// addSeqs adds statements, and every roster below size, in the ledger's order.
func addSeqs(b *bundle.Bundle, view *machine.View, size int64, seqs []int64) error {
	for _, seq := range view.RosterSeqs() {
		if seq < size {
			seqs = append(seqs, seq)
		}
	}
	slices.Sort(seqs)
	for _, seq := range slices.Compact(seqs) {
		s, ok := view.Statement(seq)
		if !ok {
			return ErrEntry.With("entry", "?")
		}
		if err := addStatement(b, view, s); err != nil {
			return err
		}
	}
	return nil
}

// checkRecords counts the active records on the subject that this node holds, and
// adds those that rate it. One that each is to see, or that rates the subject, and
// that does not verify is counted and told as such. b may be nil.
func (a *Agency) checkRecords(ctx context.Context, b *bundle.Bundle, cat *catalogue.Catalogue, c *bundle.CreditCheck, each func(*records.Record) error) error {
	q := records.Question{Subject: exchange.SubjectID(c.Subject), Status: records.Active}
	type group struct{ category, author string }
	counts := map[group]int{}
	for after, seen := records.Cursor(""), 0; ; {
		page, err := a.Records.Find(ctx, q, after, records.MaxPage)
		if err != nil {
			return err
		}
		for i := range page.Records {
			r := &page.Records[i]
			counts[group{r.Category, string(r.Author)}]++
			rates := cat.Field(r.Category, gradeField) != nil
			if !rates && each == nil {
				continue
			}
			claims, _, err := a.VerifyRecord(r.Author, r.JWT)
			if err != nil {
				c.Faulty = append(c.Faulty, bundle.CheckFaulty{Record: string(r.ID), Category: r.Category, Author: string(r.Author)})
				continue
			}
			graded := rates && addGrade(c, r, claims)
			if b != nil && (graded || each != nil) {
				b.AddDocument(bundle.KindRecord, r.JWT+"~")
			}
			if each != nil {
				if err := each(r); err != nil {
					return err
				}
			}
		}
		if seen += len(page.Records); seen > maxChecked || len(c.Grades) > maxGrades {
			return ErrTooMuch.With("records", maxChecked, "grades", maxGrades)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	for g, n := range counts {
		category := cat.Category(g.category)
		c.Records = append(c.Records, bundle.CheckRecord{Category: g.category, Author: g.author, Active: n, Adverse: category != nil && category.Adverse})
	}
	slices.SortFunc(c.Records, func(a, b bundle.CheckRecord) int {
		return strings.Compare(a.Category+"\x00"+a.Author, b.Category+"\x00"+b.Author)
	})
	return nil
}

// gradeField is the public field by which the record of a rating says the grade.
const gradeField = "grade"

// RatingCategories are the categories whose records rate a subject.
func RatingCategories(cat *catalogue.Catalogue) (all []string) {
	for _, c := range cat.Document().Categories {
		if cat.Field(c.ID, gradeField) != nil {
			all = append(all, c.ID)
		}
	}
	return all
}

// addGrade adds a rating, if its grade is public.
func addGrade(c *bundle.CreditCheck, r *records.Record, claims RecordClaims) bool {
	grade, ok := claims.Public[gradeField].(string)
	if !ok || grade == "" {
		return false
	}
	c.Grades = append(c.Grades, bundle.CheckGrade{Grade: grade, Category: r.Category, Author: string(r.Author), Record: string(r.ID), IssuedAt: int64(r.IssuedAt)})
	return true
}
