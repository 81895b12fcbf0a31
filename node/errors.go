package node

import (
	"errors"

	"accord/consensus"
	"accord/exchange"
)

// The errors of a running node.
var (
	ErrRunning = exchange.Define(exchange.KindConflict, "NODE-002",
		exchange.Text{Zh: "此数据目录的节点已在运行（{socket}）", En: "a node already runs on this data folder ({socket})"},
		exchange.Text{Zh: "先停止它，或换一个 --dir", En: "stop it first, or use another --dir"})
	ErrListen = exchange.Define(exchange.KindUnavailable, "NODE-003",
		exchange.Text{Zh: "无法监听 {address}", En: "cannot listen on {address}"},
		exchange.Text{Zh: "端口是否被占用？修改 listen 或停止占用者", En: "is the port taken? change listen or stop whoever has it"})
	ErrStart = exchange.Define(exchange.KindInvalid, "NODE-004",
		exchange.Text{Zh: "节点无法启动：{why}", En: "the node cannot start: {why}"},
		exchange.Text{Zh: "见 RUNBOOK 的启动一节", En: "see Start in the RUNBOOK"})
	ErrStopped = exchange.Define(exchange.KindInternal, "NODE-005",
		exchange.Text{Zh: "节点因存储或状态错误已停止", En: "the node stopped because of a storage or state error"},
		exchange.Text{Zh: "查看日志；检查磁盘后重启，节点会从日志恢复", En: "look into the log; check the disk and restart, the node recovers from its log"})
	ErrSocketPath = exchange.Define(exchange.KindInvalid, "NODE-006",
		exchange.Text{Zh: "套接字路径过长（上限 {max} 字节）：{path}", En: "the socket's path is longer than {max} bytes: {path}"},
		exchange.Text{Zh: "把数据目录放在更短的路径下", En: "put the data folder at a shorter path"})
	ErrCrowd = exchange.Define(exchange.KindRefused, "NODE-013",
		exchange.Text{Zh: "名册中尚无表决资格的新节点有 {coming} 个，多于已能表决的 {voters} 个", En: "{coming} nodes of this roster have no vote yet, more than the {voters} that have"},
		exchange.Text{Zh: "先等已加入的节点取得表决资格（accord member status），或把不再加入的除名，再增加新的", En: "wait until those that were added vote (accord member status), or take out those that will not come, then add more"})
	ErrNoQuorum = exchange.Define(exchange.KindNoQuorum, "LEDGER-001",
		exchange.Text{Zh: "在线成员不足，账本暂不能写入；未作任何更改", En: "too few members are reachable, the ledger takes no writes; nothing was changed"},
		exchange.Text{Zh: "查询仍可用；请启动离线成员的节点，须有半数以上在线", En: "reads go on; start the nodes that are away: more than half of all members are needed"})
	ErrUnknown = exchange.Define(exchange.KindUnknownOutcome, "LEDGER-002",
		exchange.Text{Zh: "等待账本答复超时，结果未知", En: "no answer from the ledger in time; it may or may not have happened"},
		exchange.Text{Zh: "稍后查询是否已记录，再决定是否重做", En: "look whether it was recorded before doing it again"})
	ErrRefused = exchange.Define(exchange.KindInvalid, "LEDGER-003",
		exchange.Text{Zh: "账本拒收该指令", En: "the ledger does not take this command"},
		exchange.Text{Zh: "检查本机时间与各成员软件版本", En: "check this machine's clock and the members' versions"})
	ErrDisk = exchange.Define(exchange.KindUnavailable, "LEDGER-030",
		exchange.Text{Zh: "本机磁盘空间不足，账本在此节点暂停写入；未作任何更改", En: "this machine's disk has too little room left, this node takes no writes; nothing was changed"},
		exchange.Text{Zh: "清理磁盘即自动恢复，无需重启；查询仍可用，也可经其他节点写入", En: "make room, and it goes on by itself; reads go on, and other nodes take writes"})
	ErrClock = exchange.Define(exchange.KindUnavailable, "LEDGER-031",
		exchange.Text{Zh: "本机时间与多数成员相差超过 60 秒，账本在此节点暂停写入；未作任何更改", En: "this machine's clock is more than 60 s from that of most members, this node takes no writes; nothing was changed"},
		exchange.Text{Zh: "校准本机时间（见 RUNBOOK 的时钟一节）即自动恢复，无需重启；查询仍可用，也可经其他节点写入", En: "set the clock (see Clock in the RUNBOOK), and it goes on by itself; reads go on, and other nodes take writes"})
	ErrHeld = exchange.Define(exchange.KindUnknownOutcome, "LEDGER-022",
		exchange.Text{Zh: "主节点不接收这条合规的声明；本节点将继续提交，逾时即向全体成员申诉", En: "the leader does not take this statement, which is in order; this node keeps trying and will complain to all members"},
		exchange.Text{Zh: "见 accord ledger complaints；确认是否已记录之前不要重做", En: "see accord ledger complaints; do not do it again before you know whether it was recorded"})
	ErrNoRecords = exchange.Define(exchange.KindNotFound, "REC-046",
		exchange.Text{Zh: "数据目录中没有 records.db", En: "the data folder holds no records.db"},
		exchange.Text{Zh: "或已移入数据库；见 accord config show 的 store", En: "it may have been moved already: see store in accord config show"})
	ErrNoPeer = exchange.Define(exchange.KindNotFound, "NET-003",
		exchange.Text{Zh: "没有成员单位 {member}", En: "there is no member {member}"},
		exchange.Text{Zh: "成员列表见 accord member list", En: "accord member list shows the members"})
)

// translate turns the log's errors into the vocabulary, once.
func translate(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, consensus.ErrNoQuorum), errors.Is(err, consensus.ErrNotLeader):
		return ErrNoQuorum.Wrap(err)
	case errors.Is(err, consensus.ErrDiskFull):
		return ErrDisk.Wrap(err)
	case errors.Is(err, consensus.ErrUnfit):
		return ErrClock.Wrap(err)
	case errors.Is(err, consensus.ErrUnknownOutcome):
		return ErrUnknown.Wrap(err)
	case errors.Is(err, consensus.ErrRefused), errors.Is(err, consensus.ErrTooLarge):
		return ErrRefused.Wrap(err)
	case errors.Is(err, consensus.ErrClosed), errors.Is(err, consensus.ErrMachine), errors.Is(err, consensus.ErrFormat):
		return ErrStopped.Wrap(err)
	}
	return err
}
