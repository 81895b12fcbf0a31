// Package failpoint is how tests make a running node fail at a chosen place.
//
// The product calls a hook at every place where a crash would matter; what the
// hooks are called is listed here ([Names]). In an ordinary build [Hit] is empty
// and [Hook], [Clock] and [Dial] give back nothing, so a production binary can
// neither be told to fail nor to lie about the time. A binary built with
//
//	go build -tags failpoints ./cmd/accord
//
// takes orders, separated by semicolons or line ends, from the variable
// ACCORD_FAILPOINTS when it starts and from the file that
// ACCORD_FAILPOINTS_CONTROL names whenever that file changes (it is looked at
// every 10 ms):
//
//	store.append.before=crash      end the process there as SIGKILL does
//	machine.apply.commit=panic@3   panic, the third time only
//	audit.sync.before=delay:200ms  wait there, each time (or with @n once)
//	clock=-1h                      this process's clock is an hour behind
//	dial:HOST:PORT=HOST:PORT       connect to the second when the first is meant
//	snapshots=1s                   look every second whether a snapshot is due
//	grown=16384                    and take one when so many bytes were applied
//	cosign=1s                      cosign what is new every second
//
// Beside the control file it keeps a list of the points the process has reached,
// NAME.seen, one a line, NAME.fired for those that fired, and NAME.obeyed with the
// CRC-32 of each version of the control file it has taken over.
package failpoint

import "slices"

// names are all points, in the order of a write's way through a node. A test
// compares them with the sources and with what a running federation reaches.
var names = []string{
	// node/founding and the first start
	"founding.file.write", "founding.file.rename", "founding.file.done",
	"node.start.network", "node.start.ledger", "node.start.found", "node.start.founded",
	// node/audit
	"audit.write.before", "audit.sync.before", "audit.sync.after",
	// exchange/agency and exchange/records
	"agency.sign", "agency.propose.before", "agency.propose.after",
	"agency.deliver.before", "agency.deliver.after", "agency.open.before", "agency.open.after",
	"custody.deal", "custody.anchor.before", "custody.anchor.after", "custody.hand.before", "custody.hand.after", "custody.kept", "custody.retired",
	"custody.deliver.before", "custody.deliver.after", "custody.open.before", "custody.open.after",
	"blinding.deal.before", "blinding.deal.after", "blinding.keep.before", "blinding.accept.before", "blinding.accept.after", "blinding.forgotten",
	"records.begin", "records.commit.before", "records.commit.after",
	// consensus: proposals and read points
	"propose.submit", "propose.forward.before", "propose.forward.after", "propose.serve",
	"propose.group.before", "propose.group.after", "propose.verdict",
	"barrier.round", "barrier.confirm", "settle.before", "settle.after",
	"bootstrap.before", "bootstrap.after",
	// consensus/store: the log
	"store.create.before", "store.create.after", "store.open",
	"store.append.before", "store.append.commit", "store.append.seal.before", "store.append.after",
	"store.rotate.before", "store.rotate.after", "store.state.before", "store.state.after",
	"store.delete.before", "store.delete.after",
	"store.set.before", "store.set.after",
	// consensus/store: snapshots
	"snapshot.due", "snapshot.create", "snapshot.write", "snapshot.sync.before", "snapshot.rename.before", "snapshot.rename.after", "snapshot.reap",
	// exchange/machine
	"machine.apply.begin", "machine.apply.commit", "machine.apply.committed", "machine.apply.published",
	"machine.snapshot.taken", "machine.snapshot.write.before", "machine.snapshot.write.seal",
	"machine.restore.before", "machine.restore.swap", "machine.restore.after",
	// node: the membership and its papers
	"membership.move.before", "membership.move.after", "membership.learn", "membership.rosters.before", "membership.rosters.after",
	// node/witness
	"witness.sign.before", "witness.sign.after", "witness.chain.before", "witness.chain.after", "witness.vouch", "witness.vet",
	"witness.complaint.before", "witness.complaint.after", "witness.evidence.before", "witness.evidence.after", "witness.alarm.stored",
	// node/feeds
	"feeds.documents", "feeds.batch.before", "feeds.batch.after",
	// node/backup
	"backup.spool", "backup.ledger", "backup.records", "backup.finish",
}

// Names lists every point.
func Names() []string { return slices.Clone(names) }
