package exchange

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// Reason gives in both languages what stands in an error's {why} or {what}, or in
// a node's status: a short English phrase, which is what goes over the wire and into
// logs. The Chinese is looked up where a person reads it, so that the reasons another
// node gives are read in Chinese, too. One that is not in the table stays as it is.
func Reason(en string) Text {
	if zh, ok := reasons[en]; ok {
		return Text{Zh: zh, En: en}
	}
	for _, p := range reasonPatterns() {
		if varying, ok := p.match(en); ok {
			zh := p.zh
			for _, part := range varying {
				zh = strings.Replace(zh, "{}", part, 1)
			}
			return Text{Zh: zh, En: en}
		}
	}
	return Text{Zh: en, En: en}
}

// papers are what an error's {file} names where no file of a user is meant.
var papers = map[string]string{"invitation": "邀请", "introduction": "申请", "report": "报告", "plan": "方案", "signature": "签名", "welcome": "接纳文件"}

// reasonPattern is a reason with places {} in it.
type reasonPattern struct {
	en []string // what stands around the places
	zh string
}

// match says whether a phrase has the pattern's words, and what stands in the
// places between them, at least a character in each.
func (p reasonPattern) match(phrase string) (varying []string, ok bool) {
	rest, ok := strings.CutPrefix(phrase, p.en[0])
	last := len(p.en) - 1
	for i := 1; ok && i <= last; i++ {
		end := -1
		if i == last {
			if strings.HasSuffix(rest, p.en[i]) {
				end = len(rest) - len(p.en[i])
			}
		} else if rest != "" {
			end = 1 + strings.Index(rest[1:], p.en[i])
		}
		if ok = end >= 1; ok {
			varying, rest = append(varying, rest[:end]), rest[end+len(p.en[i]):]
		}
	}
	return varying, ok
}

// reasonPatterns are the reasons with places, those that say the most first.
var reasonPatterns = sync.OnceValue(func() []reasonPattern {
	var keys []string
	for en := range reasons {
		if strings.Contains(en, "{}") {
			keys = append(keys, en)
		}
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	var all []reasonPattern
	for _, en := range keys {
		all = append(all, reasonPattern{en: strings.Split(en, "{}"), zh: reasons[en]})
	}
	return all
})

// reasons are the phrases, and {} what varies in them, in the same order in both
// languages. A test at the root finds those that are missing.
var reasons = map[string]string{
	"so many holders cannot evaluate together":                          "这么多持有方不能共同运算",
	"the charter blinds numbers by a scheme this version does not know": "章程的盲化方案是本版本不认识的",
	"{} names holders, and its scheme has none":                         "{} 写有持有方，而其方案没有持有方",
	"{} names a holder twice, or one that is no member":                 "{} 的持有方重复，或不是成员单位",
	"{} has a public key that is not the first of its commitments":      "{} 的公钥不是承诺中的第一项",
	"{} is no key of its holders":                                       "{} 不是其持有方的密钥",

	// a paper: its form, signature, belonging
	"too long":                               "过长",
	"malformed":                              "内容不合格式",
	"unknown format":                         "格式不认识",
	"form":                                   "格式不对",
	"format":                                 "格式版本不对",
	"header":                                 "文件头不对",
	"checksum":                               "校验和不符",
	"claims":                                 "内容不合格式",
	"signature":                              "签名不成立",
	"signature or form":                      "签名或格式不对",
	"encryption":                             "无法解密",
	"shares":                                 "份额不符",
	"share":                                  "份额不符",
	"boxes":                                  "密文不符",
	"fields":                                 "信息项不符",
	"another statement":                      "托管声明不符",
	"suspended or left":                      "已被暂停或已退出",
	"key":                                    "密钥不对",
	"record":                                 "记录不符",
	"release":                                "授权开放不符",
	"digest":                                 "摘要不符",
	"category":                               "类别不符",
	"author":                                 "作者单位不符",
	"field {}":                               "信息项 {}",
	"not a signed paper":                     "不是签名文件",
	"its signature does not hold":            "签名不成立",
	"its signature":                          "签名不成立",
	"its digest is another":                  "摘要不符",
	"its digest does not hold":               "摘要不成立",
	"JSON":                                   "不是规定的 JSON",
	"JWT":                                    "不是规定的 JWT",
	"typ":                                    "typ 不符",
	"one JWT and a tilde expected":           "应为一个 JWT 和一个波浪号",
	"charset":                                "不支持其字符编码",
	"subject":                                "没有信用主体",
	"macros":                                 "含有宏",
	"external links":                         "含有外部链接",
	"embedded objects":                       "含有嵌入对象",
	"zip bomb":                               "解压后过大",
	"xls / encrypted":                        "是旧的 xls 格式，或已加密",
	"no zip":                                 "不是 zip 文件",
	"zip / xlsx":                             "是 zip 或 xlsx 文件",
	"officeDocument":                         "缺少工作簿主文档",
	"it is of another federation":            "属于另一联合体",
	"it is for another federation":           "是给另一联合体的",
	"another federation's":                   "属于另一联合体",
	"it is for another member or federation": "是给另一成员单位或另一联合体的",
	"its charter is not the one the invitation names":       "其章程不是邀请所指的章程",
	"it is no introduction, or its signature does not hold": "不是申请，或签名不成立",
	"it is no welcome": "不是接纳文件",
	"its newest roster does not list the node {}":            "其中最新的名册没有列出节点 {}",
	"no roster lists {} yet":                                 "还没有名册列出 {}",
	"its blinding key does not open for this member":         "其中的盲化密钥不是封给本单位的",
	"its blinding key is not the one the charter commits to": "其中的盲化密钥与章程的承诺不符",

	// a subject's consent
	"it was withdrawn":               "已撤回",
	"another release rests on it":    "已用于另一授权开放",
	"the requester signed it itself": "由请求方自己签署",
	"it is for another recipient":    "不是给该单位的",
	"it is for another purpose":      "用途不同",
	"it is for other records":        "不是该记录的",
	"it is for other fields":         "不包括这些信息项",
	"it does not hold at this time":  "不在有效期内",
	"it is another subject's":        "不是该信用主体的",

	// a catalogue of a later format
	"the catalogue's format needs a later machine version than the charter names": "目录的格式要求比章程所列更高的账本规则版本",

	// the charter and its founding
	"not a draft charter":                                      "不是章程草案",
	"its catalogue is not the one the charter names":           "所附目录不是章程所指的",
	"not every member introduced itself":                       "不是每个成员单位都有申请",
	"it does not bring every member its blinding key":          "没有给每个成员单位附上盲化密钥",
	"member {} introduced itself differently":                  "与成员单位 {} 的申请不一致",
	"the introduction of {} is for another federation":         "{} 的申请是给另一联合体的",
	"two introductions of {}":                                  "有两份 {} 的申请",
	"the introduction of {} lists no key to encrypt to":        "{} 的申请没有列出加密用的密钥",
	"this member is not in it as it introduced itself":         "其中没有本单位，或与本单位的申请不一致",
	"it is not signed by {}":                                   "缺少 {} 的签名",
	"there are {} signatures of {} founders":                   "有 {} 份签名，而发起单位是 {} 家",
	"signature {}":                                             "第 {} 份签名不成立",
	"signature {} is over another charter":                     "第 {} 份签名签的是另一份章程",
	"{} signed twice":                                          "{} 签了两次",
	"the catalogue is not the one the charter names":           "目录不是章程所指的",
	"the catalogue's version is not the one the charter names": "目录的版本不是章程所指的",
	"{} must be {}":                                            "{} 须为 {}",
	"{} is not a name":                                         "{} 不是合格的标识",
	"{} is no name":                                            "{} 不是合格的标识",
	"{} is no name or taken":                                   "{} 不是合格的标识，或已被占用",
	"{} needs a text in zh and en":                             "{} 须有中文和英文",
	"{} is no time":                                            "{} 不是时间",
	"{} is no digest":                                          "{} 不是摘要",
	"{} is missing":                                            "{} 缺失",
	"{} is not known":                                          "{} 不认识",
	"{} must not be lower than a number it guards":             "{} 不得少于它所能修改的任何一类",
	"{} is out of range":                                       "{} 超出范围",
	"{} starts at 1":                                           "{} 从 1 起",
	"{} has too few or too many":                               "{} 过少或过多",
	"{} have no node that votes":                               "{} 没有一个表决节点",
	"{} is not a credit code or taken":                         "{} 不是统一社会信用代码，或已被占用",
	"{} is not host:port or taken":                             "{} 不是“主机:端口”，或已被另一成员单位占用",
	"{} must be one for every use":                             "{} 须每种用途各一把",
	"{} is no key, or its use or key is taken":                 "{} 不是密钥，或其用途、密钥已被占用",
	"the members are not those of the roster":                  "成员单位与名册不一致",
	"id":                               "标识",
	"node id":                          "节点编号",
	"address":                          "地址",
	"key for {}":                       "{} 的密钥",
	"federation":                       "联合体",
	"root":                             "根",
	"roster":                           "名册",
	"catalogue":                        "目录",
	"empty":                            "为空",
	"not a unified social credit code": "不是统一社会信用代码",
	"unknown namespace":                "不认识的种类",

	// a folder and what keeps a node from starting
	"it holds no node":            "其中没有节点",
	"it holds no introduction":    "其中没有申请（introduction.jws）",
	"it cannot be read":           "无法读取",
	"it cannot be written":        "无法写入",
	"it cannot be locked":         "无法加锁",
	"it does not exist":           "不存在",
	"permission denied":           "没有权限",
	"input/output error":          "读写出错",
	"input or output failed":      "读写出错",
	"cannot be made":              "无法建立",
	"cannot be read":              "无法读取",
	"its mode cannot be set":      "无法设置权限",
	"genesis.json cannot be read": "genesis.json 无法读取",
	"{} cannot be read":           "{} 无法读取",
	"{} cannot be written":        "{} 无法写入",
	"{} cannot be removed":        "{} 无法删除",
	"{} is damaged":               "{} 已损坏",
	"{} is not a regular file":    "{} 不是普通文件",
	"it is not empty and holds no node; if an init was interrupted in it, empty it":          "不是空目录，其中也没有节点；若是 accord init 曾在其中中断，请先清空",
	"others than its owner may enter it; its mode must be 0700":                              "他人可以进入此目录；权限须为 0700",
	"the passphrase file does not exist":                                                     "口令文件不存在",
	"this user may not read the passphrase file":                                             "当前用户无权读取口令文件",
	"the passphrase file is not private: its owner must be this user and its mode 0600":      "口令文件不够私密：所有者须为当前用户，权限须为 0600",
	"the passphrase file is empty, too short or too long":                                    "口令文件为空、过短或过长",
	"the passphrase is not the keystore's, or the keystore was changed":                      "口令不是此密钥库的，或密钥库被改过",
	"the keystore is not private: keys/ must be 0700, what is in it 0600":                    "密钥库不够私密：keys/ 须为 0700，其中的文件须为 0600",
	"the keystore does not open":                                                             "密钥库打不开",
	"the keystore lacks the key for tls":                                                     "密钥库中没有 tls 密钥",
	"the keystore lacks the secret {}":                                                       "密钥库中没有秘密 {}",
	"the keystore does not hold the roster's key for {}":                                     "密钥库中没有名册所列的 {} 密钥",
	"every member holds the key":                                                             "每个成员都持有密钥",
	"there is no such epoch to give on":                                                      "没有可转交的这一期密钥",
	"the change has another number":                                                          "变更的序号不符",
	"a holder is named twice or is no active member":                                         "持有方重复，或不是在任成员",
	"the blinding key is not the federation's":                                               "盲化密钥不是本联合体的",
	"the old ledger cannot be set aside":                                                     "旧账本无法移开",
	"accord.yaml names another member than node.json":                                        "accord.yaml 与 node.json 所写的成员单位不同",
	"accord.yaml names another federation than the charter":                                  "accord.yaml 与章程所写的联合体不同",
	"it was restored from a backup of the node id it has; what that node voted is forgotten": "它是从同一节点编号的备份恢复的，那个节点投过的票已被忘记",
	"the log in this folder was founded under another charter":                               "此目录中的日志是按另一份章程建立的",
	"the log cannot be founded":                                                              "日志无法建立",
	"the log does not open":                                                                  "日志打不开",
	"its log is gone; a node that forgot its votes must not come back under its old id. Make it a new one with accord init --renew-node, and have the members replace it with accord member propose --replace": "日志丢失了；忘记投过的票的节点不得以原编号回来。用 accord init --renew-node 换新编号，再由各成员单位用 accord member propose --replace 更换",
	"the log belongs to another node":          "日志属于另一个节点",
	"the log is damaged or of a newer version": "日志已损坏，或由更新的版本写成",
	"it has stopped three times at one entry of the log that this version cannot apply; the entry lies in a .quarantine file in ledger/: start a version that can apply it": "已在日志的同一条目停止三次，本版本不能执行它；条目在 ledger/ 的 .quarantine 文件中：请启动能执行它的版本",

	// a node's status
	"a roster took this node out of the federation": "名册已把本节点移出联合体",
	"the log has stopped after an error":            "日志在一次错误之后停止了",
	"stopped over a ledger alarm: {}":               "因账本警报停止服务：{}",
	"no leader":                                     "没有主节点",
	"waiting for what was committed":                "正在取得已提交的内容",
	"no majority has confirmed the leader lately":   "近来没有多数节点确认主节点",
	"no audit file can be written":                  "没有一个审计文件可写",

	// backups
	"not a recipient's file":                             "不是接收方公钥文件",
	"not a key to seal to, or named twice":               "不是加密用的公钥，或给了两次",
	"there must be 1 to 16":                              "须有 1 至 16 个",
	"this record store is backed up by its own means":    "此记录库须用它自己的方式备份",
	"the folder cannot be written":                       "目录无法写入",
	"it ends in the head":                                "在文件头中断",
	"it ends in the manifest":                            "在清单中中断",
	"it ends early":                                      "文件不完整",
	"manifest":                                           "清单不对",
	"manifest and content do not belong together":        "清单与内容不是一套",
	"a frame is too long":                                "数据帧过长",
	"a frame does not match its checksum":                "数据帧与校验和不符",
	"frames out of order":                                "数据帧次序不对",
	"a chunk does not open":                              "有一段解不开",
	"the archive holds a name that no backup has":        "其中有备份不应有的文件名",
	"the archive is larger than the manifest says":       "内容比清单所写的大",
	"the archive is smaller than the manifest says":      "内容比清单所写的小",
	"the archive inside":                                 "内部归档不对",
	"node.json is not the manifest's node":               "node.json 与清单不符",
	"the genesis":                                        "创始文件不成立",
	"the charter is not the manifest's":                  "章程与清单不符",
	"its signature is by a key that is not the member's": "签名所用的密钥不是该成员单位的",
	"an audit file":                                      "审计文件不成立",
	"there are more or fewer records or audit lines than the manifest says": "记录或审计行数与清单不符",
	"the ledger is missing":                          "没有账本",
	"the ledger does not follow from its statements": "账本不能由其声明得出",
	"the ledger is not the manifest's":               "账本与清单不符",
	"the record store does not open":                 "记录库打不开",
	"the record store":                               "记录库不成立",
	"the signature of record {}":                     "记录 {} 的签名不成立",

	// recovery
	"this node never took part in the ledger":                            "本节点从未参加过账本",
	"it does not name this node among the survivors":                     "其中没有把本节点列为幸存",
	"this node's log has moved since its report":                         "本节点的日志在报告之后又有变化",
	"this node is not the base and needs its state":                      "本节点不是基准，需要基准节点的状态文件",
	"it does not follow from its statements":                             "不能由其声明得出",
	"size, root or digest":                                               "条数、根或摘要不符",
	"the base is another history than what this node knows to be agreed": "基准的历史与本节点所知的共识不同",
	"it is not by the member and node it names":                          "不是由其所写的成员单位和节点出具的",
	"no reports, or no reason":                                           "没有报告，或没有写原因",
	"the reports are of two federations, or two of one node":             "报告分属两个联合体，或有两份来自同一节点",
	"{} signed another plan":                                             "{} 签的是另一份方案",

	// the ledger's history
	"it is missing": "缺失",
	"it is no statement this version understands":                      "不是本版本认识的声明",
	"its signature does not hold, or it is there twice":                "签名不成立，或出现了两次",
	"it was answered otherwise than it is shown":                       "当时的答复与所示不同",
	"a stored checkpoint does not read":                                "存储的检查点无法读取",
	"a checkpoint cosigned at size {} has another root":                "在第 {} 条处共签的检查点是另一个根",
	"a cosignature does not hold":                                      "有共签不成立",
	"a checkpoint has {} cosignatures of the {} needed":                "检查点有 {} 份共签，须有 {} 份",
	"its leaf is not the statement's":                                  "叶子不是该声明的",
	"replaying the statements gives another state":                     "重放声明得到另一状态",
	"replaying the statements gives another state than the node tells": "重放声明得到的状态与节点所说的不同",
	"a row is not what the statements made of it":                      "有数据行与声明的结果不符",
	"the node does not show it":                                        "节点没有出示它",
	"its statement would be refused by everybody":                      "其中的声明在各节点都会被拒绝",
	"statement {} after {}":                                            "声明 {} 在 {} 之后",
	"statement {} at leaf {}":                                          "声明 {} 在第 {} 片叶子",
	"statement {} in place {}":                                         "声明 {} 在第 {} 位",
	"statement {} is missing":                                          "缺少声明 {}",
	"statement {} is not found by its id":                              "按编号找不到声明 {}",
	"statement {} is not its leaf":                                     "声明 {} 与叶子不符",
	"the row of statement {} is not of what was signed":                "声明 {} 的数据行与所签的不符",
	"{} leaves at sequence {}":                                         "{} 片叶子，而序号为 {}",
	"the charter is not its leaf":                                      "章程与叶子不符",
	"an entry is not what was signed":                                  "条目与所签的不符",
	"an entry outside its statement":                                   "条目不在其声明中",
	"an entry without its statement":                                   "条目没有声明",
	"an entry's end is not what was signed":                            "条目的终止与所签的不符",
	"an entry's times are not those that were answered":                "条目的时间与当时答复的不符",
	"a statement that does not parse":                                  "有声明无法解析",
	"a document in it is another":                                      "其中的文书是另一份",
	"no such row":                                                      "没有这一行",
	"no such part":                                                     "没有这一部分",

	// snapshots and the state machine
	"damaged":                                "已损坏",
	"released":                               "已释放",
	"closed":                                 "已关闭",
	"its charter is not ours":                "章程不是本联合体的",
	"root of the journal":                    "日志的根不符",
	"a catalogue is not the one it is named": "有目录与其名称不符",
	"no catalogue in force":                  "没有现行目录",
	"its rosters do not follow from the charter":                               "名册不能由章程得出",
	"command {} is missing":                                                    "缺少指令 {}",
	"one of the commands up to {} is not authentic or not the first of its id": "到 {} 为止的指令中有一条不真实，或不是该编号的第一条",
	"replaying its commands gives another state":                               "重放其中的指令得到另一状态",
	"replaying its commands gives other rows":                                  "重放其中的指令得到另外的数据行",
	"it is not the state that was cosigned":                                    "不是共签过的状态",
	"it does not continue this node's own journal":                             "不是本节点自己日志的延续",
	"it is not the one that was judged":                                        "不是判定过的那一份",
	"an entry was given twice or out of order":                                 "有条目重复或次序不对",
	"a refusal changed rows":                                                   "一次拒绝改动了数据行",

	// a database server
	"a long read keeps the write-ahead log":                                                                "有长时间的读取占着预写日志",
	"large tables are rewritten by accord db scrub alone":                                                  "大表只由 accord db scrub 重写",
	"the record store does not answer: {}":                                                                 "记录库没有应答：{}",
	"its records were moved into a database; set store in accord.yaml to it":                               "其记录已移入数据库；请在 accord.yaml 中设 store",
	"its records lie in records.db and accord.yaml names a database; bring them there with accord db move": "其记录在 records.db 中，而 accord.yaml 指明了数据库；请用 accord db move 移入",
	"needs a file that only its owner may read":                                                            "应为只有其所有者可读的文件",
	"needs postgres://user@host:5432/database":                                                             "应为 postgres://用户@主机:5432/数据库",
	"holds a password; put it into the file that store_password_file names":                                "其中含有口令；请放入 store_password_file 所指的文件",

	"not of the form postgres://user@host:5432/database":                           "不是 postgres://用户@主机:5432/数据库 的形式",
	"it holds a password":                                                          "其中含有口令",
	"a parameter is not known or not valid":                                        "有参数不认识或无效",
	"the server is on another machine and sslmode is not verify-full or verify-ca": "服务器在另一台机器上，而 sslmode 不是 verify-full 或 verify-ca",
	"server_encoding is {}":                                                        "server_encoding 为 {}",
	"synchronous_commit is off":                                                    "synchronous_commit 为 off",
	"fsync is {}":                                                                  "fsync 为 {}",
	"the user lacks a right":                                                       "该用户缺少权限",
	"it does not let this user into this database":                                 "服务器不允许该用户进入此数据库",

	// an import's plan
	"another file":                  "文件不同",
	"another mapping":               "映射不同",
	"another catalogue is in force": "现行目录不同",
	"another day":                   "判定日期不同",
	"records were added, corrected or taken back since": "其间有记录新增、更正或撤回",
	"rows would fare otherwise, as registers changed":   "登记信息有变，部分行的处理结果会不同",

	// the child that reads a workbook
	"it was asked what it does not know":                                     "请求不合规",
	"it was not given a file":                                                "没有得到文件",
	"its limits cannot be set: {}":                                           "无法设置资源限制：{}",
	"its answer does not follow the agreed form":                             "应答不符合约定格式",
	"it did not answer in time":                                              "未在规定时间内应答",
	"the file needs more memory than {} MiB":                                 "读取所需内存超过 {} MiB",
	"it holds no certificate":                                                "其中没有证书",
	"the source redirects to another host":                                   "来源把请求转到另一主机",
	"the source redirects without end":                                       "来源不断转向",
	"the address is link-local, of a cloud's metadata, or nobody's":          "这是链路本地地址、云平台元数据地址或无主地址",
	"the token would go over the network in clear":                           "令牌会以明文经过网络",
	"the link to the next page leads to another host":                        "下一页的链接指向另一主机",
	"the link to the next page is no address":                                "下一页的链接不是地址",
	"it asks to be left alone for {}":                                        "对方要求 {} 后再来",
	"status {}":                                                              "状态码 {}",
	"two pages are the same":                                                 "两页内容相同",
	"the page's number is none":                                              "页码不是数字",
	"it is no JSON in which the next cursor stands":                          "其中没有下一页游标，或不是 JSON",
	"it is packed in a way that was not asked for":                           "压缩方式未经请求",
	"it is a web page":                                                       "应答是网页",
	"its certificate is not trusted":                                         "其证书不受信任",
	"it is not of the form user:password@tcp(host:3306)/database":            "格式应为 user:password@tcp(host:3306)/database",
	"it is not of the form postgres://user:password@host:5432/database":      "格式应为 postgres://user:password@host:5432/database",
	"the server is on another machine and its tls is not true":               "服务器在另一台机器上而 tls 不是 true",
	"it is empty or not set":                                                 "为空或未设置",
	"it is no ordinary file":                                                 "不是普通文件",
	"others than its owner may read it; its mode must be 0600":               "其他用户也可读取；权限必须是 0600",
	"it does not hold one line":                                              "内容不是单独一行",
	"it took too long":                                                       "耗时过长",
	"the connection failed":                                                  "连接失败",
	"the query gives that name twice, or none":                               "查询结果中该列重名或无名",
	"its type {} has no exact text; leave it out or convert it in the query": "类型 {} 没有确切的文本形式；请在查询中去掉或转换",
	"overlap does not fit its type":                                          "overlap 与其类型不符",
	"there is no such column":                                                "没有这一列",
	"rows cannot be put in order by its type":                                "其类型不能用来排序",
	"it is empty (NULL) in some rows, which would be left out":               "有的行为空（NULL），会被漏掉",
	"it is the same in several rows, of which some would be left out":        "多行取值相同，会漏掉其中一些",
	"its name is no UTF-8":                                                   "列名不是 UTF-8",
	"it holds what is no UTF-8":                                              "含有非 UTF-8 内容",
	"a person's number cannot be the key":                                    "个人证件号码不能作主键",
	"its folder cannot be made":                                              "无法建立所在目录",
	"another command is reading this source":                                 "另一条命令正在读取该来源",
	"it is damaged":                                                          "已损坏",
	"it is about another source":                                             "属于另一来源",
	"it crashed, most likely because the file needs more memory than {} MiB": "读取进程崩溃，很可能是因为所需内存超过 {} MiB",
	"the file needs more processor time than {} s":                           "读取所需处理器时间超过 {} 秒",
	"it ended by itself or was killed":                                       "自行终止或被终止",

	// demo and bench
	"no such member":          "没有这个成员单位",
	"not empty":               "不是空目录",
	"no free ports":           "没有空闲端口",
	"port in use":             "端口已被占用",
	"the demo refused":        "演示程序拒绝了",
	"the demo is stopping":    "演示正在停止",
	"does not start":          "启动不了",
	"does not make its files": "不能建立其文件",
	"it cannot be opened to the database server": "不能对数据库服务器的用户开放",
	"is not running":                                      "没有在运行",
	"cannot be killed":                                    "无法终止",
	"stopped while starting":                              "在启动时停止了",
	"is not ready":                                        "没有就绪",
	"is not ready: {}":                                    "没有就绪：{}",
	"its path is too long for a socket":                   "路径太长，放不下套接字",
	"the folder above it cannot be made":                  "上级目录无法建立",
	"the folder above it cannot be written":               "上级目录无法写入",
	"a folder cannot be made in it":                       "不能在其中建立目录",
	"it lies in memory (tmpfs), where nothing is durable": "它在内存文件系统（tmpfs）中，什么都不能落盘",
	"it answers {}":                                       "它答复 {}",
	"it does not answer in time":                          "它没有按时答复",
	"it cannot be reached":                                "无法连接",
	"the address is not a public one, and webhooks.allow does not name it": "不是公网地址，webhooks.allow 也没有列出",
	"plain http goes only to addresses that webhooks.allow names":          "明文 http 只推送到 webhooks.allow 列出的地址",
	"needs a file with PEM certificates":                                   "应为 PEM 证书文件",
	"needs prefixes such as 10.1.0.0/16":                                   "应为网段，如 10.1.0.0/16",
	"URL":                                                                  "地址", "scheme": "签名方式", "since": "起始编号",
	"document {}":                "第 {} 条的文书",
	"of another kind or version": "是另一种文件或另一版本",
	"its head":                   "文件头不正确",
	"a tile":                     "其中一个哈希瓦片不正确",
	"a tile is not in it":        "缺少一个哈希瓦片",
	"what it says of the ledger": "所带的账本证明不成立",
	"it goes on behind its signature, or ends before it":           "在签名之前结束，或签名之后还有内容",
	"the author is no member that is known here":                   "本节点不知道有该成员",
	"the catalogue version by which it was made is not known here": "本节点没有导出时所依据的目录版本",
	"needs ids of other members":                                   "应为其他成员的标识",
	"stopped":                                                      "停止了",
	"took no snapshot":                                             "没有做快照",
	"takes no write after its leader was killed":                   "主节点被终止后不能写入",
}
