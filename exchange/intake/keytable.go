package intake

import "math/bits"

// keyTable remembers the keys of millions of rows in little memory: 24 bytes a
// row and the room between, in arrays without pointers that the collector does
// not look into. A map of the same content takes three times as much, and twice
// that while it grows; here only one of 256 parts grows at a time, by a quarter.
//
// Of a key's 128 bits it keeps 96: that two of five million rows share them by
// chance happens once in 10^15 files, and nobody can bring it about, as the
// hash's seeds are this process's own.
type keyTable struct {
	parts [256]keyPart
}

type keyPart struct {
	entries []keyEntry
	used    int
}

// keyEntry is what is remembered of a row; number 0 is an empty place.
type keyEntry struct {
	high   uint64
	digest uint64 // tells a repeated row from a contradicting one
	low    uint32
	number int32
}

// get finds what was remembered under a key.
func (t *keyTable) get(key rowID) (keyEntry, bool) {
	p := &t.parts[byte(key[1]>>56)]
	if len(p.entries) == 0 {
		return keyEntry{}, false
	}
	for i := p.place(key[0]); ; i++ {
		if i == len(p.entries) {
			i = 0
		}
		switch e := &p.entries[i]; {
		case e.number == 0:
			return keyEntry{}, false
		case e.high == key[0] && e.low == uint32(key[1]):
			return *e, true
		}
	}
}

// put remembers a key that get did not find. number is not 0.
func (t *keyTable) put(key rowID, digest uint64, number int32) {
	p := &t.parts[byte(key[1]>>56)]
	if p.used*5 >= len(p.entries)*4 {
		p.grow()
	}
	p.set(keyEntry{high: key[0], low: uint32(key[1]), digest: digest, number: number})
	p.used++
}

func (p *keyPart) set(e keyEntry) {
	i := p.place(e.high)
	for p.entries[i].number != 0 {
		if i++; i == len(p.entries) {
			i = 0
		}
	}
	p.entries[i] = e
}

func (p *keyPart) grow() {
	old := p.entries
	p.entries = make([]keyEntry, max(16, len(old)+len(old)/4))
	for _, e := range old {
		if e.number != 0 {
			p.set(e)
		}
	}
}

// place spreads hashes evenly over any number of places.
func (p *keyPart) place(hash uint64) int {
	high, _ := bits.Mul64(hash, uint64(len(p.entries)))
	return int(high)
}

// details tell in which column two rows of one key differ: for the first rows
// of a table, two hashes a column.
type details struct {
	width int        // hashes of a row
	rows  []int32    // numbers of the rows, ascending
	parts [][]uint32 // detailsPart rows each
}

const (
	maxRemembered = 100_000 // rows; of later ones only key and digest are kept
	detailsPart   = 1024
)

// keep remembers a row's hashes; rows come in ascending order.
func (d *details) keep(number int32, hashes []uint32) {
	if len(d.rows) >= maxRemembered {
		return
	}
	d.width = len(hashes)
	if len(d.rows)%detailsPart == 0 {
		d.parts = append(d.parts, make([]uint32, 0, detailsPart*d.width))
	}
	last := len(d.parts) - 1
	d.parts[last] = append(d.parts[last], hashes...)
	d.rows = append(d.rows, number)
}

// of gives a row's hashes, nil when they are not kept.
func (d *details) of(number int32) []uint32 {
	low, high := 0, len(d.rows)
	for low < high {
		if mid := (low + high) / 2; d.rows[mid] < number {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == len(d.rows) || d.rows[low] != number {
		return nil
	}
	at := low % detailsPart * d.width
	return d.parts[low/detailsPart][at : at+d.width]
}
