package intake

import (
	"encoding/binary"
	"hash/maphash"
	"strconv"
	"strings"

	"accord/exchange/catalogue"
	"accord/exchange/identifiers"
)

// rowID stands for a key in memory: 128 bits of a hash under seeds that nobody
// knows, so that millions of keys take little and cannot be made to collide.
type rowID [2]uint64

var idSeeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

func idOf(s string) rowID {
	return rowID{maphash.String(idSeeds[0], s), maphash.String(idSeeds[1], s)}
}

// earlier is what is remembered of a row that passed: enough to tell a repeated
// row from a contradicting one.
type earlier struct {
	digest rowID
	number int32
	detail int32 // place in judge.details plus one; 0 beyond maxRemembered
}

// detail is what tells in which column two rows differ.
type detail struct {
	raw    []uint32 // hash of each target's cell as it stands
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
	key := idOf(row.RowKey)
	now := earlier{number: int32(row.Number), digest: idOf(row.RowDigest)}
	before, twice := j.seen[key]
	var cells detail
	if twice || len(j.details) < maxRemembered {
		cells = j.columns(row, rec)
	}
	if !twice {
		if len(j.details) < maxRemembered {
			j.details = append(j.details, cells)
			now.detail = int32(len(j.details))
		}
		j.seen[key] = now
		return
	}
	var first detail
	if before.detail > 0 {
		first = j.details[before.detail-1]
	}
	if before.digest != now.digest {
		j.duplicate("dup_conflict", row, rec, before, firstDifference(first.normal, cells.normal))
		return
	}
	at := firstDifference(first.raw, cells.raw)
	if at < 0 && first.raw != nil {
		j.duplicate("dup_exact", row, rec, before, -1)
		return
	}
	j.duplicate("dup_normalised", row, rec, before, at)
}

func (j *judge) duplicate(kind string, row *Row, rec *record, before earlier, at int) {
	column, field, ref := "*", "", ""
	if at >= 0 {
		t := &j.targets[at]
		column, field, ref = t.Source, t.field.ID, t.ref(rec)
	}
	row.add(kind, column, field, ref).WithRow = int(before.number)
}

func firstDifference(a, b []uint32) int {
	for i := range a {
		if i < len(b) && a[i] != b[i] {
			return i
		}
	}
	return -1
}

func (j *judge) columns(row *Row, rec *record) detail {
	raw, normal := make([]uint32, len(j.targets)), make([]uint32, len(j.targets))
	for i := range j.targets {
		t := &j.targets[i]
		c := t.cell(rec)
		raw[i] = uint32(maphash.String(columnSeed, c.text))
		if len(c.items) > 0 {
			raw[i] = uint32(maphash.String(columnSeed, strings.Join(c.items, "\x00")))
		}
		for _, one := range c.cells {
			raw[i] = raw[i]*31 + uint32(maphash.String(columnSeed, one.text))
		}
		j.scratch = appendValue(j.scratch[:0], &t.field, row.Values[t.field.ID])
		normal[i] = uint32(maphash.Bytes(columnSeed, j.scratch))
	}
	return detail{raw, normal}
}

// framed is the unambiguous encoding that keys and digests are made of: a
// purpose, the category, then for each field its id and value, every part with
// its length before it.
func (j *judge) framed(purpose string, row *Row, fields []string) []byte {
	j.scratch = appendFramed(j.scratch[:0], purpose, j.category, fields, row.Values)
	return j.scratch
}

func appendFramed(b []byte, purpose string, c *catalogue.Category, fields []string, values Values) []byte {
	b = appendFrame(b, "accord-intake/1")
	b = appendFrame(b, purpose)
	b = appendFrame(b, c.ID)
	for _, id := range fields {
		v, ok := values[id]
		if !ok {
			continue
		}
		for i := range c.Fields {
			if f := &c.Fields[i]; f.ID == id {
				b = appendFrame(b, id)
				b = appendValue(b, f, v)
			}
		}
	}
	return b
}

// KeyText is what the key of a row is digested from: for finding the row that
// has these values in the category's key fields.
func KeyText(c *catalogue.Category, values Values) []byte {
	return appendFramed(nil, "key", c, c.Key, values)
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
