package doctor

import "accord/exchange"

// The findings. Each says on its last line what to type.
var (
	errExposed = exchange.Define(exchange.KindInvalid, "DOCTOR-001",
		exchange.Text{Zh: "数据目录中有其他用户可读写的文件：{paths}", En: "others may use what is in the data folder: {paths}"},
		exchange.Text{Zh: "运行 sudo chmod -R go= {dir}", En: "run sudo chmod -R go= {dir}"})
	errUnknown = exchange.Define(exchange.KindInvalid, "DOCTOR-002",
		exchange.Text{Zh: "数据目录中有不属于本程序的文件，备份不包含它们：{names}", En: "the data folder holds files that are not the product's and go into no backup: {names}"},
		exchange.Text{Zh: "移到别处：sudo ls -la {dir}", En: "move them elsewhere: sudo ls -la {dir}"})
	errMemory = exchange.Define(exchange.KindInvalid, "DOCTOR-003",
		exchange.Text{Zh: "数据目录在内存文件系统（{kind}）上，重启即丢失", En: "the data folder is on a memory file system ({kind}); a restart of the machine loses it"},
		exchange.Text{Zh: "停止节点，把 {dir} 移到磁盘：findmnt --target {dir}", En: "stop the node and move {dir} onto a disk: findmnt --target {dir}"})
	errRemote = exchange.Define(exchange.KindInvalid, "DOCTOR-004",
		exchange.Text{Zh: "数据目录在网络文件系统（{kind}）上，落盘和加锁没有保证", En: "the data folder is on a network file system ({kind}), which promises neither durable writes nor locks"},
		exchange.Text{Zh: "停止节点，把 {dir} 移到本机磁盘：findmnt --target {dir}", En: "stop the node and move {dir} onto a disk of this machine: findmnt --target {dir}"})
	errDisk = exchange.Define(exchange.KindUnavailable, "DOCTOR-005",
		exchange.Text{Zh: "数据目录 {dir} 不能写", En: "the data folder {dir} cannot be written"},
		exchange.Text{Zh: "检查挂载和所有者：findmnt --target {dir}；sudo ls -lad {dir}", En: "look at mount and owner: findmnt --target {dir}; sudo ls -lad {dir}"})
	errSpace = exchange.Define(exchange.KindUnavailable, "DOCTOR-006",
		exchange.Text{Zh: "数据目录所在磁盘将满：剩余 {free}，inode {inodes}", En: "the data folder's disk is nearly full: {free} and {inodes} inodes are left"},
		exchange.Text{Zh: "腾出空间：df -h {dir}；见 RUNBOOK 的磁盘满一节", En: "make room: df -h {dir}; see Disk full in the RUNBOOK"})
	errSync = exchange.Define(exchange.KindUnavailable, "DOCTOR-007",
		exchange.Text{Zh: "落盘太慢：百分之一的小块写入超过 {p99}（上限 {limit}）", En: "durable writes are slow: one in a hundred takes {p99} or more (limit {limit})"},
		exchange.Text{Zh: "查看谁在用磁盘：iostat -x 1 5；考虑给节点单独的磁盘", En: "see who uses the disk: iostat -x 1 5; give the node a disk of its own"})
	errKeystore = exchange.Define(exchange.KindInvalid, "DOCTOR-008",
		exchange.Text{Zh: "密钥库打不开（{why}）", En: "the keystore does not open ({why})"},
		exchange.Text{Zh: "检查口令文件和权限：accord explain {why}；sudo ls -la {dir}/keys", En: "look at the passphrase file and the modes: accord explain {why}; sudo ls -la {dir}/keys"})
	errBeside = exchange.Define(exchange.KindInvalid, "DOCTOR-037",
		exchange.Text{Zh: "口令文件与密钥同在数据目录（{path}）：谁拿到目录的副本，谁就能使用全部密钥", En: "the passphrase lies beside the keys ({path}): whoever gets a copy of the folder can use them"},
		exchange.Text{Zh: "改为 systemd 凭据，或移到别处并在 accord.yaml 中写明 passphrase_file：sudo systemd-creds encrypt --name=passphrase {path} /etc/accord/passphrase.cred",
			En: "make it a systemd credential, or move it and name it as passphrase_file in accord.yaml: sudo systemd-creds encrypt --name=passphrase {path} /etc/accord/passphrase.cred"})
	errGenesis = exchange.Define(exchange.KindUnverified, "DOCTOR-009",
		exchange.Text{Zh: "章程不可用（{why}）", En: "the charter cannot be used ({why})"},
		exchange.Text{Zh: "从任一成员复制 genesis.json 到 {dir}；它是公开的，启动时验证全部签名", En: "copy genesis.json from any member into {dir}; it is public, and all its signatures are verified at start"})
	errLogGone = exchange.Define(exchange.KindUnavailable, "DOCTOR-010",
		exchange.Text{Zh: "账本目录丢失，节点不能以原编号回来", En: "the ledger folder is gone; the node must not come back under its id"},
		exchange.Text{Zh: "找回原目录：findmnt {dir}；找不到则替换节点，见 RUNBOOK 的清空一节", En: "find it: findmnt {dir}; if it is lost, replace the node: see Wiped in the RUNBOOK"})
	errNoBackup = exchange.Define(exchange.KindNotFound, "DOCTOR-011",
		exchange.Text{Zh: "从未备份", En: "there is no backup"},
		exchange.Text{Zh: "运行 accord backup create --to safe.pub", En: "run accord backup create --to safe.pub"})
	errOldBackup = exchange.Define(exchange.KindInvalid, "DOCTOR-012",
		exchange.Text{Zh: "上次备份在 {days} 天前（{made}）", En: "the last backup is {days} days old ({made})"},
		exchange.Text{Zh: "运行 accord backup create --to safe.pub", En: "run accord backup create --to safe.pub"})
	errAudit = exchange.Define(exchange.KindUnavailable, "DOCTOR-013",
		exchange.Text{Zh: "{files} 个审计文件中只有 {working} 个可写", En: "{working} of {files} audit files take lines"},
		exchange.Text{Zh: "检查磁盘和权限后重启节点：accord config show --origin", En: "look at disk and modes, then restart the node: accord config show --origin"})
	errOneAudit = exchange.Define(exchange.KindInvalid, "DOCTOR-014",
		exchange.Text{Zh: "审计文件都在一个文件系统上，它坏了就不能开放私密信息项", En: "the audit files share one file system; when it fails no private field is released"},
		exchange.Text{Zh: "在 accord.yaml 的 audit.files 中再写一个别处的文件，重启节点", En: "name a second file elsewhere under audit.files in accord.yaml and restart the node"})
	errNotRunning = exchange.Define(exchange.KindUnavailable, "DOCTOR-015",
		exchange.Text{Zh: "节点没有运行，未检查其他成员、时钟和法定数", En: "the node does not run; peers, clock and quorum were not looked at"},
		exchange.Text{Zh: "运行 sudo systemctl start accord", En: "run sudo systemctl start accord"})
	errNoLeader = exchange.Define(exchange.KindNoQuorum, "DOCTOR-016",
		exchange.Text{Zh: "没有主节点，账本不能写", En: "there is no leader; the ledger takes no writes"},
		exchange.Text{Zh: "启动离线的节点；见 RUNBOOK 的法定数一节", En: "start the nodes that are away; see No quorum in the RUNBOOK"})
	errNotReady = exchange.Define(exchange.KindUnavailable, "DOCTOR-017",
		exchange.Text{Zh: "节点尚未就绪：{why}", En: "the node is not ready: {why}"},
		exchange.Text{Zh: "运行 sudo journalctl -u accord -n 50", En: "run sudo journalctl -u accord -n 50"})
	errQuorum = exchange.Define(exchange.KindNoQuorum, "DOCTOR-018",
		exchange.Text{Zh: "{voters} 个表决节点中可达 {up} 个，须有 {need} 个", En: "{up} of {voters} voting nodes can be reached, {need} are needed"},
		exchange.Text{Zh: "启动离线的节点：accord member list", En: "start the nodes that are away: accord member list"})
	errPeers = exchange.Define(exchange.KindUnavailable, "DOCTOR-019",
		exchange.Text{Zh: "连不到：{members}", En: "cannot reach {members}"},
		exchange.Text{Zh: "请对方检查节点和防火墙；本机：nc -vz HOST PORT", En: "ask them about node and firewall; from here: nc -vz HOST PORT"})
	errBack = exchange.Define(exchange.KindUnavailable, "DOCTOR-020",
		exchange.Text{Zh: "这些成员连不到本节点：{members}", En: "these members cannot reach this node: {members}"},
		exchange.Text{Zh: "检查防火墙是否放行 {listen} 的端口，以及章程中的地址：accord member list", En: "let the port of {listen} through the firewall, and compare the address in the charter: accord member list"})
	errClock = exchange.Define(exchange.KindInvalid, "DOCTOR-021",
		exchange.Text{Zh: "其他成员的时钟与本机相差 {off}", En: "the peers' clocks are {off} from this one"},
		exchange.Text{Zh: "运行 timedatectl status; sudo systemctl restart systemd-timesyncd", En: "run timedatectl status; sudo systemctl restart systemd-timesyncd"})
	errOtherCharter = exchange.Define(exchange.KindUnverified, "DOCTOR-022",
		exchange.Text{Zh: "这些成员在另一份章程下运行：{members}", En: "these members run under another charter: {members}"},
		exchange.Text{Zh: "用电话核对章程口令词：accord member list", En: "compare the charter's words by phone: accord member list"})
	errOtherCatalogue = exchange.Define(exchange.KindUnavailable, "DOCTOR-023",
		exchange.Text{Zh: "这些成员的现行目录与本节点不同：{members}", En: "these members have another catalogue in force: {members}"},
		exchange.Text{Zh: "稍后再看；若持续：accord ledger status", En: "look again in a minute; if it stays: accord ledger status"})
	errCalendar = exchange.Define(exchange.KindInvalid, "DOCTOR-039",
		exchange.Text{Zh: "现行目录的工作日历只到 {ends}，此后的工作日只除去周末，期限会算短", En: "the catalogue's calendar knows holidays up to {ends}; after it only weekends are taken off, and terms come out too short"},
		exchange.Text{Zh: "按国务院办公厅通知补入次年节假日和调休日，提请采用新目录：accord proposal catalogue（RUNBOOK 24）", En: "add the next year's holidays and make-up days, and propose the catalogue: accord proposal catalogue (RUNBOOK 24)"})
	errOtherVersion = exchange.Define(exchange.KindInvalid, "DOCTOR-024",
		exchange.Text{Zh: "软件版本不同：本节点 {own}，{members}", En: "versions differ: this node {own}, {members}"},
		exchange.Text{Zh: "升级落后者，见 RUNBOOK 的升级一节：accord version", En: "upgrade whoever is behind, see Upgrade in the RUNBOOK: accord version"})
	errKeyEnds = exchange.Define(exchange.KindInvalid, "DOCTOR-025",
		exchange.Text{Zh: "应更换密钥：{uses}；离最近的到期日还有 {days} 天", En: "keys are to be replaced: {uses}; {days} days are left to the next"},
		exchange.Text{Zh: "更换密钥，见 RUNBOOK 的密钥到期一节", En: "replace them, see Expired key in the RUNBOOK"})
	errKeyGone = exchange.Define(exchange.KindInvalid, "DOCTOR-026",
		exchange.Text{Zh: "密钥库缺少账本登记的 {use} 密钥", En: "the keystore lacks the {use} key that the ledger lists"},
		exchange.Text{Zh: "从保险柜的备份取回密钥库：accord backup restore", En: "bring the keystore back from the safe: accord backup restore"})
	errShareLost = exchange.Define(exchange.KindPartial, "DOCTOR-038",
		exchange.Text{Zh: "账本登记本单位持有证件号码盲化密钥的份额，密钥库中没有", En: "the ledger has this member hold a share of the key that blinds persons' numbers, and the keystore lacks it"},
		exchange.Text{Zh: "从备份恢复密钥库；没有备份的，由联席会议以同样的持有方重新分发：accord blinding propose（RUNBOOK 25）", En: "restore the keystore from its backup; without one have the joint meeting deal to the same holders anew: accord blinding propose (RUNBOOK 25)"})
	errUncovered = exchange.Define(exchange.KindPartial, "DOCTOR-044",
		exchange.Text{Zh: "类别 {categories} 要求托管，可履职的托管方不足；本节点丢失后，新记录的密封信息项无从开放", En: "custody is asked for {categories}, and too few custodians may act; without this node nobody opens sealed fields of newer records"},
		exchange.Text{Zh: "接纳或恢复托管方，或由联席会议修改该类别的托管规则：accord custody status（RUNBOOK 23）", En: "take in or restore custodians, or have the joint meeting change the category's rule: accord custody status (RUNBOOK 23)"})
	errHolders = exchange.Define(exchange.KindPartial, "DOCTOR-043",
		exchange.Text{Zh: "证件号码盲化密钥的持有方 {members} 已退出或被暂停，余下 {left} 家，运算须 {need} 家；退出方仍有其份额", En: "{members} of the holders of the key that blinds persons' numbers left or are suspended; {left} remain and {need} must answer; who left still has its share"},
		exchange.Text{Zh: "由联席会议改定持有方：accord blinding propose（RUNBOOK 25）", En: "have the joint meeting decide on other holders: accord blinding propose (RUNBOOK 25)"})
	errSnapshot = exchange.Define(exchange.KindUnavailable, "DOCTOR-027",
		exchange.Text{Zh: "上次快照以来已有 {entries} 条日志（设定为每 {every} 条）", En: "{entries} entries since the last snapshot ({every} are configured)"},
		exchange.Text{Zh: "查看日志：sudo journalctl -u accord -n 200；检查磁盘空间后重启节点", En: "look into the log: sudo journalctl -u accord -n 200; check the disk and restart the node"})
	errRecords = exchange.Define(exchange.KindPartial, "DOCTOR-028",
		exchange.Text{Zh: "账本提到的本单位记录中有 {count} 条不在本节点", En: "{count} of this member's records that the ledger names are not on this node"},
		exchange.Text{Zh: "恢复后须重新导入备份之后的文件：accord record import", En: "after a restore import again what came after the backup: accord record import"})
	errDatabase = exchange.Define(exchange.KindUnavailable, "DOCTOR-034",
		exchange.Text{Zh: "记录库所在数据库不可用（{why}）", En: "the database that holds the records does not do its work ({why})"},
		exchange.Text{Zh: "运行 accord db probe 逐项检查；恢复后节点自动继续", En: "run accord db probe; the node goes on by itself when it is back"})
	errRecordFile = exchange.Define(exchange.KindUnavailable, "DOCTOR-035",
		exchange.Text{Zh: "记录库文件读写有问题（{why}）", En: "the file that holds the records does not do its work ({why})"},
		exchange.Text{Zh: "检查空间和文件：df -h {dir}；sudo ls -la {dir}/records.db；含义见 accord explain {why}", En: "look at room and file: df -h {dir}; sudo ls -la {dir}/records.db; what it means: accord explain {why}"})
	errUnscrubbed = exchange.Define(exchange.KindPartial, "DOCTOR-036",
		exchange.Text{Zh: "{count} 次清除的旧字节仍在记录库文件中，尚未出具回执", En: "the bytes of {count} erasures are still in the record store's files, and no receipt is given yet"},
		exchange.Text{Zh: "节点会自动重试；若不消失，停止节点后运行 accord db scrub", En: "the node tries again by itself; if it stays, stop the node and run accord db scrub"})
	errGuard = exchange.Define(exchange.KindUnverified, "DOCTOR-029",
		exchange.Text{Zh: "启动以来守卫拒绝了 {count} 个来自成员的请求", En: "the guard refused {count} requests of members since the start"},
		exchange.Text{Zh: "查看是谁、为什么：sudo journalctl -u accord -g refused", En: "see whose and why: sudo journalctl -u accord -g refused"})
	errInstalls = exchange.Define(exchange.KindUnavailable, "DOCTOR-033",
		exchange.Text{Zh: "一小时内 {count} 次靠整份快照追赶账本：快照后保留的日志（{kept} 条）太短", En: "{count} whole snapshots were fetched within an hour to catch up: the log kept behind a snapshot ({kept} entries) is too short"},
		exchange.Text{Zh: "在所有成员上加大 raft.trailing_logs 后逐个重启（见 SIZING.md）", En: "raise raft.trailing_logs on all members and restart them one by one (see SIZING.md)"})
	errForks = exchange.Define(exchange.KindUnverified, "DOCTOR-030",
		exchange.Text{Zh: "账本警报：{count} 个未结案", En: "ledger alarms: {count} are open"},
		exchange.Text{Zh: "先用 accord ledger forks 查明原因，保留证据，见 RUNBOOK 的账本警报一节", En: "find the cause first, with accord ledger forks; keep the evidence, see Fork alarm in the RUNBOOK"})
	errComplaints = exchange.Define(exchange.KindUnavailable, "DOCTOR-031",
		exchange.Text{Zh: "有 {count} 项投诉：声明没有按时记上账本", En: "{count} complaints: statements that were not recorded in time"},
		exchange.Text{Zh: "查看主节点是否正常：accord ledger status", En: "see whether the leader does its work: accord ledger status"})
	errFeedAlarms = exchange.Define(exchange.KindUnverified, "DOCTOR-041",
		exchange.Text{Zh: "有 {count} 个记录流警报待处理", En: "{count} feed alarms are open"},
		exchange.Text{Zh: "运行 accord feed alarms；见 RUNBOOK 的记录流一节", En: "run accord feed alarms; see Feed alarm in the RUNBOOK"})
	errWebhooks = exchange.Define(exchange.KindUnavailable, "DOCTOR-042",
		exchange.Text{Zh: "推送端点因多次失败已停用：{names}", En: "webhook endpoints are disabled after failing too long: {names}"},
		exchange.Text{Zh: "运行 accord webhook list；修好后运行 accord webhook replay", En: "run accord webhook list; when it is mended, accord webhook replay"})
	errUnrecorded = exchange.Define(exchange.KindUnverified, "DOCTOR-040",
		exchange.Text{Zh: "恢复方案 {plan} 已 {seconds} 秒没有记入账本（{why}）", En: "the plan of recovery {plan} has not been put on the ledger for {seconds} s ({why})"},
		exchange.Text{Zh: "其他成员看不到为何更换了表决节点：accord member recoveries; accord member status", En: "nobody else can see why the voting nodes were changed: accord member recoveries; accord member status"})
	errCosigned = exchange.Define(exchange.KindUnavailable, "DOCTOR-032",
		exchange.Text{Zh: "最近 {behind} 条账本没有足够的共签（共签到第 {size} 条）", En: "the last {behind} statements lack a quorum's cosignatures (cosigned up to {size})"},
		exchange.Text{Zh: "启动离线的节点：accord member list", En: "start the nodes that are away: accord member list"})
)
