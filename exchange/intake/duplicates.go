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

var columnSeed = maphash.MakeSeed()

// identify digests the row and compares it with earlier ones of the same key: the
// same content is no second record, other content is refused and the first
// stays.
func (j *judge) identify(row *Row, rec *record) {
	row.RowKey = j.opts.KeyHash(j.framed("key", row, j.category.Key))
	row.RowDigest = j.opts.KeyHash(j.framed("row", row, j.fields))
	key, digest := idOf(row.RowKey), idOf(row.RowDigest)[0]
	before, twice := j.seen.get(key)
	if !twice {
		j.seen.put(key, digest, int32(row.Number))
		if len(j.details.rows) < maxRemembered {
			j.details.keep(int32(row.Number), j.columns(row, rec))
		}
		return
	}
	now, first := j.columns(row, rec), j.details.of(before.number)
	half := len(j.targets) // hashes of cells as they stand, then of values
	if before.digest != digest {
		at := -1
		if first != nil {
			at = firstDifference(first[half:], now[half:])
		}
		j.duplicate("dup_conflict", row, rec, before.number, at)
		return
	}
	at := -1
	if first != nil {
		if at = firstDifference(first[:half], now[:half]); at < 0 {
			j.duplicate("dup_exact", row, rec, before.number, -1)
			return
		}
	}
	j.duplicate("dup_normalised", row, rec, before.number, at)
}

func (j *judge) duplicate(kind string, row *Row, rec *record, before int32, at int) {
	column, field, ref := "*", "", ""
	if at >= 0 {
		t := &j.targets[at]
		column, field, ref = t.Source, t.field.ID, t.ref(rec)
	}
	row.add(kind, column, field, ref).WithRow = int(before)
}

func firstDifference(a, b []uint32) int {
	for i := range a {
		if i < len(b) && a[i] != b[i] {
			return i
		}
	}
	return -1
}

// columns are the hashes of a row's cells as they stand, then of its normalised
// values. They are good until the next call.
func (j *judge) columns(row *Row, rec *record) []uint32 {
	half := len(j.targets)
	if j.hashes == nil {
		j.hashes = make([]uint32, 2*half)
	}
	for i := range j.targets {
		t := &j.targets[i]
		c := t.cell(rec)
		raw := uint32(maphash.String(columnSeed, c.text))
		if len(c.items) > 0 {
			raw = uint32(maphash.String(columnSeed, strings.Join(c.items, "\x00")))
		}
		for _, one := range c.cells {
			raw = raw*31 + uint32(maphash.String(columnSeed, one.text))
		}
		j.scratch = appendValue(j.scratch[:0], &t.field, row.Values[t.field.ID])
		j.hashes[i], j.hashes[half+i] = raw, uint32(maphash.Bytes(columnSeed, j.scratch))
	}
	return j.hashes
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
