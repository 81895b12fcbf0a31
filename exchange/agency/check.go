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
	"accord/exchange/records"
)

// ListsWord is the members' common word on the lists of one position, under the
// checkpoint of that position.
type ListsWord struct {
	Checkpoint []byte // cosigned note
	At         exchange.Millis
	Tree       *bundle.ListTree
	Note       string // cosigned note over the tree
}

// notKept are what a credit check would tell and this federation keeps no account
// of yet: their absence from an answer means nothing.
var notKept = []string{"objections"}

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

// lookedUp is an answer about a subject and the file with its proofs; each sees every
// active record on the subject that this node holds and that verifies.
func (a *Agency) lookedUp(ctx context.Context, subject exchange.SubjectID, word ListsWord, feeds []bundle.CheckFeed, each func(*records.Record) error) (*bundle.Bundle, *bundle.CreditCheck, error) {
	view := a.Ledger.View()
	point, _, err := tlog.Read(word.Checkpoint)
	if err != nil {
		return nil, nil, err
	}
	b := bundle.New(a.Federation, a.Genesis.Signatures, word.Checkpoint)
	if err := b.LogCharter(view.Tree(), 0); err != nil {
		return nil, nil, err
	}
	c := &bundle.CreditCheck{Federation: a.Federation, Issuer: string(a.Self), Subject: string(subject), Catalogue: view.Catalogue().Document().Version,
		IssuedAt: int64(a.instant(view)) / 1000, Ledger: bundle.CheckLedger{Size: point.Size, Root: point.Root.String(), At: int64(word.At)},
		Hits: []bundle.CheckHit{}, NotListed: []string{}, Measures: []bundle.CheckMeasure{}, Grades: []bundle.CheckGrade{},
		Objections: []string{}, NotKept: notKept, Records: []bundle.CheckRecord{}, Feeds: feeds}
	if c.ID, err = a.randomID(); err != nil {
		return nil, nil, err
	}
	if err := checkLists(b, view, c, word); err != nil {
		return nil, nil, err
	}
	return b, c, a.checkRecords(ctx, b, view.Catalogue(), c, each)
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

// checkLists adds the entries in force, or about to be, and the proof for every
// other list that there is none.
func checkLists(b *bundle.Bundle, view *machine.View, c *bundle.CreditCheck, word ListsWord) error {
	subject, size := exchange.SubjectID(c.Subject), c.Ledger.Size
	known := []string{}
	for _, l := range view.Catalogue().Document().Lists {
		known = append(known, l.ID)
	}
	var hits []lists.Entry
	var seqs []int64
	for e := range entriesOf(view, subject) {
		known = append(known, e.List)
		switch status := e.StandingAt(size, word.At); status {
		case lists.Nominated, lists.Listed:
			hits, seqs = append(hits, e), append(seqs, e.Seq)
			c.Hits = append(c.Hits, bundle.CheckHit{Entry: string(e.ID), List: e.List, Status: string(status), By: string(e.By), Ground: e.Ground,
				From: int64(e.ListedFrom), Until: int64(e.ListedUntil), Seq: e.Seq})
			if status == lists.Listed {
				for _, m := range e.Measures {
					c.Measures = append(c.Measures, bundle.CheckMeasure{Measure: m, List: e.List, Entry: string(e.ID)})
				}
			}
		}
	}
	if err := addSeqs(b, view, size, seqs); err != nil {
		return err
	}
	for _, e := range hits {
		if err := addEntry(b, view, e); err != nil {
			return err
		}
	}
	b.Lists = &bundle.Lists{Position: size, At: int64(word.At), Note: word.Note, Absent: []bundle.Absent{}}
	slices.Sort(known)
	for _, list := range slices.Compact(known) {
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
	for row := range view.Rosters(0) {
		if row.Seq < size {
			seqs = append(seqs, row.Seq)
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
// that does not verify is counted and told as such.
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
			if graded || each != nil {
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
