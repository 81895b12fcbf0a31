package custody

import "accord/exchange"

// The answers of the custody verbs.
var (
	ErrPolicy = exchange.Define(exchange.KindRefused, "CUST-001",
		exchange.Text{Zh: "托管方或份数不是信息目录现在对类别 {category} 的要求", En: "custodians or number are not what the catalogue asks for category {category} now"},
		exchange.Text{Zh: "按现行信息目录与在任成员单位重新分割", En: "split again by the catalogue in force and the members there are"})
	ErrGeneration = exchange.Define(exchange.KindConflict, "CUST-002",
		exchange.Text{Zh: "记录 {record} 的下一代号是 {want}", En: "the next generation of record {record} is {want}"},
		exchange.Text{Zh: "重新查看后分割", En: "look again, then split"})
	ErrTwice = exchange.Define(exchange.KindConflict, "CUST-003",
		exchange.Text{Zh: "记录 {record} 的这一代已登记了另一份托管声明", En: "another custody statement stands for this generation of record {record}"},
		exchange.Text{Zh: "同一代只有一份声明；以新的代号重新分割", En: "a generation has one statement; split again under a new number"})
	ErrNoDeposit = exchange.Define(exchange.KindNotFound, "CUST-004",
		exchange.Text{Zh: "记录 {record} 没有这一代托管", En: "record {record} has no such custody"},
		exchange.Text{Zh: "向作者单位查阅；该类别可能不要求托管", En: "ask the author; its category may not ask for custody"})
	ErrNotCustodian = exchange.Define(exchange.KindForbidden, "CUST-005",
		exchange.Text{Zh: "{member} 不是该记录这一代的托管方", En: "{member} is no custodian of this generation of the record"},
		exchange.Text{Zh: "由账本所列的托管方办理", En: "a custodian that the ledger names has to do it"})
	ErrNotGranted = exchange.Define(exchange.KindRefused, "CUST-006",
		exchange.Text{Zh: "授权开放 {release} 的状态是 {status}，托管方不交付", En: "release {release} is {status}, so no custodian delivers"},
		exchange.Text{Zh: "需要状态为 granted；逾期的须重新请求", En: "it has to be granted; what has lapsed must be asked anew"})
	ErrReceipts = exchange.Define(exchange.KindUnverified, "CUST-007",
		exchange.Text{Zh: "所列的托管方答复与账本上的交付回执不符，或不足 {k} 份", En: "the answers named are not those the custodians delivered, or fewer than {k}"},
		exchange.Text{Zh: "向更多托管方查阅后再试", En: "ask more custodians and try again"})
	ErrOften = exchange.Define(exchange.KindRefused, "CUST-008",
		exchange.Text{Zh: "该托管方已就此请求交付 {count} 次", En: "this custodian has delivered {count} times under this release"},
		exchange.Text{Zh: "重新请求", En: "ask for a new release"})
	ErrDocument = exchange.Define(exchange.KindUnverified, "CUST-009",
		exchange.Text{Zh: "托管文书不成立：{why}", En: "the custody document does not hold: {why}"},
		exchange.Text{Zh: "不要采用；向其签发单位查询", En: "do not use it; ask the member that signed it"})
)
