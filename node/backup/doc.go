// Package backup keeps what a node cannot get again from its peers: its own
// records with their sealed fields, what it was told and what it audited, and
// beside them its copy of the ledger.
//
// Its one idea: a backup is one sealed file that a stranger can hold against
// its own digest, that only an offline key opens, and that can never bring a
// node's vote back. The file is
//
//	"accord-backup/1\n"
//	length (32 bit) and bytes of the manifest, JSON, legible to anybody
//	head of the sealed stream (package seal)
//	frames: kind, length (32 bit), CRC-32C of the bytes, bytes
//	    'c' a sealed chunk, 'l' the last one, 's' the node's signature
//	SHA-256 of everything before, "end\n"
//
// The chunks are a gzip of a tar. The stream's key is random and lies in the
// manifest once for every recipient, encrypted to it; the manifest is the
// stream's context, so neither goes with another. The signature (a JWS by the
// member's command key over the digest up to it) tells a backup from one that
// anybody who knows a recipient's public key could make.
//
// What a data folder holds stands in one table (folder), each name with what a
// backup does with it. There are three rules: no private key goes in unless it
// was asked for, and then only as the keystore's own encrypted files; the
// passphrase never; the log and the vote never, so that no restore can bring a
// node back under an id whose votes it has forgotten. A restored folder has a
// new node id, which its federation has to take in place of the old one.
package backup

import "accord/exchange"

// The errors of backups.
var (
	ErrFormat = exchange.Define(exchange.KindInvalid, "BACKUP-001",
		exchange.Text{Zh: "{file} 不是本版本认识的备份文件", En: "{file} is no backup that this version knows"},
		exchange.Text{Zh: "检查是否给错了文件，或用制作它的版本打开", En: "is it the right file? if so, use the version that made it"})
	ErrDamaged = exchange.Define(exchange.KindUnverified, "BACKUP-002",
		exchange.Text{Zh: "备份文件已损坏或不完整：{why}", En: "the backup is damaged or incomplete: {why}"},
		exchange.Text{Zh: "改用另一份备份，并尽快重新备份", En: "use another copy, and make a new backup soon"})
	ErrKey = exchange.Define(exchange.KindInvalid, "BACKUP-003",
		exchange.Text{Zh: "该密钥打不开此备份；接收方为 {kids}", En: "this key does not open the backup; its recipients are {kids}"},
		exchange.Text{Zh: "用其中一个接收方的密钥", En: "use the key of one of them"})
	ErrContent = exchange.Define(exchange.KindUnverified, "BACKUP-004",
		exchange.Text{Zh: "备份的内容不成立：{why}", En: "what the backup holds does not hold together: {why}"},
		exchange.Text{Zh: "不要采用；改用另一份备份", En: "do not use it; take another copy"})
	ErrOther = exchange.Define(exchange.KindRefused, "BACKUP-005",
		exchange.Text{Zh: "这是 {got} 的备份，不是 {want} 的", En: "this is a backup of {got}, not of {want}"},
		exchange.Text{Zh: "检查文件，或去掉 --charter 的期望", En: "check the file, or what --charter expects"})
	ErrTarget = exchange.Define(exchange.KindConflict, "BACKUP-006",
		exchange.Text{Zh: "{dir} 已有内容，没有改动", En: "{dir} holds something already and was left alone"},
		exchange.Text{Zh: "恢复到一个不存在的目录", En: "restore into a folder that does not exist"})
	ErrWrite = exchange.Define(exchange.KindUnavailable, "BACKUP-007",
		exchange.Text{Zh: "无法完成：{why}", En: "it cannot be done: {why}"},
		exchange.Text{Zh: "检查磁盘空间和权限后重做", En: "check space and permissions and do it again"})
	ErrRecipient = exchange.Define(exchange.KindInvalid, "BACKUP-008",
		exchange.Text{Zh: "接收方公钥不可用：{why}", En: "the recipient's public key cannot be used: {why}"},
		exchange.Text{Zh: "用 accord backup keygen 建立", En: "make one with accord backup keygen"})
	ErrLedger = exchange.Define(exchange.KindUnverified, "BACKUP-009",
		exchange.Text{Zh: "备份中的账本与运行中的节点在 {size} 条处不同", En: "the ledger in the backup differs from the running node's at size {size}"},
		exchange.Text{Zh: "二者必有一个被改过；保留双方并通知全体成员", En: "one of the two was changed; keep both and tell every member"})
)
