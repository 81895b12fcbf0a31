package members

import (
	"fmt"

	"accord/exchange"
)

// Change is one difference between two rosters, in words.
type Change struct {
	Member exchange.MemberID `json:"member,omitempty"` // empty: it is about all of them
	What   string            `json:"what"`             // joins, leaves, suspended, restored, key, node, address, role, seat, name, quorum, advice
	Text   exchange.Text     `json:"text"`
}

// Changes says in words what this roster makes of the one before it, members in
// their new order, and whether the number of voters is well chosen.
func (r *Roster) Changes(before *Roster) []Change {
	var all []Change
	for _, m := range r.Members {
		if was, ok := before.Member(m.ID); ok {
			all = append(all, changesOf(was, m)...)
		} else {
			all = append(all, Change{m.ID, "joins", exchange.Text{
				Zh: fmt.Sprintf("加入：%s，%s，节点 %s 在 %s，%s", m.Name.Zh, seatText(m.Seat).Zh, m.Node.ID, m.Node.Address, roleText(m.Node).Zh),
				En: fmt.Sprintf("joins: %s, %s, node %s at %s, %s", m.Name.En, seatText(m.Seat).En, m.Node.ID, m.Node.Address, roleText(m.Node).En)}})
		}
	}
	for _, m := range before.Members {
		if _, stays := r.Member(m.ID); !stays {
			all = append(all, Change{m.ID, "leaves", exchange.Text{
				Zh: "退出：" + m.Name.Zh + "，其节点 " + m.Node.ID + " 不再属于联合体", En: "leaves: " + m.Name.En + "; its node " + m.Node.ID + " is no longer of the federation"}})
		}
	}
	quorums := []quorumChange{
		{"名册须同意席位", "seats for a roster", before.Quorums.Roster, r.Quorums.Roster},
		{"目录须同意席位", "seats for a catalogue", before.Quorums.Adopt, r.Quorums.Adopt},
		{"其他决定须同意席位", "seats for other decisions", before.Quorums.Decide, r.Quorums.Decide},
		{"检查点须共签成员", "members to cosign a checkpoint", before.Quorums.Cosign, r.Quorums.Cosign},
	}
	for _, m := range Matters() {
		text := matterTexts[m]
		quorums = append(quorums, quorumChange{text.Zh + "须同意席位", "seats for a roster that " + text.En, *before.Quorums.Kinds.Of(m), *r.Quorums.Kinds.Of(m)})
	}
	for _, q := range quorums {
		if q.was != q.now {
			all = append(all, Change{"", "quorum", exchange.Text{
				Zh: fmt.Sprintf("%s：%d → %d", q.zh, q.was, q.now), En: fmt.Sprintf("%s: %d → %d", q.en, q.was, q.now)}})
		}
	}
	return append(all, advice(before.Voters(), r.Voters())...)
}

// quorumChange is a quorum before and after.
type quorumChange struct {
	zh, en   string
	was, now int
}

var matterTexts = map[Matter]exchange.Text{
	Admit: {Zh: "接纳成员", En: "admits"}, Expel: {Zh: "除名", En: "expels"}, Suspend: {Zh: "暂停", En: "suspends"}, Restore: {Zh: "恢复", En: "restores"},
	Seat: {Zh: "调整席位与表决节点", En: "changes seats or voters"}, Rekey: {Zh: "更换密钥与登记", En: "changes keys or listings"}, Recast: {Zh: "修改法定数", En: "changes quorums"},
}

func changesOf(was, now Founder) []Change {
	var all []Change
	note := func(what, zh, en string) { all = append(all, Change{now.ID, what, exchange.Text{Zh: zh, En: en}}) }
	if was.Suspended != now.Suspended {
		if now.Suspended {
			note("suspended", "暂停：不得表决、提案、取得信息，其签署不再接受", "suspended: it neither votes nor proposes nor receives, and what it signs is not taken")
		} else {
			note("restored", "恢复", "restored")
		}
	}
	if was.Node.ID != now.Node.ID {
		note("node", "节点更换："+was.Node.ID+" → "+now.Node.ID, "node replaced: "+was.Node.ID+" → "+now.Node.ID)
	}
	if was.Node.Address != now.Node.Address {
		note("address", "地址："+was.Node.Address+" → "+now.Node.Address, "address: "+was.Node.Address+" → "+now.Node.Address)
	}
	if was.Node.Votes() != now.Node.Votes() {
		note("role", "节点改为"+roleText(now.Node).Zh, "node becomes "+roleText(now.Node).En)
	}
	for _, k := range now.Keys {
		if !lists(was, k) {
			note("key", "更换 "+string(k.Use())+" 密钥："+k.KID(), "new key for "+string(k.Use())+": "+k.KID())
		}
	}
	if was.Seat != now.Seat {
		note("seat", "改为"+seatText(now.Seat).Zh, "now "+seatText(now.Seat).En)
	}
	if was.Name != now.Name || was.USCC != now.USCC || was.Kind != now.Kind {
		note("name", fmt.Sprintf("登记信息：%s %s %s → %s %s %s", was.Kind, was.Name.Zh, was.USCC, now.Kind, now.Name.Zh, now.USCC),
			fmt.Sprintf("registered as: %s %s %s → %s %s %s", was.Kind, was.Name.En, was.USCC, now.Kind, now.Name.En, now.USCC))
	}
	return all
}

func roleText(n Node) exchange.Text {
	if n.Votes() {
		return exchange.Text{Zh: "参与表决", En: "a voter"}
	}
	return exchange.Text{Zh: "只跟随", En: "a nonvoter"}
}

func seatText(seat bool) exchange.Text {
	if seat {
		return exchange.Text{Zh: "有席位", En: "with a seat"}
	}
	return exchange.Text{Zh: "无席位", En: "without a seat"}
}

// advice warns of numbers of voters that cost more than they give.
func advice(was, now int) []Change {
	switch {
	case was == now:
		return nil
	case now%2 == 0:
		return []Change{{"", "advice", exchange.Text{
			Zh: fmt.Sprintf("提示：%d 个表决节点只能承受 %d 个同时离线，与 %d 个相同；奇数为宜", now, (now-1)/2, now-1),
			En: fmt.Sprintf("note: %d voters bear %d of them away, no more than %d do; an odd number is better", now, (now-1)/2, now-1)}}}
	case now == 1:
		return []Change{{"", "advice", exchange.Text{
			Zh: "提示：只剩 1 个表决节点，它离线时账本不能写入", En: "note: one voter is left; while it is away the ledger takes no writes"}}}
	}
	return nil
}
