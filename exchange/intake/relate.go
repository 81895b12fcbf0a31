package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"accord/exchange"
	"accord/exchange/catalogue"
)

// RefKind is the way a row names somebody.
type RefKind string

// The kinds of reference.
const (
	RefOrganisation RefKind = "org"     // by unified social credit code
	RefPerson       RefKind = "person"  // by the number of an identity document
	RefLicence      RefKind = "licence" // a practitioner by certificate number
	RefName         RefKind = "name"    // an organisation by exact name
)

// Reference is what a row says about whom it means. Key is plaintext.
type Reference struct {
	Kind RefKind
	Key  string
}

// Answer is what the registers say about a reference.
type Answer struct {
	Checked bool               // the registers that could hold it are there
	Known   bool               // one holds it
	Name    string             // under this name; "" where names are not compared
	Subject exchange.SubjectID // the subject of that register's record
}

// Register looks references up. An error ends the reading.
type Register func(ctx context.Context, ref Reference) (Answer, error)

// rekey reads the subject's key as what the mapping says it is, where the
// field's type does not say it.
func (j *judge) rekey(row *Row, rec *record, subject *SubjectCase) {
	if subject == nil || subject.As != AsUSCC || row.Values.Text(subject.Key) == "" {
		return
	}
	t := *j.byField[subject.Key]
	t.field.Type = catalogue.TypeUSCC
	o := j.normal.cell(&t, t.cell(rec), "")
	for _, kind := range o.kinds {
		row.add(kind, t.Source, t.field.ID, t.ref(rec))
	}
	if o.value != nil {
		row.Values[t.field.ID] = o.value
	}
}

// name says who a row's subject is.
func (j *judge) name(row *Row, subject *SubjectCase) {
	key := row.Values.Text(subject.Key)
	row.SubjectKind, row.SubjectNamespace = subject.Kind, subject.Namespace
	switch {
	case subject.As == AsLicence:
		key = "licence:" + key // until a register says whose it is: never the same as a person's number
	case subject.As == AsName && subject.Namespace == exchange.SubjectOrg:
		sum := sha256.Sum256([]byte(fold(key)))
		key = "name." + hex.EncodeToString(sum[:16]) // organisations' ids stand in clear and hold no name
	}
	row.SubjectKey = NewPrivate(key)
}

// reference is how a subject case refers to its subject.
func (s *SubjectCase) reference(key string) Reference {
	switch {
	case s.As == AsLicence:
		return Reference{RefLicence, key}
	case s.As == AsName:
		return Reference{RefName, key}
	case s.Namespace == exchange.SubjectOrg:
		return Reference{RefOrganisation, key}
	}
	return Reference{RefPerson, key}
}

// references asks the register about the subject and about listed codes.
func (j *judge) references(ctx context.Context, row *Row, rec *record, subject *SubjectCase) error {
	if j.opts.Register == nil {
		return nil
	}
	for i := range j.targets {
		t := &j.targets[i]
		code := row.Values.Text(t.field.ID)
		if !t.Listed || code == "" {
			continue
		}
		answer, err := j.ask(ctx, Reference{RefOrganisation, code})
		if err != nil {
			return err
		}
		if answer.Checked && !answer.Known {
			kind := t.Unlisted
			if kind == "" {
				kind = "unregistered_subject"
			}
			row.add(kind, t.Source, t.field.ID, t.ref(rec))
		}
	}
	if j.table.Register || subject.Namespace == exchange.SubjectName {
		return nil
	}
	ref := subject.reference(row.Values.Text(subject.Key))
	answer, err := j.ask(ctx, ref)
	if err != nil {
		return err
	}
	t := j.byField[subject.Key]
	if !answer.Known {
		switch {
		case !answer.Checked:
		case ref.Kind == RefLicence || ref.Kind == RefName:
			row.add("unknown_subject_ref", t.Source, t.field.ID, t.ref(rec))
		default:
			row.add("unregistered_subject", t.Source, t.field.ID, t.ref(rec))
		}
		return nil
	}
	row.Subject = answer.Subject
	t = j.byField[subject.Name]
	if t == nil || answer.Name == "" || subject.Name == subject.Key {
		return nil
	}
	if stated := row.Values.Text(subject.Name); stated != "" && fold(stated) != fold(answer.Name) {
		row.add("name_mismatch", t.Source, t.field.ID, t.ref(rec))
	}
	return nil
}

// maxAnswers is for how many organisations an answer is kept.
const maxAnswers = 10_000

func (j *judge) ask(ctx context.Context, ref Reference) (Answer, error) {
	if answer, ok := j.known[ref]; ok {
		return answer, nil
	}
	answer, err := j.opts.Register(ctx, ref)
	if err == nil && ref.Kind == RefOrganisation && len(j.known) < maxAnswers {
		j.known[ref] = answer
	}
	return answer, err
}

// consistent flags amounts that contradict other columns.
func (j *judge) consistent(row *Row, rec *record) {
	for i := range j.table.Consistent {
		c := &j.table.Consistent[i]
		have, ok := row.Values[c.Field].(int64)
		if !ok {
			continue
		}
		wrong := false
		if c.Without != "" {
			count, stated := row.Values[c.Without].(int64)
			wrong = stated && count == 0 && have != 0
		} else {
			of, okOf := row.Values[c.Of].(int64)
			less, okLess := row.Values[c.Less].(int64)
			wrong = okOf && okLess && have != 0 && have != max(of-less, 0)
		}
		if wrong {
			t := j.byField[c.Field]
			row.add("amount_inconsistent", t.Source, t.field.ID, t.ref(rec))
		}
	}
}

// members judges the persons of a group.
func (j *judge) members(row *Row, rec *record) {
	m := j.table.Members
	if m == nil {
		return
	}
	ids, _ := row.Values[m.ID].([]string)
	if len(ids) < m.Least || len(ids) > m.Most {
		row.add("group_size", m.Path, m.ID, "")
		return
	}
	if m.Leader != "" {
		c := j.byField[m.Leader].cell(rec)
		switch {
		case row.Values.Text(m.Leader) == "":
			row.add("group_no_leader", m.Path, m.Leader, "")
		case c.more:
			row.add("group_leaders", m.Path, m.Leader, "")
		}
	}
	first := map[string]bool{}
	for i, id := range ids {
		if id != "" && first[id] {
			row.add("group_duplicate_member", m.Path+index(i), m.ID, "")
		}
		first[id] = true
	}
}

// shared notes who stands in a row that is stored and flags one who stands in an
// earlier one.
func (j *judge) shared(row *Row, rec *record) {
	if row.Verdict == Refuse || row.Verdict == Same {
		return
	}
	if m := j.table.Members; m != nil {
		t := j.byField[m.ID]
		ids, _ := row.Values[m.ID].([]string)
		for i, id := range ids {
			j.sharedBy(row, id, "member_in_two_groups", atIndex(t.Source, i), t.field.ID, "")
		}
	}
	s := j.table.Shared
	if s == nil || row.Values.Text(s.Field) == "" {
		return
	}
	for field, value := range s.Where {
		if row.Values.Text(field) != value {
			return
		}
	}
	t := j.byField[s.Field]
	j.sharedBy(row, row.Values.Text(s.Field), "id_shared", t.Source, t.field.ID, t.ref(rec))
}

func (j *judge) sharedBy(row *Row, id, kind, column, field, ref string) {
	if id == "" {
		return
	}
	at := idOf(id)
	earlier, ok := j.persons.get(at)
	switch {
	case !ok:
		j.persons.put(at, 0, int32(row.Number))
	case int(earlier.number) != row.Number:
		row.add(kind, column, field, ref).WithRow = int(earlier.number)
	}
}
