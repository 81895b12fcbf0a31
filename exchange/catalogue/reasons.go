package catalogue

import (
	"strconv"
	"strings"

	"accord/exchange"
)

// basisTitle names a basis kind; ok is false for an unknown one.
func basisTitle(kind string) (title exchange.Text, ok bool) {
	switch kind {
	case BasisCase:
		return exchange.Text{Zh: "案件", En: "a case"}, true
	case BasisDecision:
		return exchange.Text{Zh: "决定文书", En: "a decision document"}, true
	case BasisConsent:
		return exchange.Text{Zh: "主体同意", En: "the subject's consent"}, true
	case BasisStatute:
		return exchange.Text{Zh: "法定职责", En: "a statutory duty"}, true
	}
	return exchange.Text{}, false
}

// KindTitle names a member kind for people.
func KindTitle(k exchange.MemberKind) exchange.Text {
	switch k {
	case exchange.KindRegulator:
		return exchange.Text{Zh: "监管部门", En: "regulator"}
	case exchange.KindCommission:
		return exchange.Text{Zh: "发展改革委", En: "commission"}
	case exchange.KindAssociation:
		return exchange.Text{Zh: "协会", En: "association"}
	case exchange.KindCourt:
		return exchange.Text{Zh: "法院", En: "court"}
	case exchange.KindInsurer:
		return exchange.Text{Zh: "保险机构", En: "insurer"}
	case exchange.KindIntermediary:
		return exchange.Text{Zh: "中介机构", En: "intermediary"}
	case exchange.KindPlatform:
		return exchange.Text{Zh: "信用平台", En: "platform"}
	}
	return exchange.Text{Zh: string(k), En: string(k)}
}

// answer is what the rule says to what fits it, with its two sentences.
func (c *Catalogue) answer(r *Rule, approval Approval, persons int) answer {
	a := answer{approval: approval}
	if approval == ApprovalPersons {
		a.persons, a.approvers = persons, r.Approvers
	}
	ref := c.Reference()
	title := exchange.Text{Zh: r.ID + "（" + r.Title.In(exchange.Zh) + "）", En: r.ID + " (" + r.Title.In(exchange.En) + ")"}
	a.why = exchange.Text{Zh: "目录 " + ref + " 规则 " + title.Zh + "准予", En: "granted by rule " + title.En + " of catalogue " + ref}
	if approval != ApprovalNone {
		a.why = exchange.Text{Zh: "目录 " + ref + " 规则 " + title.Zh + "可以准予，尚须批准",
			En: "rule " + title.En + " of catalogue " + ref + " grants it once approved"}
		a.need = ApprovalNeed(approval, persons, r.Approvers)
	}
	if days := strconv.Itoa(r.JustifyDays); r.Emergency {
		a.why.Zh, a.why.En = a.why.Zh+"紧急调用，须在 "+days+" 个工作日内说明理由", a.why.En+" as an emergency, to be justified within "+days+" working days"
	}
	return a
}

// ApprovalNeed says who must approve, in a sentence; empty where nobody must.
func ApprovalNeed(approval Approval, persons int, approvers []exchange.MemberKind) exchange.Text {
	switch approval {
	case ApprovalNone, "":
		return exchange.Text{}
	case ApprovalAuthor:
		return exchange.Text{Zh: "须经记录作者单位负责人批准", En: "an officer of the record's author must approve"}
	case ApprovalConsent:
		return exchange.Text{Zh: "须有信用主体签署的、在有效期内并写明用途和接收单位的同意",
			En: "the subject must have signed a consent that names purpose and recipient and has not expired"}
	case ApprovalMeeting:
		return exchange.Text{Zh: "须由联席会议表决", En: "the joint meeting must decide"}
	}
	who := exchange.Text{Zh: "记录作者单位", En: "the record's author"}
	if len(approvers) > 0 {
		who = kindsTitle(approvers)
	}
	n := strconv.Itoa(persons)
	return exchange.Text{Zh: "须经" + who.Zh + "的 " + n + " 名不同人员批准，请求的经办人除外",
		En: n + " different persons of " + who.En + " must approve, the operator who asks not among them"}
}

func kindsTitle(kinds []exchange.MemberKind) exchange.Text {
	zh, en := make([]string, len(kinds)), make([]string, len(kinds))
	for i, k := range kinds {
		title := KindTitle(k)
		zh[i], en[i] = title.Zh, title.En
	}
	return exchange.Text{Zh: strings.Join(zh, "、"), En: strings.Join(en, ", ")}
}

// refuseUncovered answers for a category that no rule names.
func (c *Catalogue) refuseUncovered(r *Request) Decision {
	if r.Emergency {
		return *c.refuse(ClauseEmergency,
			exchange.Text{Zh: "目录 " + c.Reference() + " 对类别 " + r.Category + " 没有紧急调用规则",
				En: "no rule of catalogue " + c.Reference() + " covers category " + r.Category + " in an emergency"},
			exchange.Text{Zh: "请按通常规则提出，不作紧急调用", En: "ask under the ordinary rules, not as an emergency"})
	}
	return *c.refuse(ClauseCategory,
		exchange.Text{Zh: "目录 " + c.Reference() + " 没有适用于类别 " + r.Category + " 的授权规则",
			En: "no rule of catalogue " + c.Reference() + " covers category " + r.Category},
		exchange.Text{Zh: "须由联席会议修订目录", En: "the joint meeting would have to change the catalogue"})
}

// refuseRule explains the nearest rule: each clause it fails, and what that
// clause asks for.
func (c *Catalogue) refuseRule(r *Request, nearest *rule, failed failures) Decision {
	clauses := failed.clauses()
	var whyZh, whyEn, needZh, needEn []string
	for _, clause := range clauses {
		why, need := c.clauseTexts(clause, r, nearest.Rule)
		whyZh, whyEn = append(whyZh, why.Zh), append(whyEn, why.En)
		needZh, needEn = append(needZh, need.Zh), append(needEn, need.En)
	}
	d := *c.refuse(clauses[0],
		exchange.Text{
			Zh: "没有规则准予；最接近的是目录 " + c.Reference() + " 规则 " + nearest.ID + "：" + strings.Join(whyZh, "；"),
			En: "no rule grants it; the nearest is rule " + nearest.ID + " of catalogue " + c.Reference() + ": " + strings.Join(whyEn, "; ")},
		exchange.Text{Zh: strings.Join(needZh, "；"), En: strings.Join(needEn, "; ")})
	d.Rule, d.Failed = nearest.ID, clauses
	return d
}

// clauseTexts says how the request fails one clause of the rule and what the
// clause demands.
func (c *Catalogue) clauseTexts(clause string, r *Request, rule *Rule) (why, need exchange.Text) {
	switch clause {
	case ClauseRequester:
		asker, wanted := KindTitle(r.Requester), kindsTitle(rule.Requesters)
		return exchange.Text{Zh: "请求方不符（" + asker.Zh + "）", En: "the requester may not (" + asker.En + ")"},
			exchange.Text{Zh: "请求方须为：" + wanted.Zh, En: "the requester must be: " + wanted.En}
	case ClausePurpose:
		zh, en := make([]string, len(rule.Purposes)), make([]string, len(rule.Purposes))
		for i, id := range rule.Purposes {
			title := c.purposeTitle(id)
			zh[i], en[i] = title.Zh, title.En
		}
		asked := c.purposeTitle(r.Purpose)
		return exchange.Text{Zh: "用途不符（" + asked.Zh + "）", En: "the purpose does not fit (" + asked.En + ")"},
			exchange.Text{Zh: "用途须为：" + strings.Join(zh, "、"), En: "the purpose must be: " + strings.Join(en, ", ")}
	case ClauseBasis:
		asked, _ := basisTitle(r.BasisKind)
		wanted, _ := basisTitle(rule.Basis)
		return exchange.Text{Zh: "依据不符（" + asked.Zh + "）", En: "the basis does not fit (" + asked.En + ")"},
			exchange.Text{Zh: "依据须为：" + wanted.Zh, En: "the basis must be: " + wanted.En}
	case ClauseField:
		var outside []string
		for _, f := range r.Fields {
			if !contains(rule.Fields, f) {
				outside = append(outside, f)
			}
		}
		list := strings.Join(outside, ", ")
		return exchange.Text{Zh: "不包括信息项 " + list, En: "it does not cover " + list},
			exchange.Text{Zh: "该规则只开放：" + strings.Join(rule.Fields, ", "), En: "the rule opens only: " + strings.Join(rule.Fields, ", ")}
	}
	if clause == ClauseAuthor {
		author, wanted := KindTitle(r.Author), kindsTitle(rule.Authors)
		return exchange.Text{Zh: "记录的作者单位不符（" + author.Zh + "）", En: "it is not about records of such an author (" + author.En + ")"},
			exchange.Text{Zh: "记录的作者单位须为：" + wanted.Zh, En: "the record's author must be: " + wanted.En}
	}
	if clause == ClauseBulk {
		most := 1
		if rule.Bulk != nil {
			most = rule.Bulk.Records
		}
		return exchange.Text{Zh: "记录过多（" + strconv.Itoa(r.Records) + "）", En: "too many records (" + strconv.Itoa(r.Records) + ")"},
			exchange.Text{Zh: "一次至多 " + strconv.Itoa(most) + " 条记录", En: "at most " + strconv.Itoa(most) + " records at once"}
	}
	max := strconv.Itoa(rule.MaxFields)
	return exchange.Text{Zh: "信息项过多（" + strconv.Itoa(len(r.Fields)) + "）", En: "too many fields (" + strconv.Itoa(len(r.Fields)) + ")"},
		exchange.Text{Zh: "一次至多 " + max + " 项", En: "at most " + max + " fields at once"}
}

// purposeTitle names a purpose for people, by its id where it has no title.
func (c *Catalogue) purposeTitle(id string) exchange.Text {
	if p := c.purposes[id]; p != nil && p.Title != (exchange.Text{}) {
		return p.Title
	}
	return exchange.Text{Zh: id, En: id}
}
