package machine

import (
	"fmt"
	"reflect"
	"strings"

	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/lists"
	"accord/exchange/members"
	"accord/exchange/state"
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

// Poison changes a row without a command, as a hostile node might before it
// hands out a snapshot.
func Poison(m *Machine, by exchange.MemberID, entry exchange.EntryID) error {
	tx := m.store.Begin()
	defer tx.Abort()
	issuer, _ := members.Get(tx, by)
	act := &members.Act{Tx: tx, Command: exchange.Command{Operator: "nobody"}, Now: tx.Head().Time, Issuer: issuer, Catalogue: m.View().Catalogue()}
	if _, err := lists.Withdraw(act, &lists.WithdrawBody{Entry: entry, Reason: "x"}); err != nil {
		return err
	}
	tx.CloseGenesis(state.Digest{}, tx.Head().Time)
	v, err := tx.Commit(m.View().Index())
	if err == nil {
		m.publish(m.store, m.tree, v, m.View().force)
	}
	return err
}

// SwapLeaves gives a machine the tree of the same rows in another order.
func SwapLeaves(m *Machine) error {
	old, other := m.tree.View(), new(tlog.Tree)
	for i := range old.Size() {
		at := i
		if i == 1 || i == 2 {
			at = 3 - i
		}
		leaf, err := old.Leaf(at)
		if err != nil {
			return err
		}
		other.Append(leaf)
	}
	m.publish(m.store, other, m.View().state, m.View().force)
	return nil
}

// VerbOf is what Recall goes by.
var VerbOf = verbOf

// Remembered says whether a payload was opened and verified.
func Remembered(m *Machine, payload []byte) bool {
	return m.remembered.get(memoryKey(payload), payload) != nil
}

// Memory is the bytes in which a log's rows stand, to be changed under the node.
func Memory(m *Machine, table string) [][]byte {
	series := reflect.ValueOf(m.store).Elem().FieldByName("logs").MapIndex(reflect.ValueOf(table))
	latest := series.Elem().FieldByName("latest") // atomic.Pointer[column]
	column := reflect.NewAt(latest.Type().Field(0).Type.Elem().Elem(), latest.FieldByName("v").UnsafePointer()).Elem()
	blocks := column.FieldByName("blocks")
	var all [][]byte
	for i := range blocks.Len() {
		all = append(all, blocks.Index(i).Bytes())
	}
	if n := len(all); n > 0 {
		all[n-1] = all[n-1][:column.FieldByName("used").Int()]
	}
	return all
}
