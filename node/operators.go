package node

import (
	"context"
	"os"
	"reflect"
	"sync/atomic"
	"time"

	"accord/exchange"
	"accord/node/audit"
	"accord/node/config"
)

// Who may act on the local socket is read again while the node runs: a person who is
// taken off the file is cut off within seconds, without a restart that would take the
// node from its federation. Nothing else of the file is.

// operatorsEvery is how often the file is looked at.
const operatorsEvery = 2 * time.Second

// operators are the persons that may act now.
type operators struct {
	list atomic.Pointer[[]config.Operator]
}

// find gives the operator of a name.
func (o *operators) find(name exchange.OperatorID) (config.Operator, bool) {
	return config.Config{Operators: *o.list.Load()}.Operator(name)
}

// watchOperators follows the file. While it cannot be read, or would not do at a start,
// those known before stay, and the log says so once a change.
func (n *Node) watchOperators(ctx context.Context) {
	var seen os.FileInfo // of what was read last; a change since the start is found the first time
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(operatorsEvery):
		}
		now, err := os.Stat(config.FilePath(n.cfg.Dir))
		if err == nil && seen != nil && now.ModTime().Equal(seen.ModTime()) && now.Size() == seen.Size() && os.SameFile(now, seen) {
			continue
		}
		if err != nil && seen == nil {
			continue
		}
		if seen = now; err == nil {
			err = n.readOperators()
		}
		if err != nil {
			n.log.Error("the operators cannot be read from the configuration; those known before may go on", "error", err)
		}
	}
}

// readOperators puts the file's operators in place of those known, and a line about it
// into the audit log. Without one that takes it they change all the same: nobody acts
// then, and who was taken off must not come back with the disk.
func (n *Node) readOperators() error {
	list, err := config.ReadOperators(n.cfg.Dir)
	if err != nil || reflect.DeepEqual(list, *n.operators.list.Load()) {
		return err
	}
	n.operators.list.Store(&list)
	names := make([]string, len(list))
	for i, o := range list {
		names[i] = string(o.Name)
	}
	n.log.Info("the operators are those of the configuration file", "operators", names)
	return n.audit.Write(audit.Event{At: n.opts.Clock(), Act: "operators.change", Caller: "operator:" + string(config.Reserved), Count: int64(len(list)), Result: "allowed"})
}
