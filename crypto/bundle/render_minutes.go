package bundle

// minutes tells what minutes say.
func (p *printer) minutes(r *Report) {
	for i, d := range r.Documents {
		m := d.Minutes
		if m == nil {
			continue
		}
		p.say("会议纪要  文书 %d：%s 于 %s 出具", "minutes     document %d: of %s, %s", i, clean(m.Issuer), instant(m.IssuedAt*1000))
		p.say("          提案 %s（%s），%s 提出：%s", "          proposal %s (%s) by %s: %s", clean(m.Proposal.ID), clean(m.Proposal.Kind), clean(m.Proposal.By), clean(m.Proposal.Reason))
		p.say("          文件摘要 %s", "          document %s", clean(m.Proposal.Digest))
		for _, b := range m.Ballots {
			p.say("          %s：%s，账本第 %d 条", "          %s: %s, ledger entry %d", clean(b.Member), p.choice(b.Choice), b.Seq)
		}
		p.say("          结果：%s，须 %d 席同意，%s", "          outcome: %s, %d seats needed, %s", p.status(m.Outcome.Status), m.Outcome.Quorum, instant(m.Outcome.At))
		if m.Outcome.From > 0 {
			p.say("          自 %s 起生效", "          in force from %s", instant(m.Outcome.From))
		}
	}
}

func (p *printer) choice(choice string) string {
	words := map[string]Text{"yes": {"赞成", "yes"}, "no": {"反对", "no"}, "abstain": {"弃权", "abstains"}}
	return word(words, choice).In(p.lang)
}

func (p *printer) status(status string) string {
	words := map[string]Text{"passed": {"通过", "passed"}, "rejected": {"未通过", "rejected"}, "withdrawn": {"已撤回", "withdrawn"},
		"lapsed": {"逾期未决", "lapsed"}, "moot": {"失去对象", "moot"}}
	return word(words, status).In(p.lang)
}

func word(words map[string]Text, id string) Text {
	if t, known := words[id]; known {
		return t
	}
	return Text{clean(id), clean(id)}
}
