package intake

import "accord/exchange"

// Errors about a whole file or mapping; what is wrong with one row is an Issue.
var (
	ErrMapping = exchange.Define(exchange.KindInvalid, "INTAKE-001",
		exchange.Text{Zh: "映射文件 {mapping} 有误：{where}", En: "mapping {mapping} is wrong at {where}"},
		exchange.Text{Zh: "对照映射格式说明修改后重试", En: "mend it by the description of the mapping format"})
	ErrNoMapping = exchange.Define(exchange.KindNotFound, "INTAKE-002",
		exchange.Text{Zh: "没有名为 {mapping} 的内置映射", En: "there is no built-in mapping called {mapping}"},
		exchange.Text{Zh: "查看内置映射列表，或给出映射文件的路径", En: "see the list of built-in mappings, or give the path of a mapping file"})
	ErrUnfit = exchange.Define(exchange.KindInvalid, "INTAKE-003",
		exchange.Text{Zh: "映射 {mapping} 与信用信息目录不符：{where}", En: "mapping {mapping} does not fit the catalogue at {where}"},
		exchange.Text{Zh: "使映射中的类别、信息项和取值与现行目录一致", En: "bring its category, fields and values in line with the catalogue in force"})
	ErrFormat = exchange.Define(exchange.KindInvalid, "INTAKE-004",
		exchange.Text{Zh: "文件不是映射所说的 {format} 格式：{why}", En: "the file is not {format} as the mapping says: {why}"},
		exchange.Text{Zh: "检查文件是否选错、改过扩展名或需要另存", En: "see whether it is the right file, was renamed, or must be saved in the format"})
	ErrHeader = exchange.Define(exchange.KindInvalid, "INTAKE-005",
		exchange.Text{Zh: "表头与映射不符，缺少 {missing}，第几列不认识：{extra}", En: "the header does not fit the mapping: missing {missing}, columns not known by position: {extra}"},
		exchange.Text{Zh: "核对表头所在行和列名；来源改了版式时应修改映射", En: "check the header row and names; change the mapping if the source changed its layout"})
	ErrSheet = exchange.Define(exchange.KindInvalid, "INTAKE-006",
		exchange.Text{Zh: "工作簿中没有工作表“{sheet}”", En: "the workbook has no sheet \"{sheet}\""},
		exchange.Text{Zh: "核对工作表名称", En: "check the sheet's name"})
	ErrLimit = exchange.Define(exchange.KindInvalid, "INTAKE-007",
		exchange.Text{Zh: "文件超出限度：{limit}", En: "the file goes beyond a limit: {limit}"},
		exchange.Text{Zh: "拆分文件，或改用 NDJSON", En: "split the file, or use NDJSON"})
	ErrDamaged = exchange.Define(exchange.KindInvalid, "INTAKE-008",
		exchange.Text{Zh: "文件已损坏或结构不合规：{where}", En: "the file is damaged or not well formed: {where}"},
		exchange.Text{Zh: "请来源单位重新导出", En: "ask the source to export it again"})
	ErrRead = exchange.Define(exchange.KindUnavailable, "INTAKE-009",
		exchange.Text{Zh: "读取文件失败", En: "the file could not be read"},
		exchange.Text{Zh: "检查文件权限和存储设备后重试", En: "check permissions and the disk and try again"})
	ErrChanged = exchange.Define(exchange.KindConflict, "INTAKE-010",
		exchange.Text{Zh: "读取期间文件内容发生变化", En: "the file changed while it was read"},
		exchange.Text{Zh: "待写入完成后对不再变动的副本重新导入", En: "import a copy that nobody writes to any more"})
	ErrNoSample = exchange.Define(exchange.KindNotFound, "INTAKE-011",
		exchange.Text{Zh: "没有名为 {sample} 的样例文件", En: "there is no sample file called {sample}"},
		exchange.Text{Zh: "", En: ""})
	ErrHostile = exchange.Define(exchange.KindInvalid, "INTAKE-012",
		exchange.Text{Zh: "工作簿中有不予接收的内容：{what}", En: "the workbook holds what is not taken: {what}"},
		exchange.Text{Zh: "只把数据复制到新工作簿（选择性粘贴—数值），另存为 .xlsx 后再导入", En: "copy the data alone into a new workbook (paste special, values), save it as .xlsx and import that"})
	ErrTemplate = exchange.Define(exchange.KindInvalid, "INTAKE-013",
		exchange.Text{Zh: "类别 {category} 不能由模板填写：{why}", En: "category {category} cannot be filled in by template: {why}"},
		exchange.Text{Zh: "为来源文件编写映射（accord mapping init）", En: "write a mapping for the source's file (accord mapping init)"})
	ErrUnclear = exchange.Define(exchange.KindInvalid, "INTAKE-014",
		exchange.Text{Zh: "从 {file} 的表头看不出属于哪个信用信息类别", En: "the header of {file} does not tell which category it fills"},
		exchange.Text{Zh: "用 --category 指明类别（accord catalogue show 列出全部类别）", En: "name the category with --category (accord catalogue show lists them)"})
	ErrChild = exchange.Define(exchange.KindInvalid, "INTAKE-015",
		exchange.Text{Zh: "读取工作簿的进程被中止：{why}", En: "the process that reads the workbook was ended: {why}"},
		exchange.Text{Zh: "拆分文件或改用 CSV、NDJSON；若文件本身很小，可能是恶意构造，请向来源核实", En: "split the file or use CSV or NDJSON; if the file is small it may be made to do harm: ask its source"})
)
