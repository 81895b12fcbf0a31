package intake

import (
	"encoding/binary"
	"hash/maphash"
	"strconv"
	"strings"

	"accord/exchange/catalogue"
	"accord/exchange/identifiers"
)

// earlier is what is remembered of a row that passed: enough to tell a repeated
// row from a contradicting one, and in which column they differ.
type earlier struct {
	number int
	digest string
	raw    []uint32 // hash of each target's cell as it stands; nil beyond maxRemembered
	normal []uint32 // hash of each target's normalised value
}

// maxRemembered is for how many rows of a table single columns are remembered;
// of later ones only key and digest, so that memory stays bounded.
const maxRemembered = 100_000

var columnSeed = maphash.MakeSeed()

// identify digests the row and compares it with earlier ones of the same key: the
// same content is no second record, other content is refused and the first
// stays.
func (j *judge) identify(row *Row, rec *record) {
	row.RowKey = j.opts.KeyHash(j.framed("key", row, j.category.Key))
	row.RowDigest = j.opts.KeyHash(j.framed("row", row, j.fields))
	now := &earlier{number: row.Number, digest: row.RowDigest}
	if len(j.seen) < maxRemembered {
		now.raw, now.normal = j.columns(row, rec)
	}
	before := j.seen[row.RowKey]
	if before == nil {
		j.seen[row.RowKey] = now
		return
	}
	if before.digest != now.digest {
		j.duplicate("dup_conflict", row, rec, before, firstDifference(before.normal, now.normal))
		return
	}
	at := firstDifference(before.raw, now.raw)
	if at < 0 && before.raw != nil && now.raw != nil {
		j.duplicate("dup_exact", row, rec, before, -1)
		return
	}
	j.duplicate("dup_normalised", row, rec, before, at)
}

func (j *judge) duplicate(kind string, row *Row, rec *record, before *earlier, at int) {
	column, field, ref := "*", "", ""
	if at >= 0 {
		t := &j.targets[at]
		column, field, ref = t.Source, t.field.ID, t.ref(rec)
	}
	row.add(kind, column, field, ref).WithRow = before.number
}

func firstDifference(a, b []uint32) int {
	for i := range a {
		if i < len(b) && a[i] != b[i] {
			return i
		}
	}
	return -1
}

func (j *judge) columns(row *Row, rec *record) (raw, normal []uint32) {
	raw, normal = make([]uint32, len(j.targets)), make([]uint32, len(j.targets))
	for i := range j.targets {
		t := &j.targets[i]
		c := t.cell(rec)
		raw[i] = uint32(maphash.String(columnSeed, c.text))
		if len(c.items) > 0 {
			raw[i] = uint32(maphash.String(columnSeed, strings.Join(c.items, "\x00")))
		}
		j.scratch = appendValue(j.scratch[:0], &t.field, row.Values[t.field.ID])
		normal[i] = uint32(maphash.Bytes(columnSeed, j.scratch))
	}
	return raw, normal
}

// framed is the unambiguous encoding that keys and digests are made of: a
// purpose, the category, then for each field its id and value, every part with
// its length before it.
func (j *judge) framed(purpose string, row *Row, fields []string) []byte {
	b := appendFrame(j.scratch[:0], "accord-intake/1")
	b = appendFrame(b, purpose)
	b = appendFrame(b, j.category.ID)
	for _, id := range fields {
		t := j.byField[id]
		if t == nil {
			continue
		}
		if v, ok := row.Values[id]; ok {
			b = appendFrame(b, id)
			b = appendValue(b, &t.field, v)
		}
	}
	j.scratch = b
	return b
}

func appendFrame(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}

// appendValue frames a value. Names and licences are compared without regard to
// width, blanks and the kind of middle dot.
func appendValue(b []byte, f *catalogue.Field, v any) []byte {
	switch v := v.(type) {
	case string:
		if f.Type == catalogue.TypeName || f.Type == catalogue.TypeLicence {
			v = fold(v)
		}
		return appendFrame(append(b, 's'), v)
	case int64:
		return appendFrame(append(b, 'i'), strconv.FormatInt(v, 10))
	case bool:
		return appendFrame(append(b, 'b'), strconv.FormatBool(v))
	case []string:
		b = binary.BigEndian.AppendUint32(append(b, 'l'), uint32(len(v)))
		for _, s := range v {
			b = appendFrame(b, s)
		}
		return b
	}
	return append(b, '0')
}

// maleByID is the sex in a sound identity number.
func maleByID(id string) (male, ok bool) {
	if identifiers.CheckResidentID(id) != nil {
		return false, false
	}
	return identifiers.Male(id)
}
