package machine

import (
	"fmt"
	"strings"

	"accord/exchange"
)

// Raise makes a verb one of the next machine version.
func Raise(m *Machine, name exchange.Verb) {
	v := m.table[name]
	v.since = Version + 1
	m.table[name] = v
}

// Table is the verb table on one line.
func Table() string {
	var all []string
	for _, v := range verbs() {
		all = append(all, fmt.Sprintf("%d %s %d", v.number, v.name, v.since))
	}
	return strings.Join(all, ", ")
}

// TwiceDefined makes a table with one verb twice.
func TwiceDefined() { byName(append(verbs(), verbs()[0])) }
