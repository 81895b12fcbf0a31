package records

import "accord/exchange"

// The errors of the store.
var (
	// ErrStorage is fatal: the store cannot be trusted to have done what it was
	// asked, and the process should stop writing. Its cause is for the log.
	ErrStorage = exchange.Define(exchange.KindInternal, "REC-001",
		exchange.Text{Zh: "记录库读写失败", En: "the record store failed"},
		exchange.Text{Zh: "请检查磁盘空间与文件状态后重启节点", En: "check disk and file, then restart the node"})
	// ErrFull left the store as it was, and passes by itself when there is room.
	ErrFull = exchange.Define(exchange.KindUnavailable, "REC-009",
		exchange.Text{Zh: "记录库所在磁盘已满，未作任何更改", En: "the record store's disk is full; nothing was changed"},
		exchange.Text{Zh: "腾出空间后再试，无需重启；查询不受影响", En: "make room and try again, no restart is needed; reads go on"})
	// ErrBusy left the store as it was.
	ErrBusy = exchange.Define(exchange.KindUnavailable, "REC-047",
		exchange.Text{Zh: "记录库正被另一程序占用，未作任何更改", En: "another program holds the record store; nothing was changed"},
		exchange.Text{Zh: "稍后再试；若持续，查找打开 records.db 的程序", En: "try again; if it stays so, look who has records.db open"})
	// ErrUnscrubbed: what was erased is gone for everybody who asks, its bytes are not
	// yet gone from the files.
	ErrUnscrubbed = exchange.Define(exchange.KindPartial, "REC-048",
		exchange.Text{Zh: "已清除，但旧字节尚未从记录库文件中抹去：{why}", En: "it is erased, and its old bytes are not yet gone from the store's files: {why}"},
		exchange.Text{Zh: "节点会自动重试，抹去后才出具回执；大表请运行 accord db scrub", En: "the node tries again by itself and gives no receipt before; for large tables run accord db scrub"})
	ErrNotFound = exchange.Define(exchange.KindNotFound, "REC-002",
		exchange.Text{Zh: "没有这条记录", En: "there is no such record"},
		exchange.Text{Zh: "请核对记录编号", En: "check the record's id"})
	ErrDuplicate = exchange.Define(exchange.KindConflict, "REC-003",
		exchange.Text{Zh: "同一编号或同一来源行的有效记录已存在", En: "an active record of this id or source row exists already"},
		exchange.Text{Zh: "内容不同时请用更正", En: "where the content differs, correct that record"})
	ErrNotActive = exchange.Define(exchange.KindConflict, "REC-004",
		exchange.Text{Zh: "记录已被更正或撤回", En: "the record has been corrected or retracted"},
		exchange.Text{Zh: "请对现行有效的记录操作", En: "act on the record that is active now"})
	ErrSchema = exchange.Define(exchange.KindUnavailable, "REC-005",
		exchange.Text{Zh: "记录库由更新的软件版本建立", En: "the record store was made by a newer version"},
		exchange.Text{Zh: "请升级本节点", En: "upgrade this node"})
	ErrCursor = exchange.Define(exchange.KindInvalid, "REC-006",
		exchange.Text{Zh: "翻页位置无效", En: "the cursor is not valid"},
		exchange.Text{Zh: "请从第一页重新查询", En: "begin again with the first page"})
	ErrPermissions = exchange.Define(exchange.KindUnavailable, "REC-007",
		exchange.Text{Zh: "记录库文件权限过宽", En: "the record store's file can be read by others"},
		exchange.Text{Zh: "请将文件权限设为 0600", En: "set the file's mode to 0600"})
	ErrRecord = exchange.Define(exchange.KindInvalid, "REC-008",
		exchange.Text{Zh: "记录不完整或不一致：{member}", En: "the record is incomplete or inconsistent: {member}"},
		exchange.Text{Zh: "请重新生成记录", En: "make the record again"})
)

// The errors of a store in a database.
var (
	// ErrUnreachable changed nothing, and passes by itself when the database is back.
	ErrUnreachable = exchange.Define(exchange.KindUnavailable, "REC-038",
		exchange.Text{Zh: "记录库所在数据库暂不可达，未作任何更改", En: "the record store's database cannot be reached; nothing was changed"},
		exchange.Text{Zh: "恢复后自动继续，无需重启；用 accord db probe 检查", En: "it goes on by itself when the database is back; accord db probe looks why"})
	// ErrOutcome is a COMMIT whose answer was lost, and the database stayed away.
	ErrOutcome = exchange.Define(exchange.KindUnknownOutcome, "REC-041",
		exchange.Text{Zh: "数据库在提交时失去联系，是否已写入未知", En: "the database was lost while it stored this; whether it did is not known"},
		exchange.Text{Zh: "恢复后先查询是否已有，再决定是否重做；导入可直接重复", En: "when it is back, look before you do it again; an import may simply be repeated"})
	ErrServer = exchange.Define(exchange.KindInvalid, "REC-042",
		exchange.Text{Zh: "此数据库不能作记录库：{why}", En: "this database cannot hold records: {why}"},
		exchange.Text{Zh: "accord db probe 逐项列出缺什么、如何改", En: "accord db probe says what it lacks and how to mend it"})
	ErrPlace = exchange.Define(exchange.KindInvalid, "REC-043",
		exchange.Text{Zh: "数据库地址不可用：{why}", En: "the database's address cannot be used: {why}"},
		exchange.Text{Zh: "写成 postgres://用户@主机：5432/库名？sslmode=verify-full；口令放在 store_password_file 所指文件", En: "write postgres://user@host:5432/database?sslmode=verify-full, and the password into the file that store_password_file names"})
	ErrOwner = exchange.Define(exchange.KindConflict, "REC-044",
		exchange.Text{Zh: "此数据库属于另一节点 {owner}", En: "the database belongs to another node, {owner}"},
		exchange.Text{Zh: "每个节点用自己的数据库；本成员的旧节点已停用时，用 accord db adopt --from 节点编号", En: "give each node a database of its own; where that was this member's node and is gone, accord db adopt --from NODE"})
	// ErrTaken is fatal: another process has opened the store under this node's name.
	ErrTaken = exchange.Define(exchange.KindConflict, "REC-035",
		exchange.Text{Zh: "同一节点的另一进程已接管记录库", En: "another process of this node has taken the record store"},
		exchange.Text{Zh: "只保留一个；查找用同一数据目录副本启动的节点", En: "keep one; look for a node that was started on a copy of the data folder"})
	ErrMoving = exchange.Define(exchange.KindConflict, "REC-036",
		exchange.Text{Zh: "记录尚未全部移入此数据库", En: "the records have not all been moved into this database yet"},
		exchange.Text{Zh: "再次运行 accord db move，从中断处继续", En: "run accord db move again; it goes on where it stopped"})
	ErrKeyFile = exchange.Define(exchange.KindConflict, "REC-037",
		exchange.Text{Zh: "数据目录中的 records.keys 不是此数据库的", En: "the records.keys in the data folder is not that of this database"},
		exchange.Text{Zh: "把原来的 records.keys 放回；没有它，封存的信息项无法打开", En: "put the right records.keys back; without it no sealed field opens"})
	ErrDiffers = exchange.Define(exchange.KindUnverified, "REC-039",
		exchange.Text{Zh: "移入数据库的内容与原记录库不一致", En: "what was moved into the database differs from the store it came from"},
		exchange.Text{Zh: "原记录库未改动；确认没有别的程序写此数据库，清空后再移", En: "the old store is unchanged; see that nothing else writes to the database, empty it and move again"})
)

// The errors of a record's values. They name the field and never its value.
var (
	ErrCategory = exchange.Define(exchange.KindInvalid, "REC-010",
		exchange.Text{Zh: "目录中没有该类别", En: "the catalogue has no such category"},
		exchange.Text{Zh: "用 accord catalogue show 查看类别", En: "see accord catalogue show"})
	ErrSubjectKind = exchange.Define(exchange.KindInvalid, "REC-011",
		exchange.Text{Zh: "该类别不适用于这种信用主体", En: "the category does not apply to this kind of subject"},
		exchange.Text{Zh: "请核对信用主体类型", En: "check the kind of subject"})
	ErrUnknownField = exchange.Define(exchange.KindInvalid, "REC-012",
		exchange.Text{Zh: "该类别没有此信息项", En: "the category has no such field"},
		exchange.Text{Zh: "请使用目录所列信息项", En: "use the fields of the catalogue"})
	ErrMissing = exchange.Define(exchange.KindInvalid, "REC-013",
		exchange.Text{Zh: "必填项为空", En: "a required field is empty"},
		exchange.Text{Zh: "请补充后重新提交", En: "fill it in and submit again"})
	ErrForm = exchange.Define(exchange.KindInvalid, "REC-014",
		exchange.Text{Zh: "格式不符，应为{form}", En: "wrong form; expected {form}"},
		exchange.Text{Zh: "请按目录要求填写", En: "fill it in as the catalogue asks"})
	ErrValue = exchange.Define(exchange.KindInvalid, "REC-015",
		exchange.Text{Zh: "不在目录的取值表中", En: "not in the catalogue's table of values"},
		exchange.Text{Zh: "请使用取值表所列代码", En: "use a code of the table"})
	ErrLength = exchange.Define(exchange.KindInvalid, "REC-016",
		exchange.Text{Zh: "超过长度上限 {max}", En: "longer than {max}"},
		exchange.Text{Zh: "请缩短后提交", En: "shorten it"})
	ErrCharacters = exchange.Define(exchange.KindInvalid, "REC-017",
		exchange.Text{Zh: "含有不允许的字符", En: "it holds characters that are not allowed"},
		exchange.Text{Zh: "请删除控制字符、方向控制符、标记或首尾空格", En: "remove control and direction characters, markup and outer spaces"})
	ErrCheckDigit = exchange.Define(exchange.KindInvalid, "REC-018",
		exchange.Text{Zh: "号码位数或校验码错误", En: "the number's length or check character is wrong"},
		exchange.Text{Zh: "请核对原始证件", En: "compare it with the document"})
	ErrDate = exchange.Define(exchange.KindInvalid, "REC-019",
		exchange.Text{Zh: "日期不存在或年份不合理", En: "the date does not exist or its year is absurd"},
		exchange.Text{Zh: "请按 2023-05-01 的形式填写", En: "write it like 2023-05-01"})
	ErrFuture = exchange.Define(exchange.KindInvalid, "REC-020",
		exchange.Text{Zh: "事实发生日期在将来", En: "the date lies in the future"},
		exchange.Text{Zh: "请核对日期", En: "check the date"})
	ErrOrder = exchange.Define(exchange.KindInvalid, "REC-021",
		exchange.Text{Zh: "早于应在其前的日期（{other}）", En: "earlier than the date it must follow ({other})"},
		exchange.Text{Zh: "请核对两个日期", En: "check both dates"})
	ErrRetention = exchange.Define(exchange.KindRefused, "REC-022",
		exchange.Text{Zh: "自然人信息已过保存期，不得保存", En: "information on a person is past its retention and may not be stored"},
		exchange.Text{Zh: "无需处理；该信息不应再使用", En: "nothing; it must no longer be used"})
)
