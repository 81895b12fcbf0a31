package main

import (
	"strings"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/intake"
	"accord/exchange/meeting"
	"accord/exchange/names"
)

// The words people read for the words of the wire.
var (
	severities = map[string]exchange.Text{
		string(catalogue.SeverityError):   {Zh: "错误", En: "error"},
		string(catalogue.SeverityWarning): {Zh: "注意", En: "warning"},
	}
	changes = map[string]exchange.Text{
		catalogue.Added:   {Zh: "新增", En: "added"},
		catalogue.Removed: {Zh: "删除", En: "removed"},
		catalogue.Changed: {Zh: "修改", En: "changed"},
		catalogue.Opened:  {Zh: "放开", En: "opened"},
		catalogue.Closed:  {Zh: "收紧", En: "closed"},
	}
	subjectKinds = map[string]exchange.Text{
		"regulator":    {Zh: "监管主体", En: "regulator"},
		"enterprise":   {Zh: "保险企业", En: "enterprise"},
		"practitioner": {Zh: "从业人员", En: "practitioner"},
		"consumer":     {Zh: "保险消费者", En: "consumer"},
		"group":        {Zh: "联保小组", En: "group"},
		"foreign":      {Zh: "境外主体", En: "foreign"},
	}
	clauses = map[string]exchange.Text{
		catalogue.ClauseRequester: {Zh: "申请单位", En: "requester"},
		catalogue.ClauseCategory:  {Zh: "类别", En: "category"},
		catalogue.ClausePurpose:   {Zh: "用途", En: "purpose"},
		catalogue.ClauseBasis:     {Zh: "依据", En: "basis"},
		catalogue.ClauseField:     {Zh: "信息项", En: "field"},
		catalogue.ClauseClass:     {Zh: "属性", En: "class"},
		catalogue.ClauseLimit:     {Zh: "数量上限", En: "limit"},
		catalogue.ClauseAuthor:    {Zh: "作者单位", En: "author"},
		catalogue.ClauseBulk:      {Zh: "记录数量", En: "number of records"},
		catalogue.ClauseEmergency: {Zh: "紧急调用", En: "emergency"},
		catalogue.ClauseRate:      {Zh: "当日次数", En: "requests of the day"},
	}
	configOrigins = map[string]exchange.Text{
		"file":    {Zh: "文件", En: "file"},
		"default": {Zh: "默认", En: "default"},
		"flag":    {Zh: "命令行", En: "flag"},
	}
	classes = map[string]exchange.Text{
		string(catalogue.Public):     {Zh: "公开", En: "public"},
		string(catalogue.Shared):     {Zh: "共享", En: "shared"},
		string(catalogue.Restricted): {Zh: "受限", En: "restricted"},
		string(catalogue.Secret):     {Zh: "不予共享", En: "secret"},
	}
	namespaces = map[string]exchange.Text{
		exchange.SubjectOrg:    {Zh: "机构", En: "organisations"},
		exchange.SubjectPerson: {Zh: "自然人", En: "natural persons"},
		exchange.SubjectName:   {Zh: "境外主体", En: "foreign subjects"},
	}
	bases = map[string]exchange.Text{
		catalogue.BasisCase:     {Zh: "案件", En: "case"},
		catalogue.BasisDecision: {Zh: "决定文书", En: "decision"},
		catalogue.BasisConsent:  {Zh: "主体同意", En: "consent"},
		catalogue.BasisStatute:  {Zh: "法定职责", En: "statute"},
	}
	approvals = map[string]exchange.Text{
		string(catalogue.ApprovalNone):    {Zh: "不需要", En: "none"},
		string(catalogue.ApprovalAuthor):  {Zh: "作者单位", En: "author"},
		string(catalogue.ApprovalConsent): {Zh: "主体同意", En: "the subject's consent"},
		string(catalogue.ApprovalPersons): {Zh: "多人批准", En: "several persons"},
		string(catalogue.ApprovalMeeting): {Zh: "联席会议", En: "the joint meeting"},
	}
	entryStatuses = map[string]exchange.Text{
		"nominated": {Zh: "公示中", En: "nominated"},
		"listed":    {Zh: "在列", En: "listed"},
		"expired":   {Zh: "到期", En: "expired"},
		"withdrawn": {Zh: "已撤回", En: "withdrawn"},
		"removed":   {Zh: "已移出", En: "removed"},
	}
	alarmKinds = map[string]exchange.Text{
		"fork":      {Zh: "分叉", En: "fork"},
		"self":      {Zh: "与己签不符", En: "own signature"},
		"state":     {Zh: "状态不同", En: "state differs"},
		"rows":      {Zh: "数据行损坏", En: "rows"},
		"statement": {Zh: "声明损坏", En: "statement"},
		"disk":      {Zh: "盘上日志被改", En: "log on disk"},
		"recovery":  {Zh: "恢复方案", En: "recovery"},
	}
	feedAlarmKinds = map[string]exchange.Text{
		"checkpoint": {Zh: "检查点签名无效", En: "checkpoint signature"},
		"shrunk":     {Zh: "条数减少", En: "shrunk"},
		"rewrite":    {Zh: "改写", En: "rewritten"},
		"anchor":     {Zh: "与锚点不符", En: "not as anchored"},
		"document":   {Zh: "文书与摘要不符", En: "wrong document"},
		"signature":  {Zh: "文书签名无效", En: "document signature"},
		"missing":    {Zh: "记录缺失", En: "withheld record"},
		"stalled":    {Zh: "停滞", En: "stalled"},
		"own":        {Zh: "本单位记录流不符", En: "own feed"},
	}
	grounds = map[string]exchange.Text{
		"retention": {Zh: "保存期满", En: "retention is over"},
		"order":     {Zh: "决定", En: "ordered by decision"},
		"request":   {Zh: "主体申请", En: "asked for by the subject"},
	}
	verdicts = map[string]exchange.Text{
		"member":    {Zh: "对方有误", En: "the other"},
		"self":      {Zh: "本节点有误", En: "this node"},
		"undecided": {Zh: "未定", En: "undecided"},
	}
	complaintStatuses = map[string]exchange.Text{
		"open":     {Zh: "未入账", En: "open"},
		"included": {Zh: "已入账", En: "included"},
		"lapsed":   {Zh: "已过期", En: "lapsed"},
	}
	endReasons = map[string]exchange.Text{
		"repaired": {Zh: "信用修复", En: "repaired"},
		"revoked":  {Zh: "决定撤销", En: "revoked"},
		"error":    {Zh: "录入错误", En: "error"},
	}
	releaseStatuses = map[string]exchange.Text{
		"refused":   {Zh: "不准予", En: "refused"},
		"pending":   {Zh: "待批准", En: "pending"},
		"granted":   {Zh: "准予", En: "granted"},
		"denied":    {Zh: "作者拒绝", En: "denied"},
		"lapsed":    {Zh: "逾期失效", En: "lapsed"},
		"delivered": {Zh: "已交付", En: "delivered"},
		"opened":    {Zh: "已查阅", En: "opened"},
	}
	matchLevels = map[string]exchange.Text{
		names.Exact.Word(): names.Exact.Text(),
		names.Alias.Word(): names.Alias.Text(),
		names.Near.Word():  names.Near.Text(),
	}
	recordStatuses = map[string]exchange.Text{
		"active":    {Zh: "有效", En: "active"},
		"corrected": {Zh: "已更正", En: "corrected"},
		"retracted": {Zh: "已撤回", En: "retracted"},
	}
	effects = map[string]exchange.Text{
		string(intake.Accept): {Zh: "接受", En: "accepted"},
		string(intake.Refuse): {Zh: "拒收", En: "refused"},
		string(intake.Flag):   {Zh: "存疑", En: "flagged"},
		string(intake.Same):   {Zh: "重复", En: "same"},
	}
	raftRoles = map[string]exchange.Text{
		"leader":    {Zh: "主持", En: "leader"},
		"follower":  {Zh: "跟随", En: "follower"},
		"candidate": {Zh: "竞选", En: "candidate"},
	}
	proposalKinds = map[string]exchange.Text{
		string(meeting.Admit):     {Zh: "接纳成员", En: "admit"},
		string(meeting.Expel):     {Zh: "除名", En: "expel"},
		string(meeting.Suspend):   {Zh: "暂停", En: "suspend"},
		string(meeting.Restore):   {Zh: "恢复", En: "restore"},
		string(meeting.Seat):      {Zh: "席位与表决节点", En: "seats, voting nodes"},
		string(meeting.Keys):      {Zh: "密钥与登记", En: "keys, registration"},
		string(meeting.Charter):   {Zh: "章程（法定席位数）", En: "charter (quorums)"},
		string(meeting.Catalogue): {Zh: "目录", En: "catalogue"},
		string(meeting.Objection): {Zh: "异议裁定", En: "objection"},
		string(meeting.Release):   {Zh: "授权开放裁定", En: "release"},
		string(meeting.Recovery):  {Zh: "恢复方案", En: "recovery"},
		string(meeting.Peering):   {Zh: "联合体互联", En: "peering"},
		string(meeting.Blinding):  {Zh: "盲化密钥持有方", En: "holders of the blinding key"},
	}
	proposalStatuses = map[string]exchange.Text{
		string(meeting.Open):      {Zh: "表决中", En: "open"},
		string(meeting.Passed):    {Zh: "已通过", En: "passed"},
		string(meeting.Rejected):  {Zh: "未通过", En: "rejected"},
		string(meeting.Withdrawn): {Zh: "已撤回", En: "withdrawn"},
		string(meeting.Lapsed):    {Zh: "逾期未决", En: "lapsed"},
		string(meeting.Moot):      {Zh: "失去对象", En: "moot"},
	}
	voteChoices = map[string]exchange.Text{
		string(meeting.Yes):     {Zh: "赞成", En: "yes"},
		string(meeting.No):      {Zh: "反对", En: "no"},
		string(meeting.Abstain): {Zh: "弃权", En: "abstain"},
	}
	looks = map[string]exchange.Text{ // acts of the audit log that are about a subject; those of the ledger are verbs
		"release.open":     {Zh: "查阅密封项", En: "open sealed fields"},
		"credit.check":     {Zh: "信用核查", En: "credit check"},
		"report.issue":     {Zh: "出具信用报告", En: "issue credit report"},
		"record.add":       {Zh: "录入记录", En: "enter record"},
		"record.read":      {Zh: "查看记录", En: "read record"},
		"record.find":      {Zh: "检索记录", En: "find records"},
		"record.show":      {Zh: "查看本单位记录", En: "show own record"},
		"record.correct":   {Zh: "更正记录", En: "correct record"},
		"record.retract":   {Zh: "撤回记录", En: "retract record"},
		"record.erase":     {Zh: "删除信息", En: "erase"},
		"subject.log":      {Zh: "主体查询查阅情况", En: "the subject's log"},
		"subject.records":  {Zh: "主体查阅本人记录", En: "the subject's records"},
		"subject.object":   {Zh: "提出异议", En: "object"},
		"subject.proof":    {Zh: "核验主体身份", En: "the subject's proof"},
		"subject.refuse":   {Zh: "拒绝公开申请", En: "refuse an application"},
		"subject.release":  {Zh: "依申请公开信息", En: "hand out what was applied for"},
		"subject.texts":    {Zh: "查看投诉文本", En: "read a complaint's text"},
		"subject.petition": {Zh: "办理投诉或申请", En: "a complaint or application"},
		"consent.sign":     {Zh: "签署主体同意", En: "sign the subject's consent"},
		"consent.withdraw": {Zh: "撤回主体同意", En: "withdraw the subject's consent"},
		"audit.resumed":    {Zh: "日志中断后恢复", En: "log goes on after a gap"},
	}
	lookResults = map[string]exchange.Text{
		"begun":   {Zh: "未完成", En: "not ended"},
		"allowed": {Zh: "已办理", En: "done"},
	}
	verbs = map[string]exchange.Text{
		string(exchange.VerbPropose):         {Zh: "提案", En: "propose"},
		string(exchange.VerbVote):            {Zh: "表决", En: "vote"},
		string(exchange.VerbWithdrawMotion):  {Zh: "撤回提案", En: "withdraw proposal"},
		string(exchange.VerbNominate):        {Zh: "拟列入", En: "nominate"},
		string(exchange.VerbWithdraw):        {Zh: "撤回拟列入", En: "withdraw"},
		string(exchange.VerbRemove):          {Zh: "移出", En: "remove"},
		string(exchange.VerbReleaseRequest):  {Zh: "申请授权开放", En: "ask for release"},
		string(exchange.VerbReleaseApprove):  {Zh: "批准开放", En: "approve release"},
		string(exchange.VerbReleaseDeny):     {Zh: "拒绝开放", En: "deny release"},
		string(exchange.VerbReleaseDeliver):  {Zh: "交付", En: "deliver"},
		string(exchange.VerbReleaseOpen):     {Zh: "查阅", En: "open"},
		string(exchange.VerbReleaseSecond):   {Zh: "第二人确认", En: "second a bulk request"},
		string(exchange.VerbReleaseJustify):  {Zh: "说明紧急理由", En: "justify an emergency"},
		string(exchange.VerbReleaseConsent):  {Zh: "出示主体同意", En: "present consent"},
		string(exchange.VerbReleaseWithdraw): {Zh: "撤回主体同意", En: "withdraw consent"},
		string(exchange.VerbAdopt):           {Zh: "通过目录", En: "adopt catalogue"},
		string(exchange.VerbRoster):          {Zh: "名册生效", En: "new roster"},
		string(exchange.VerbAnnounce):        {Zh: "节点声明版本", En: "node announces its version"},
		string(exchange.VerbRecover):         {Zh: "按方案恢复", En: "recover by a plan"},
		string(exchange.VerbSubjectComplain): {Zh: "投诉", En: "complain"},
		string(exchange.VerbSubjectAnswer):   {Zh: "答复投诉", En: "answer a complaint"},
		string(exchange.VerbSubjectApply):    {Zh: "申请公开", En: "apply for disclosure"},
		string(exchange.VerbSubjectDecide):   {Zh: "决定申请", En: "decide an application"},
		string(exchange.VerbSubjectObject):   {Zh: "提出异议", En: "object"},
		string(exchange.VerbSubjectSettle):   {Zh: "决定异议", En: "decide an objection"},
		string(exchange.VerbFeedAnchor):      {Zh: "记录流锚定", En: "anchor feed"},
		string(exchange.VerbCustodyDeposit):  {Zh: "登记托管", En: "deposit with custodians"},
		string(exchange.VerbCustodyDeliver):  {Zh: "托管方交付", En: "custodian delivers"},
		string(exchange.VerbCustodyOpen):     {Zh: "经托管方查阅", En: "open by custodians"},
		string(exchange.VerbBlindingDeal):    {Zh: "分发盲化密钥", En: "deal the blinding key"},
		string(exchange.VerbBlindingAccept):  {Zh: "接受盲化密钥", En: "accept the blinding key"},
		string(exchange.VerbBlindingRefuse):  {Zh: "终止盲化密钥变更", En: "refuse the blinding key's change"},
	}
)

// callerCell is who called, as the audit log of a node names it, in words.
func callerCell(caller string) any {
	kind, name, _ := strings.Cut(caller, ":")
	switch {
	case caller == "operator":
		return titled(caller, exchange.Text{Zh: "本单位经办人", En: "an operator here"})
	case caller == "node":
		return titled(caller, exchange.Text{Zh: "本节点", En: "this node"})
	case caller == "public":
		return titled(caller, exchange.Text{Zh: "公众", En: "the public"})
	case kind == "operator":
		return titled(caller, exchange.Text{Zh: "本单位 " + name, En: name + " here"})
	case kind == "member":
		return titled(caller, exchange.Text{Zh: name, En: name})
	}
	return caller
}

// word is the text for a word, or the word itself where this build has none.
func word[K ~string](table map[string]exchange.Text, key K) exchange.Text {
	if text, ok := table[string(key)]; ok {
		return text
	}
	return exchange.Text{Zh: string(key), En: string(key)}
}

// worded is a cell that machines read as a word and people as a text.
type worded struct {
	word string
	text exchange.Text
}

// String is the word.
func (w worded) String() string { return w.word }

// told is a word of a table as a cell; nothing for no word.
func told[K ~string](table map[string]exchange.Text, key K) any {
	return titled(key, word(table, key))
}

// wordedList is a list that machines read as words and people as texts.
type wordedList []worded

func (l wordedList) ids() []string {
	out := []string{}
	for _, w := range l {
		out = append(out, w.word)
	}
	return out
}

func (l wordedList) in(lang exchange.Lang) []string {
	var out []string
	for _, w := range l {
		out = append(out, w.text.In(lang))
	}
	return out
}

// joined is the list as one cell that machines read as one string.
func (l wordedList) joined() worded {
	return worded{strings.Join(l.ids(), ", "), exchange.Text{Zh: strings.Join(l.in(exchange.Zh), "、"), En: strings.Join(l.in(exchange.En), ", ")}}
}

// toldAll is several words of a table as a cell.
func toldAll[K ~string](table map[string]exchange.Text, keys []K) wordedList {
	var list wordedList
	for _, k := range keys {
		list = append(list, worded{string(k), word(table, k)})
	}
	return list
}

// titled is an id with its title as a cell; nothing for no id.
func titled[K ~string](id K, title exchange.Text) any {
	if id == "" {
		return nil
	}
	return worded{string(id), title}
}
