package bench

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// The made-up names of name-search: seven in ten are organisations, three in ten
// persons, some of a minority. The n-th name is the same whenever it is made.

var (
	regions  = strings.Fields("广东省 江苏省 浙江省 山东省 四川省 湖北省 湖南省 河北省 福建省 安徽省 辽宁省 陕西省 云南省 贵州省 吉林省 海南省 广州 深圳 杭州 南京 武汉 成都 西安 长沙 青岛 大连 厦门 苏州 宁波 无锡 东莞 佛山")
	trades   = strings.Fields("保险代理 保险经纪 保险公估 财产保险 人寿保险 汽车销售 汽车维修 医疗器械 电子科技 信息技术 网络科技 物流运输 建筑工程 房地产开发 餐饮管理 贸易 商贸 文化传媒 教育咨询 企业管理咨询 农业发展 机械制造 环保科技 旅行社 物业管理 劳务派遣")
	forms    = []string{"有限公司", "有限公司", "有限公司", "有限责任公司", "股份有限公司", "有限公司分公司", "中心", "合伙企业（有限合伙）"}
	brand    = []rune("华中国泰安平信诚达通元亨利贞祥瑞福禄寿康宁和顺天地人新恒久昌盛隆兴旺金银玉宝龙凤鹏飞腾云海江河山川东南西北光明辉煌日月星辰春夏秋冬梅兰竹菊松柏杨柳润泽宏远博雅德仁义礼智诺鼎锦绣程鸿运佳美嘉乐正大方圆万众联合创世纪优卓越科维")
	surnames = []rune("王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严")
	given    = []rune("伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂文辉力志华建国玉梅红春燕晓东海龙峰鑫浩宇轩泽子涵雨欣怡佳俊鹏飞雪婷慧琳莹倩颖洁凯旋博思远嘉琪诗瑶梓萱若彤景行安然")
	minority = strings.Fields("阿依古丽 买买提 吐尔逊 艾力 古丽娜尔 玉素甫 热依汗 木合塔尔 阿不都 扎西 卓玛 多吉 次仁 旺堆 格桑 巴特尔 其其格 苏和 那仁 乌云")
)

// nameOf is the name of the n-th subject.
func nameOf(n int) string {
	x := rand.New(rand.NewPCG(uint64(n), 20261127))
	pick := func(from []rune) string { return string(from[x.IntN(len(from))]) }
	switch kind := x.IntN(20); {
	case kind < 14:
		name := regions[x.IntN(len(regions))]
		for range 2 + x.IntN(2) {
			name += pick(brand)
		}
		return name + trades[x.IntN(len(trades))] + forms[x.IntN(len(forms))]
	case kind == 14:
		return minority[x.IntN(len(minority))] + "·" + minority[x.IntN(len(minority))] + pick(given)
	}
	name := pick(surnames) + pick(given)
	if x.IntN(4) > 0 {
		name += pick(given)
	}
	return name
}

// A labelled question is a name as somebody else writes it, with the name that is
// meant and how the two differ.
type labelled struct {
	asked, meant string
	variant      string
}

// traditional has pairs of a character and how it is written in Hong Kong or on
// Taiwan; same-sounding ones follow below. Both are written down here and not made
// by what is measured.
var traditional = pairs("广廣东東华華国國达達宁寧兴興银銀宝寶龙龍凤鳳飞飛腾騰云雲辉輝润潤远遠义義礼禮诺諾锦錦绣繡鸿鴻运運乐樂圆圓万萬众眾联聯创創纪紀优優维維险險财財产產寿壽汽汽车車销銷售售医醫疗療电電术術网網络絡输輸筑築开開发發贸貿传傳询詢农農机機环環业業张張刘劉陈陳杨楊黄黃赵趙吴吳孙孫马馬罗羅郑鄭梁梁谢謝韩韓冯馮邓鄧肖肖蒋蔣叶葉苏蘇吕呂卢盧钟鐘谭譚陆陸贾賈韦韋邹鄒闫閆贺賀顾顧龚龔钱錢严嚴伟偉丽麗强強军軍艳艷杰傑涛濤刚剛晓曉鹏鵬颖穎洁潔凯凱")

var sounding = pairs("华花国果泰太安案平瓶信心诚成达答元圆祥详瑞锐福服康糠宁柠和合顺舜天田新心恒横昌长盛胜隆龙金今玉雨宝保龙隆鹏朋飞非云匀海害江姜山删东冬南男光广明名星兴春纯润闰泽择宏红远院博伯德得仁人义易智志鼎顶锦紧程成佳家美每嘉加正证大达方芳圆元万晚联连优忧卓捉科棵维为伟维芳方敏闽静敬丽力强墙磊垒军君洋羊勇涌艳燕杰节涛滔超抄霞侠刚钢桂贵文闻辉挥志至建健国过玉育梅眉红鸿燕艳晓小峰锋鑫欣浩号宇雨轩宣泽则")

func pairs(text string) map[rune]rune {
	m, runes := map[rune]rune{}, []rune(text)
	for i := 0; i+1 < len(runes); i += 2 {
		m[runes[i]] = runes[i+1]
	}
	return m
}

// variants are the ways in which people write a name otherwise. Each gives the name
// itself where it does not apply.
var variants = []struct {
	name string
	of   func(x *rand.Rand, name string) string
}{
	{"same", func(_ *rand.Rand, name string) string { return name }},
	{"traditional", func(_ *rand.Rand, name string) string { return exchanged(name, traditional, 100) }},
	{"sound", func(x *rand.Rand, name string) string { return exchanged(name, sounding, 1) }},
	{"blanks-and-width", func(x *rand.Rand, name string) string {
		runes := []rune(strings.NewReplacer("（", "(", "）", ")", "·", "・").Replace(name))
		at := 1 + x.IntN(len(runes)-1)
		return string(runes[:at]) + "　" + string(runes[at:]) + " "
	}},
	{"legal-form", func(_ *rand.Rand, name string) string {
		for _, form := range []string{"股份有限公司", "有限责任公司", "有限公司"} {
			if short, ok := strings.CutSuffix(name, form); ok {
				return short
			}
		}
		return name
	}},
	{"other-form", func(_ *rand.Rand, name string) string {
		if short, ok := strings.CutSuffix(name, "有限公司"); ok && !strings.HasSuffix(name, "股份有限公司") {
			return short + "有限责任公司"
		}
		return name
	}},
	{"wrong-character", func(x *rand.Rand, name string) string { return struck(x, name, []rune{'囧'}) }},
	{"left-out", func(x *rand.Rand, name string) string { return struck(x, name, nil) }},
	{"swapped", func(x *rand.Rand, name string) string {
		runes := []rune(name)
		if len(runes) < 6 {
			return name
		}
		at := 1 + x.IntN(len(runes)-2)
		runes[at], runes[at+1] = runes[at+1], runes[at]
		return string(runes)
	}},
	{"without-region", func(_ *rand.Rand, name string) string {
		for _, region := range regions {
			if rest, ok := strings.CutPrefix(name, region); ok {
				return rest
			}
		}
		return name
	}},
	{"dot-forgotten", func(_ *rand.Rand, name string) string { return strings.ReplaceAll(name, "·", "") }},
}

// exchanged replaces up to so many characters by their partners.
func exchanged(name string, by map[rune]rune, most int) string {
	runes := []rune(name)
	for i, c := range runes {
		if other, ok := by[c]; ok && most > 0 && other != c {
			runes[i] = other
			most--
		}
	}
	return string(runes)
}

// struck leaves out or replaces one character of a name that is long enough to be
// still known.
func struck(x *rand.Rand, name string, by []rune) string {
	runes := []rune(name)
	if len(runes) < 4 {
		return name
	}
	at := 1 + x.IntN(len(runes)-1)
	return string(runes[:at]) + string(by) + string(runes[at+1:])
}

// labelledSet is n questions about names of the first subjects, as many of each
// variant. A variant that leaves a name as it is asks for another name.
func labelledSet(n, subjects int) []labelled {
	x := rand.New(rand.NewPCG(1, 20261127))
	var set []labelled
	for i := 0; len(set) < n; i++ {
		v := variants[i%len(variants)]
		for range 200 {
			meant := nameOf(x.IntN(subjects))
			if asked := v.of(x, meant); asked != meant || v.name == "same" {
				set = append(set, labelled{asked, meant, v.name})
				break
			}
		}
	}
	return set
}

// subjectNamed is the n-th subject.
func subjectNamed(n int) string { return fmt.Sprintf("name:h1.%043d", n) }
