package intake

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"accord/exchange/catalogue"
)

// The table is a map, as far as anybody can see.
func TestKeyTableIsAMap(t *testing.T) {
	var table keyTable
	model := map[rowID]keyEntry{}
	random := rand.New(rand.NewPCG(1, 2))
	var keys []rowID
	for i := range 50_000 {
		key := rowID{random.Uint64(), random.Uint64()}
		if i%3 == 0 && len(keys) > 0 {
			key = keys[random.IntN(len(keys))]
			if i%2 == 0 {
				key[1] ^= 1 // differs in one bit
			}
		}
		want, has := model[key]
		got, found := table.get(key)
		if has != found || got.number != want.number || got.digest != want.digest {
			t.Fatalf("key %x: %v %v, want %v %v", key, got, found, want, has)
		}
		if !has {
			e := keyEntry{digest: random.Uint64(), number: int32(i + 1)}
			model[key] = e
			table.put(key, e.digest, e.number)
			keys = append(keys, key)
		}
	}
	for key, want := range model {
		if got, ok := table.get(key); !ok || got.number != want.number {
			t.Fatalf("key %x was lost", key)
		}
	}
}

// manyRows is a CSV of sound practitioners' policies that is never held whole.
type manyRows struct{ rows int }

const manyRow = "甲,护照,%09d,63990020250000%07d,91639900MA0000015R,健康保险,2025-01-01,2025-01-02,2026-01-01,0,0,否         \n"
const manyHead = "被保险人,证件类型,证件号码,保单号,承保机构代码,险种大类,投保日期,起保日期,终保日期,理赔次数,理赔金额,涉欺诈标识\n"

func (m manyRows) width() int64 { return int64(len(fmt.Sprintf(manyRow, 0, 0))) }
func (m manyRows) size() int64  { return int64(len(manyHead)) + int64(m.rows)*m.width() }

func (m manyRows) ReadAt(p []byte, off int64) (int, error) {
	if off >= m.size() {
		return 0, io.EOF
	}
	var b bytes.Buffer
	row := max((off-int64(len(manyHead)))/m.width(), 0)
	start := int64(len(manyHead)) + row*m.width()
	if off < int64(len(manyHead)) {
		b.WriteString(manyHead)
		row, start = 0, 0
	}
	for int64(b.Len()) < off-start+int64(len(p)) && row < int64(m.rows) {
		fmt.Fprintf(&b, manyRow, row, row)
		row++
	}
	n := copy(p, b.Bytes()[off-start:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// What is remembered of a row stays under 48 bytes once single columns are not
// remembered any more; the maps that it replaced took 120.
func TestWhatARowCostsInMemory(t *testing.T) {
	src := manyRows{rows: maxRemembered + 50_000}
	m, err := Builtin("policies")
	if err != nil {
		t.Fatal(err)
	}
	_, doc := catalogue.Default()
	r, rows, err := Read(t.Context(), src, src.size(), m, doc, Options{AsOf: sampleDay})
	if err != nil {
		t.Fatal(err)
	}
	seen := r.Expected
	live := func() int64 {
		var s runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&s)
		return int64(s.HeapAlloc)
	}
	var before, after int64
	count := 0
	for row, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
		if row.Verdict != Accept {
			t.Fatalf("row %d: %+v", row.Number, row.Issues)
		}
		if expected := seen(); count > src.rows/10 && (expected < src.rows*9/10 || expected > src.rows*11/10) {
			t.Fatalf("after %d rows %d are expected", count, expected)
		}
		switch count++; count {
		case maxRemembered:
			before = live()
		case src.rows:
			after = live()
		}
	}
	if each := (after - before) / int64(src.rows-maxRemembered); count != src.rows || each > 48 {
		t.Errorf("%d rows, %d bytes each", count, each)
	}
}

// Findings name the column although single columns are kept in another form.
func TestDuplicatesNameTheirColumn(t *testing.T) {
	text := manyHead + fmt.Sprintf(manyRow, 1, 1) + fmt.Sprintf(manyRow, 1, 1) + strings.Replace(fmt.Sprintf(manyRow, 1, 1), "甲", "甲 ", 1) +
		strings.Replace(fmt.Sprintf(manyRow, 1, 1), "健康保险", "人寿保险", 1)
	m, err := Builtin("policies")
	if err != nil {
		t.Fatal(err)
	}
	_, doc := catalogue.Default()
	_, rows, err := Read(t.Context(), strings.NewReader(text), int64(len(text)), m, doc, Options{AsOf: sampleDay})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for row, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
		for _, is := range row.Issues {
			if is.WithRow > 0 {
				got = append(got, fmt.Sprintf("%d %s %s %d", row.Number, is.Kind, is.Column, is.WithRow))
			}
		}
	}
	want := "2 dup_exact * 1; 3 dup_normalised 被保险人 1; 4 dup_conflict 险种大类 1"
	if strings.Join(got, "; ") != want {
		t.Errorf("%s, want %s", strings.Join(got, "; "), want)
	}
}
