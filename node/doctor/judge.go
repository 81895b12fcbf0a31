package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"accord/exchange"
	"accord/node/wire"
)

// What is still well.
const (
	minFree       = 1 << 30 // bytes; below a tenth of it the node is about to stop
	minFreeInodes = 10_000
	slowSync      = 100 * time.Millisecond // p99 of a small durable write
	stuckSync     = time.Second
	clockWarn     = 2 * time.Second
	clockFail     = 30 * time.Second // the ledger takes ±60 s
	backupOld     = 7 * 24 * time.Hour
	calendarWarn  = 45 * 24 * time.Hour // the State Council tells a year's holidays in the November before
	manySnapshots = 4                   // times the configured interval without a snapshot
	manyInstalls  = 3                   // snapshots fetched in an hour; a node that was away needs one
)

var checks = []struct {
	id     string
	title  exchange.Text
	online bool
	judge  func(*Facts) (Level, *exchange.Error)
}{
	{"folder", exchange.Text{Zh: "数据目录权限", En: "folder permissions"}, false, judgeFolder},
	{"unknown", exchange.Text{Zh: "数据目录中的其他文件", En: "strange files in the folder"}, false, judgeUnknown},
	{"disk-kind", exchange.Text{Zh: "文件系统类型", En: "kind of file system"}, false, judgeKind},
	{"disk-space", exchange.Text{Zh: "磁盘空间", En: "disk space"}, false, judgeSpace},
	{"fsync", exchange.Text{Zh: "落盘时间", En: "durable writes"}, false, judgeSync},
	{"keystore", exchange.Text{Zh: "密钥库", En: "keystore"}, false, judgeKeystore},
	{"passphrase", exchange.Text{Zh: "口令文件的位置", En: "place of the passphrase"}, false, judgePassphrase},
	{"genesis", exchange.Text{Zh: "章程", En: "charter"}, false, judgeGenesis},
	{"log", exchange.Text{Zh: "账本目录", En: "ledger folder"}, false, judgeLog},
	{"backup", exchange.Text{Zh: "备份", En: "backup"}, false, judgeBackup},
	{"audit", exchange.Text{Zh: "审计文件", En: "audit files"}, false, judgeAudit},
	{"store", exchange.Text{Zh: "记录库", En: "record store"}, false, judgeStore},
	{"running", exchange.Text{Zh: "节点运行", En: "node runs"}, false, judgeRunning},
	{"leader", exchange.Text{Zh: "主节点", En: "leader"}, true, judgeLeader},
	{"quorum", exchange.Text{Zh: "法定数", En: "quorum"}, true, judgeQuorum},
	{"peers", exchange.Text{Zh: "能连到其他成员", En: "reaches its peers"}, true, judgePeers},
	{"back", exchange.Text{Zh: "其他成员能连到本节点", En: "its peers reach it"}, true, judgeBack},
	{"clock", exchange.Text{Zh: "时钟", En: "clock"}, true, judgeClock},
	{"same", exchange.Text{Zh: "章程与其他成员一致", En: "same charter as the peers"}, true, judgeSame},
	{"catalogue", exchange.Text{Zh: "目录版本一致", En: "same catalogue as the peers"}, true, judgeCatalogue},
	{"calendar", exchange.Text{Zh: "工作日历", En: "calendar of working days"}, true, judgeCalendar},
	{"version", exchange.Text{Zh: "软件版本一致", En: "same version as the peers"}, true, judgeVersion},
	{"keys", exchange.Text{Zh: "密钥有效期", En: "keys by date"}, true, judgeKeys},
	{"holders", exchange.Text{Zh: "盲化密钥持有方", En: "holders of the blinding key"}, true, judgeHolders},
	{"custody", exchange.Text{Zh: "密封信息项的托管", En: "custody of sealed fields"}, true, judgeCustody},
	{"feeds", exchange.Text{Zh: "记录流", En: "feeds"}, true, judgeFeeds},
	{"webhooks", exchange.Text{Zh: "推送", En: "webhooks"}, true, judgeWebhooks},
	{"snapshot", exchange.Text{Zh: "快照", En: "snapshots"}, true, judgeSnapshot},
	{"records", exchange.Text{Zh: "账本所载记录均在", En: "records that the ledger names"}, true, judgeRecords},
	{"forks", exchange.Text{Zh: "账本一致", En: "one ledger for all"}, true, judgeForks},
	{"complaints", exchange.Text{Zh: "声明按时记录", En: "statements recorded in time"}, true, judgeComplaints},
	{"cosigned", exchange.Text{Zh: "账本共签", En: "ledger cosigned"}, true, judgeCosigned},
	{"recovery", exchange.Text{Zh: "恢复方案已记入账本", En: "recovery on the ledger"}, true, judgeRecovery},
	{"guard", exchange.Text{Zh: "传输守卫", En: "guard of the log"}, true, judgeGuard},
}

// Judge turns facts into findings.
func Judge(f *Facts) Report {
	r := Report{At: f.Now, Online: f.Running != nil}
	for _, c := range checks {
		if c.online && f.Running == nil {
			continue
		}
		level, err := c.judge(f)
		r.Findings = append(r.Findings, Finding{Check: c.id, Title: c.title, Level: level, Error: err})
	}
	return r
}

func fine() (Level, *exchange.Error) { return OK, nil }

// few names some of many.
func few(names []string) string {
	slices.Sort(names)
	if len(names) > 5 {
		return strings.Join(names[:5], ", ") + fmt.Sprintf(", … (%d)", len(names))
	}
	return strings.Join(names, ", ")
}

func judgeFolder(f *Facts) (Level, *exchange.Error) {
	if len(f.Exposed) > 0 {
		return Fail, errExposed.With("paths", few(f.Exposed), "dir", f.Config.Dir)
	}
	return fine()
}

func judgeUnknown(f *Facts) (Level, *exchange.Error) {
	if len(f.Unknown) > 0 {
		return Warn, errUnknown.With("names", few(f.Unknown), "dir", f.Config.Dir)
	}
	return fine()
}

func judgeKind(f *Facts) (Level, *exchange.Error) {
	switch {
	case f.Disk.Memory:
		return Fail, errMemory.With("dir", f.Config.Dir, "kind", f.Disk.Kind)
	case f.Disk.Remote:
		return Warn, errRemote.With("dir", f.Config.Dir, "kind", f.Disk.Kind)
	}
	return fine()
}

func judgeSpace(f *Facts) (Level, *exchange.Error) {
	d := f.Disk
	low := d.TotalInodes > 0 && d.Inodes < minFreeInodes
	switch {
	case d.Err != nil:
		return Fail, errDisk.Wrap(d.Err, "dir", f.Config.Dir)
	case d.Free < minFree/10 || low && d.Inodes < minFreeInodes/10:
		return Fail, errSpace.With("dir", f.Config.Dir, "free", mebibytes(d.Free), "inodes", inodes(d))
	case d.Free < minFree || low:
		return Warn, errSpace.With("dir", f.Config.Dir, "free", mebibytes(d.Free), "inodes", inodes(d))
	}
	return fine()
}

func mebibytes(n uint64) string { return fmt.Sprintf("%d MiB", n>>20) }

func inodes(d Disk) string {
	if d.TotalInodes == 0 {
		return "-"
	}
	return fmt.Sprint(d.Inodes)
}

func judgeSync(f *Facts) (Level, *exchange.Error) {
	if len(f.Disk.Sync) == 0 {
		return fine() // that it cannot be written is said under disk space
	}
	p99 := f.Disk.Sync[(len(f.Disk.Sync)*99+99)/100-1].Round(100 * time.Microsecond)
	switch {
	case p99 >= stuckSync:
		return Fail, errSync.With("p99", p99, "limit", slowSync)
	case p99 >= slowSync:
		return Warn, errSync.With("p99", p99, "limit", slowSync)
	}
	return fine()
}

// judgeKeystore asks nothing of a running node, which has opened it: the passphrase may
// be a credential that only the service can read.
func judgeKeystore(f *Facts) (Level, *exchange.Error) {
	if f.Keys != nil && f.Running == nil {
		return Fail, errKeystore.Wrap(f.Keys, "dir", f.Config.Dir, "why", exchange.AsError(f.Keys).Code)
	}
	return fine()
}

func judgePassphrase(f *Facts) (Level, *exchange.Error) {
	if f.Beside != "" {
		return Warn, errBeside.With("path", f.Beside)
	}
	return fine()
}

func judgeGenesis(f *Facts) (Level, *exchange.Error) {
	if f.Genesis != nil {
		return Fail, errGenesis.Wrap(f.Genesis, "dir", f.Config.Dir, "why", exchange.AsError(f.Genesis).Code)
	}
	return fine()
}

func judgeLog(f *Facts) (Level, *exchange.Error) {
	if f.Started && !f.LedgerThere {
		return Fail, errLogGone.With("dir", f.Config.Dir)
	}
	return fine()
}

func judgeBackup(f *Facts) (Level, *exchange.Error) {
	switch {
	case f.Backup == nil:
		return Warn, errNoBackup.With()
	case f.Now.Sub(f.Backup.Created) > backupOld:
		return Warn, errOldBackup.With("made", f.Backup.Created.Format(time.DateOnly), "days", int(f.Now.Sub(f.Backup.Created)/(24*time.Hour)))
	}
	return fine()
}

func judgeAudit(f *Facts) (Level, *exchange.Error) {
	if f.Running != nil {
		c := f.Running.Check
		switch {
		case c.AuditWorking == 0:
			return Fail, errAudit.With("working", 0, "files", c.AuditFiles)
		case c.AuditWorking < c.AuditFiles:
			return Warn, errAudit.With("working", c.AuditWorking, "files", c.AuditFiles)
		}
	}
	devices := slices.Clone(f.AuditDevices)
	slices.Sort(devices)
	if len(slices.Compact(devices)) < 2 {
		return Warn, errOneAudit.With()
	}
	return fine()
}

func judgeRunning(f *Facts) (Level, *exchange.Error) {
	if f.Running == nil {
		return Warn, errNotRunning.Wrap(f.NotRunning)
	}
	return fine()
}

// judgeStore goes by what the node says or, where none runs, by what its database does.
func judgeStore(f *Facts) (Level, *exchange.Error) {
	if f.Running == nil {
		if f.Store != nil {
			return Fail, errDatabase.Wrap(f.Store, "why", exchange.AsError(f.Store).Code)
		}
		return fine()
	}
	switch st := f.Running.Status.Store; {
	case !st.OK && st.Engine == "postgres":
		return Fail, errDatabase.With("why", st.Code)
	case !st.OK:
		return Fail, errRecordFile.With("why", st.Code, "dir", f.Config.Dir)
	case st.Unscrubbed > 0:
		return Warn, errUnscrubbed.With("count", st.Unscrubbed)
	}
	return fine()
}

func judgeLeader(f *Facts) (Level, *exchange.Error) {
	switch st := f.Running.Status; {
	case st.Leader == "":
		return Fail, errNoLeader.With()
	case !st.Ready:
		return Fail, errNotReady.With("why", st.Why)
	}
	return fine()
}

// judgeQuorum counts who could vote now: this node and the peers it reaches.
func judgeQuorum(f *Facts) (Level, *exchange.Error) {
	c := f.Running.Check
	up := 1
	for _, p := range c.Peers {
		if p.Reached {
			up++
		}
	}
	need := c.Voters/2 + 1
	switch {
	case c.Voters > 0 && up < need:
		return Fail, errQuorum.With("up", up, "need", need, "voters", c.Voters)
	case c.Voters > 2 && up == need && up < c.Voters:
		return Warn, errQuorum.With("up", up, "need", need, "voters", c.Voters)
	}
	return fine()
}

// those lists the peers about which something is true.
func those(c wire.NodeCheck, is func(wire.PeerCheck) bool) []string {
	var names []string
	for _, p := range c.Peers {
		if is(p) {
			names = append(names, string(p.Member))
		}
	}
	return names
}

// answered lists the peers that answered and of which something is true.
func answered(c wire.NodeCheck, is func(wire.PeerAnswer) bool) []string {
	return those(c, func(p wire.PeerCheck) bool { return p.Answer != nil && is(*p.Answer) })
}

func judgePeers(f *Facts) (Level, *exchange.Error) {
	var away []string
	for _, p := range f.Running.Check.Peers {
		if !p.Reached {
			away = append(away, string(p.Member)+" ("+p.Address+", "+p.Why+")")
		}
	}
	if len(away) > 0 {
		return Warn, errPeers.With("members", few(away))
	}
	return fine()
}

func judgeBack(f *Facts) (Level, *exchange.Error) {
	blind := answered(f.Running.Check, func(a wire.PeerAnswer) bool { return !a.Back })
	if len(blind) > 0 {
		return Fail, errBack.With("members", few(blind), "listen", f.Config.Listen)
	}
	return fine()
}

// judgeClock holds this clock against the peers' median: one peer that is wrong
// is not this node's fault.
func judgeClock(f *Facts) (Level, *exchange.Error) {
	var offsets []int64
	for _, p := range f.Running.Check.Peers {
		if p.Reached {
			offsets = append(offsets, p.ClockOffset)
		}
	}
	if len(offsets) == 0 {
		return fine()
	}
	slices.Sort(offsets)
	off := time.Duration(offsets[len(offsets)/2]) * time.Millisecond
	if len(offsets)%2 == 0 && absolute(offsets[len(offsets)/2-1]) < absolute(offsets[len(offsets)/2]) {
		off = time.Duration(offsets[len(offsets)/2-1]) * time.Millisecond
	}
	switch size := max(off, -off); {
	case size >= clockFail:
		return Fail, errClock.With("off", off)
	case size >= clockWarn:
		return Warn, errClock.With("off", off)
	}
	return fine()
}

func absolute(n int64) int64 { return max(n, -n) }

func judgeSame(f *Facts) (Level, *exchange.Error) {
	c := f.Running.Check
	if other := answered(c, func(a wire.PeerAnswer) bool { return a.Charter != c.Charter }); len(other) > 0 {
		return Fail, errOtherCharter.With("members", few(other))
	}
	return fine()
}

func judgeCatalogue(f *Facts) (Level, *exchange.Error) {
	c := f.Running.Check
	if !c.CaughtUp {
		return fine() // it does not know yet
	}
	if other := answered(c, func(a wire.PeerAnswer) bool { return a.CaughtUp && a.Catalogue != c.Catalogue }); len(other) > 0 {
		return Warn, errOtherCatalogue.With("members", few(other))
	}
	return fine()
}

func judgeVersion(f *Facts) (Level, *exchange.Error) {
	own := f.Running.Status.Version
	var other []string
	for _, p := range f.Running.Check.Peers {
		if p.Answer != nil && p.Answer.Version != own {
			other = append(other, string(p.Member)+" "+p.Answer.Version)
		}
	}
	if len(other) > 0 {
		return Warn, errOtherVersion.With("own", own, "members", few(other))
	}
	return fine()
}

// judgeCalendar warns before the year is over whose holidays the catalogue knows: terms of
// working days would end too early, and nothing else would show it.
func judgeCalendar(f *Facts) (Level, *exchange.Error) {
	ends, err := time.Parse(time.DateOnly, f.Running.Check.Calendar)
	if err != nil || f.Now.Add(calendarWarn).Before(ends) {
		return fine()
	}
	return Warn, errCalendar.With("ends", f.Running.Check.Calendar)
}

// judgeKeys looks at the newest key of every use, an old one need not be there, and
// at those that the node wants replaced.
func judgeKeys(f *Facts) (Level, *exchange.Error) {
	newest := map[string]wire.KeyWindow{}
	for _, k := range f.Running.Check.Keys {
		if have, ok := newest[k.Use]; !ok || k.From.After(have.From) {
			newest[k.Use] = k
		}
	}
	for use, k := range newest {
		if !k.Held {
			return Fail, errKeyGone.With("use", use)
		}
	}
	if f.Running.Status.ShareLost {
		return Warn, errShareLost.With()
	}
	var names []string
	for _, k := range f.Running.Status.KeysDue { // the next one first
		names = append(names, k.Use)
	}
	if len(names) == 0 {
		return fine()
	}
	level, days := Warn, f.Running.Status.KeysDue[0].Days
	if days < 7 {
		level = Fail
	}
	return level, errKeyEnds.With("uses", few(names), "days", days)
}

func judgeCustody(f *Facts) (Level, *exchange.Error) {
	if all := f.Running.Check.Uncovered; len(all) > 0 {
		return Warn, errUncovered.With("categories", few(all))
	}
	return fine()
}

// judgeHolders looks at who blinds persons' numbers; of several keys it tells of the one
// that is nearest to none.
func judgeHolders(f *Facts) (level Level, worst *exchange.Error) {
	var spare int
	for _, k := range f.Running.Check.Blinding {
		left := len(k.Holders) - len(k.Gone)
		if worst != nil && left-k.Threshold >= spare {
			continue
		}
		if spare, level = left-k.Threshold, Warn; spare < 0 {
			level = Fail
		}
		var gone []string
		for _, m := range k.Gone {
			gone = append(gone, string(m))
		}
		worst = errHolders.With("members", few(gone), "left", left, "need", k.Threshold)
	}
	if worst == nil {
		return fine()
	}
	return level, worst
}

// judgeFeeds looks at what is wrong with others' feeds; nobody is stopped by that.
func judgeFeeds(f *Facts) (Level, *exchange.Error) {
	if n := f.Running.Status.FeedAlarms; n > 0 {
		return Warn, errFeedAlarms.With("count", n)
	}
	return fine()
}

// judgeWebhooks looks for endpoints that were given up.
func judgeWebhooks(f *Facts) (Level, *exchange.Error) {
	if names := f.Running.Status.WebhooksDisabled; len(names) > 0 {
		return Warn, errWebhooks.With("names", few(names))
	}
	return fine()
}

func judgeSnapshot(f *Facts) (Level, *exchange.Error) {
	c := f.Running.Check
	if behind := int64(f.Running.Status.Applied) - int64(c.SnapshotIndex); c.SnapshotEvery > 0 && behind > manySnapshots*c.SnapshotEvery {
		return Warn, errSnapshot.With("entries", behind, "every", c.SnapshotEvery)
	}
	if c.Installs >= manyInstalls {
		return Warn, errInstalls.With("count", c.Installs, "kept", f.Config.TrailingLogs)
	}
	return fine()
}

func judgeRecords(f *Facts) (Level, *exchange.Error) {
	if n := f.Running.Check.MissingRecords; n > 0 {
		return Fail, errRecords.With("count", n)
	}
	return fine()
}

// manyRefusals is more than elections and restarts of peers bring about.
const manyRefusals = 1000

func judgeGuard(f *Facts) (Level, *exchange.Error) {
	if n := f.Running.Check.Refusals; n > manyRefusals {
		return Warn, errGuard.With("count", n)
	}
	return fine()
}

func judgeForks(f *Facts) (Level, *exchange.Error) {
	if c := f.Running.Check; c.Alarms > 0 {
		return Fail, errForks.With("count", c.Alarms)
	}
	return fine()
}

func judgeComplaints(f *Facts) (Level, *exchange.Error) {
	if n := f.Running.Check.Complaints; n > 0 {
		return Warn, errComplaints.With("count", n)
	}
	return fine()
}

// uncosigned is how much of the ledger may wait for its cosignatures.
const uncosigned = 2000

func judgeCosigned(f *Facts) (Level, *exchange.Error) {
	c := f.Running.Check
	if behind := f.Running.Status.Ledger.Size - c.Cosigned; c.CaughtUp && behind > uncosigned {
		return Warn, errCosigned.With("behind", behind, "size", c.Cosigned)
	}
	return fine()
}

func judgeRecovery(f *Facts) (Level, *exchange.Error) {
	if u := f.Running.Check.Unrecorded; u != nil && u.Late {
		return Warn, errUnrecorded.With("plan", u.Plan, "seconds", u.For, "why", u.Why)
	}
	return fine()
}
