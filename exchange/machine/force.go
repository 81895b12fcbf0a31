package machine

import (
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/members"
	"accord/exchange/state"
)

// force is the catalogue that counts, and the one that takes its place when its time
// has come. It is made once for every adoption; which counts at a time is a comparison.
type force struct {
	now, next *catalogue.Catalogue // next is nil when none waits
	from      exchange.Millis
}

// at is the catalogue that counts at a ledger time not before that of the state.
func (f force) at(t exchange.Millis) *catalogue.Catalogue {
	if f.next != nil && t >= f.from {
		return f.next
	}
	return f.now
}

// forceOf reads the catalogues in force from rows of a ledger time.
func (m *Machine) forceOf(r state.Reader, t exchange.Millis) (f force, err error) {
	if f.now, err = m.tools.Catalogue(members.VersionAt(r, t)); err != nil {
		return f, err
	}
	if v, from, waits := members.NextVersion(r, t); waits {
		f.from = from
		f.next, err = m.tools.Catalogue(v)
	}
	return f, err
}
