package pull

import "accord/exchange"

// The errors of pulls. None holds a password, a query, a path of an address or a
// value of a row: what a server says is told by its code alone, as servers quote.
var (
	ErrSecret = exchange.Define(exchange.KindInvalid, "PULL-001",
		exchange.Text{Zh: "无法取得 {where} 中的口令或地址：{why}", En: "cannot take the secret or address from {where}: {why}"},
		exchange.Text{Zh: "把它写入仅本用户可读（0600）的文件，或放入映射所指的环境变量", En: "put it into a file that only its owner can read (0600), or into the variable that the mapping names"})
	ErrReach = exchange.Define(exchange.KindUnavailable, "PULL-002",
		exchange.Text{Zh: "来源 {where} 未能应答：{why}", En: "the source {where} did not answer: {why}"},
		exchange.Text{Zh: "检查网络、地址和对方服务；再次执行同一命令即从停下处继续", En: "check network, address and the other side; the same command goes on where it stopped"})
	ErrServer = exchange.Define(exchange.KindInvalid, "PULL-003",
		exchange.Text{Zh: "数据库拒绝了读取（{code}）", En: "the database refused the reading ({code})"},
		exchange.Text{Zh: "按代码查对方数据库的文档：权限、表名、列名、查询或超时", En: "look the code up in that database's manual: rights, names of table and columns, the query, or the time limit"})
	ErrColumn = exchange.Define(exchange.KindInvalid, "PULL-004",
		exchange.Text{Zh: "列 {column} 不能这样读取：{why}", En: "column {column} cannot be read so: {why}"},
		exchange.Text{Zh: "修改映射 pull 部分的查询、key 或 cursor", En: "change the query, key or cursor in the mapping's pull part"})
	ErrAnswer = exchange.Define(exchange.KindInvalid, "PULL-005",
		exchange.Text{Zh: "{where} 的应答不能使用：{why}", En: "what {where} answered cannot be used: {why}"},
		exchange.Text{Zh: "检查地址、令牌和分页方式是否与对方接口一致", En: "see whether address, token and paging are those of the other side's interface"})
	ErrLimit = exchange.Define(exchange.KindInvalid, "PULL-006",
		exchange.Text{Zh: "来源的数据超出限度：{limit}", En: "what the source gives goes beyond a limit: {limit}"},
		exchange.Text{Zh: "用 key 或 pages 分页，或缩小查询", En: "read in pages (key, pages), or narrow the query"})
	ErrState = exchange.Define(exchange.KindConflict, "PULL-007",
		exchange.Text{Zh: "进度文件 {file} 不能使用：{why}", En: "the progress file {file} cannot be used: {why}"},
		exchange.Text{Zh: "若来源确已更换，用 --restart 从头读取（已入库的行不会重复）；否则用 --state 指明另一文件", En: "if the source is another one now, read from its beginning with --restart (rows already stored are not repeated); else name another file with --state"})
	ErrPlace = exchange.Define(exchange.KindRefused, "PULL-008",
		exchange.Text{Zh: "不访问 {where}：{why}", En: "{where} is not visited: {why}"},
		exchange.Text{Zh: "改用来源系统自己的地址和经校验的 TLS 连接", En: "use the source's own address, and a TLS connection that is checked"})
	ErrNoPull = exchange.Define(exchange.KindInvalid, "PULL-009",
		exchange.Text{Zh: "映射 {mapping} 没有 pull 部分", En: "mapping {mapping} has no pull part"},
		exchange.Text{Zh: "在映射中写明数据库（pull.sql）或网址（pull.http）", En: "say in the mapping which database (pull.sql) or address (pull.http) to read"})
)
