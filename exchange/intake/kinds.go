package intake

import (
	"sort"

	"accord/exchange"
)

// Kind is one kind of finding: a stable id, what it means for a row, and its
// sentence without any value.
type Kind struct {
	ID     string
	Effect Effect
	Text   exchange.Text
}

// message is the finding's sentence for a column. Headers are the agency's own
// words about its layout and no private data.
func (k *Kind) message(column string) exchange.Text {
	if column == "" || column == "*" {
		return k.Text
	}
	return exchange.Text{Zh: "“" + column + "”：" + k.Text.Zh, En: "\"" + column + "\": " + k.Text.En}
}

// Kinds lists every kind a report can name, by id.
func Kinds() []Kind {
	all := append([]Kind(nil), kinds...)
	sort.Slice(all, func(i, j int) bool { return all[i].ID < all[j].ID })
	return all
}

var kindIndex = func() map[string]*Kind {
	index := make(map[string]*Kind, len(kinds))
	for i := range kinds {
		index[kinds[i].ID] = &kinds[i]
	}
	return index
}()

// kindOf finds a kind; a name that is not in the table is a programming fault
// and refuses the row rather than pass it.
func kindOf(id string) *Kind {
	if k := kindIndex[id]; k != nil {
		return k
	}
	return &Kind{ID: id, Effect: Refuse, Text: exchange.Text{Zh: id, En: id}}
}

// kinds is the closed table of findings. Ids are append-only: reports, metrics
// and agencies' procedures name them.
var kinds = []Kind{
	{"id_check_digit", Refuse, exchange.Text{Zh: "公民身份号码校验码错误", En: "the identity number's check character is wrong"}},
	{"id_too_short", Refuse, exchange.Text{Zh: "公民身份号码不足18位", En: "the identity number has fewer than 18 characters"}},
	{"id_too_long", Refuse, exchange.Text{Zh: "公民身份号码多于18位", En: "the identity number has more than 18 characters"}},
	{"id_bad_birth_date", Refuse, exchange.Text{Zh: "公民身份号码校验码正确但出生日期不存在", En: "the identity number fits its check character but its date of birth does not exist"}},
	{"id_excel_number", Refuse, exchange.Text{Zh: "证件号码以数字型单元格保存，末位可能已丢失；请把该列设为文本后重新填写", En: "an identifier stands in a numeric cell: digits are lost; format the column as text and enter it again"}},
	{"id_sci_notation", Refuse, exchange.Text{Zh: "证件号码变成科学计数法", En: "the identifier was turned into scientific notation"}},
	{"id_lost_digits", Refuse, exchange.Text{Zh: "证件号码末三位被表格软件改为 000", En: "the identity number ends in 000: a spreadsheet cut its last digits"}},
	{"id_masked", Refuse, exchange.Text{Zh: "证件号码已脱敏，无法识别主体", En: "the identifier is masked: no subject can be known from it"}},
	{"id_json_number", Refuse, exchange.Text{Zh: "证件号码是 JSON 数字而不是字符串", En: "the identifier is a JSON number and not a string"}},
	{"sex_mismatch", Flag, exchange.Text{Zh: "性别与证件号码不符", En: "the sex does not agree with the identity number"}},
	{"uscc_check_digit", Refuse, exchange.Text{Zh: "统一社会信用代码校验码错误", En: "the unified social credit code's check character is wrong"}},
	{"uscc_letter_o", Refuse, exchange.Text{Zh: "统一社会信用代码含字母 O 或 I", En: "the unified social credit code holds the letter O or I"}},
	{"uscc_old_code", Refuse, exchange.Text{Zh: "信用代码栏填了旧组织机构代码", En: "an old organisation code stands where the unified social credit code belongs"}},
	{"uscc_inner_check", Flag, exchange.Text{Zh: "主体标识码（9位）自身校验码错误，总校验码正确", En: "the organisation code inside fails its own check while the whole code is right"}},
	{"zero_width_name", Flag, exchange.Text{Zh: "名称含零宽字符", En: "the name holds invisible characters; they were removed"}},
	{"private_use_char", Flag, exchange.Text{Zh: "名称含自造字（私用区）", En: "the name holds characters of a private font"}},
	{"bidi_override_name", Refuse, exchange.Text{Zh: "名称含双向覆盖字符", En: "the name holds characters that reverse the writing direction"}},
	{"html_in_name", Refuse, exchange.Text{Zh: "名称含 HTML 或脚本", En: "the name holds HTML or script"}},
	{"formula_in_name", Refuse, exchange.Text{Zh: "名称是公式样文本", En: "the name looks like a formula"}},
	{"long_name", Refuse, exchange.Text{Zh: "名称过长", En: "the name is too long"}},
	{"lost_character", Refuse, exchange.Text{Zh: "有丢失的字（“？”或 U+FFFD）", En: "characters were lost (? or U+FFFD)"}},
	{"html_in_text", Flag, exchange.Text{Zh: "说明文字含 HTML 或脚本", En: "the text holds HTML or script; it is kept as text"}},
	{"formula_text", Flag, exchange.Text{Zh: "说明文字以 = + - @ 开头", En: "the text begins like a formula (= + - @); it is kept as text"}},
	{"nul_byte", Refuse, exchange.Text{Zh: "含 NUL 字符", En: "there is a NUL character"}},
	{"bad_encoding", Refuse, exchange.Text{Zh: "该行字节不合文件编码", En: "the bytes do not fit the file's encoding"}},
	{"dup_exact", Same, exchange.Text{Zh: "与前面某行完全相同", En: "an earlier row is exactly the same"}},
	{"dup_normalised", Same, exchange.Text{Zh: "规范化后与前面某行相同", En: "an earlier row says the same in another spelling"}},
	{"dup_conflict", Refuse, exchange.Text{Zh: "主键与前面某行相同但内容不同", En: "an earlier row has the same key and other content; the earlier one stays"}},
	{"missing_required", Refuse, exchange.Text{Zh: "必填项为空", En: "a required value is empty"}},
	{"missing_placeholder", Refuse, exchange.Text{Zh: "必填项填了“无”“/”“NULL”等", En: "a required value is only a placeholder"}},
	{"too_many_parts", Refuse, exchange.Text{Zh: "单元格里的值比映射中写明的部分多", En: "the cell holds more parts than the mapping has fields for"}},
	{"unknown_enum", Refuse, exchange.Text{Zh: "代码或选项不在信用信息目录中", En: "the value is not in the catalogue's table"}},
	{"column_missing", Refuse, exchange.Text{Zh: "该行单元格不足", En: "the row has too few cells"}},
	{"column_extra", Refuse, exchange.Text{Zh: "该行单元格过多", En: "the row has too many cells"}},
	{"quote_unbalanced", Refuse, exchange.Text{Zh: "引号未闭合或未双写", En: "a quotation mark is not closed or not doubled"}},
	{"repeated_header", Refuse, exchange.Text{Zh: "数据中间又出现表头", En: "the header stands again among the data"}},
	{"date_impossible", Refuse, exchange.Text{Zh: "日期不存在", En: "there is no such day"}},
	{"date_absurd_year", Refuse, exchange.Text{Zh: "年份荒谬", En: "the year is absurd"}},
	{"date_end_before_start", Refuse, exchange.Text{Zh: "止期早于起期", En: "the end lies before the beginning"}},
	{"date_future", Refuse, exchange.Text{Zh: "事实发生日期在将来", En: "the event would lie in the future"}},
	{"date_two_digit_year", Refuse, exchange.Text{Zh: "两位年份", En: "the year has two digits: it cannot be known which is meant"}},
	{"date_serial_text", Refuse, exchange.Text{Zh: "日期变成 Excel 序列号文本", En: "the date was turned into a spreadsheet day number"}},
	{"date_serial_number", Flag, exchange.Text{Zh: "日期单元格是无日期格式的序列号", En: "the cell is a day number without date format; it was read as that day"}},
	{"date_month_only", Flag, exchange.Text{Zh: "日期只到月", En: "the date names only a month; it is kept so"}},
	{"past_retention_person", Refuse, exchange.Text{Zh: "自然人失信信息已过保存期，不得存储", En: "the retention period of a person's adverse information is over; it must not be stored"}},
	{"past_retention_enterprise", Flag, exchange.Text{Zh: "机构失信信息已过保存期，存储但不再公开", En: "the retention period of an organisation's adverse information is over; it is stored and never disclosed"}},
	{"amount_negative", Refuse, exchange.Text{Zh: "金额为负", En: "the amount is negative"}},
	{"amount_absurd", Flag, exchange.Text{Zh: "金额异常大", En: "the amount is far beyond anything plausible"}},
	{"amount_unit_same", Flag, exchange.Text{Zh: "金额带与列头相同的单位", En: "the cell repeats the unit of the column; it was removed"}},
	{"amount_unit_other", Refuse, exchange.Text{Zh: "金额带与列头不同的单位", En: "the cell names another unit than the column"}},
	{"amount_chinese", Refuse, exchange.Text{Zh: "金额为中文大写", En: "the amount is written in Chinese numerals"}},
	{"amount_nan", Refuse, exchange.Text{Zh: "金额不是有限数", En: "the amount is not a finite number"}},
	{"count_not_integer", Refuse, exchange.Text{Zh: "次数不是非负整数", En: "the count is not a whole number from 0"}},
	{"phone_invalid", Flag, exchange.Text{Zh: "电话号码位数不对", En: "the telephone number has the wrong number of digits"}},
	{"unregistered_subject", Flag, exchange.Text{Zh: "代码或证件合规，但名录中没有该主体", En: "the identifier is sound but no register holds it"}},
	{"name_mismatch", Flag, exchange.Text{Zh: "名称与名录中同一代码的名称不符", En: "the name is not the one the register holds for this identifier"}},
	{"excel_error_value", Refuse, exchange.Text{Zh: "单元格是 #N/A 等错误值", En: "the cell is an error value such as #N/A"}},
	{"excel_formula_no_value", Refuse, exchange.Text{Zh: "单元格是没有缓存值的公式", En: "the cell is a formula without a stored value"}},
	{"json_invalid", Refuse, exchange.Text{Zh: "不是合法 JSON", En: "the line is not valid JSON"}},
	{"json_duplicate_key", Refuse, exchange.Text{Zh: "对象中有重复键", En: "an object names the same member twice"}},
	{"json_bad_surrogate", Refuse, exchange.Text{Zh: "孤立的代理项转义", En: "a string escapes half a surrogate pair"}},
	{"json_not_object", Refuse, exchange.Text{Zh: "该行不是对象", En: "the line is not an object"}},
	{"json_too_deep", Refuse, exchange.Text{Zh: "JSON 嵌套过深", En: "the line nests too deeply"}},
	{"json_wrong_type", Refuse, exchange.Text{Zh: "值的类型不对", En: "the value has the wrong type"}},
	{"id_bad_character", Refuse, exchange.Text{Zh: "证件号码含不允许的字符", En: "the identifier holds characters it cannot have"}},
	{"uscc_bad_character", Refuse, exchange.Text{Zh: "统一社会信用代码含不允许的字符", En: "the unified social credit code holds characters it cannot have"}},
	{"uscc_length", Refuse, exchange.Text{Zh: "统一社会信用代码不是18位", En: "the unified social credit code does not have 18 characters"}},
	{"control_character", Refuse, exchange.Text{Zh: "含控制字符", En: "there are control characters"}},
	{"text_too_long", Refuse, exchange.Text{Zh: "说明文字过长", En: "the text is too long"}},
	{"date_unreadable", Refuse, exchange.Text{Zh: "日期无法识别", En: "the date cannot be read"}},
	{"amount_unreadable", Refuse, exchange.Text{Zh: "金额无法识别", En: "the amount cannot be read"}},
	{"amount_precision", Refuse, exchange.Text{Zh: "金额不是整分", En: "the amount is finer than one fen"}},
	{"amount_out_of_range", Refuse, exchange.Text{Zh: "金额超出可表示范围", En: "the amount is beyond what can be stored"}},
	{"lost_in_text", Flag, exchange.Text{Zh: "说明文字有丢失的字（U+FFFD）", En: "characters of the text were lost (U+FFFD)"}},
	{"bidi_in_text", Flag, exchange.Text{Zh: "说明文字含双向控制字符，已去除", En: "the text holds characters that reverse the writing direction; they were removed"}},
	{"bool_unreadable", Refuse, exchange.Text{Zh: "是否项无法识别", En: "yes or no cannot be read"}},
	{"url_invalid", Refuse, exchange.Text{Zh: "链接不是 http 或 https 地址", En: "the link is not an http or https address"}},
	{"area_invalid", Refuse, exchange.Text{Zh: "区划代码不是6位数字", En: "the division code is not six digits"}},
	{"cell_wrong_type", Refuse, exchange.Text{Zh: "单元格类型不对", En: "the cell has the wrong type"}},
	{"quote_repaired", Flag, exchange.Text{Zh: "引号未双写，已按列数还原", En: "quotation marks are not doubled; the row was read by its number of columns"}},
	{"line_too_long", Refuse, exchange.Text{Zh: "该行过长", En: "the line is too long"}},
	{"subject_unknown", Refuse, exchange.Text{Zh: "无法确定信用主体", En: "the row does not say who its subject is"}},
	{"id_shared", Flag, exchange.Text{Zh: "同一证件号码有两张有效执业证", En: "the person of this number has another valid certificate"}},
	{"amount_inconsistent", Flag, exchange.Text{Zh: "金额与其他列矛盾", En: "the amount contradicts other columns"}},
	{"unknown_employer", Flag, exchange.Text{Zh: "所属机构不在机构名录中", En: "the register of organisations does not hold the employer"}},
	{"unknown_subject_ref", Refuse, exchange.Text{Zh: "只给了名录中没有的执业证号或名称，无法识别主体", En: "no register holds this certificate number or name: the subject cannot be known"}},
	{"group_size", Refuse, exchange.Text{Zh: "小组成员人数不符合规定", En: "the group has too few or too many members"}},
	{"group_duplicate_member", Refuse, exchange.Text{Zh: "同一成员在组内出现两次", En: "the same person stands in the group twice"}},
	{"group_no_leader", Flag, exchange.Text{Zh: "没有组长", En: "the group has no leader"}},
	{"group_leaders", Flag, exchange.Text{Zh: "组长多于一人", En: "the group has more than one leader"}},
	{"member_in_two_groups", Flag, exchange.Text{Zh: "成员已在另一小组", En: "the member stands in an earlier group"}},
	{"excel_formula", Refuse, exchange.Text{Zh: "单元格是公式；请改为粘贴数值", En: "the cell is a formula: paste its value instead"}},
}
