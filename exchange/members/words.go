package members

import "strings"

// The word tables of Phrase: 256 common, unlike-sounding words each. A word
// never moves; the tables are what people on two telephones compare with.
var (
	wordsEn = strings.Fields(`
		acid actor adult agent album alley amber angel ankle apple apron arena arrow aspen atlas attic
		autumn bacon badge bagel bakery bamboo banana banjo barrel basket beacon bell bicycle bishop blanket blossom
		bonus bottle branch bread bridge brother bucket buffalo butter cabin cactus camel camera candle canyon carbon
		carpet castle caravan cedar cherry chest chicken circle city clock cloud coconut coffee comet copper coral
		cotton cousin cradle crystal cupboard curtain dance desert diamond dinner doctor dolphin donkey dragon drawer drum
		eagle earth echo eclipse elbow elephant emerald engine envelope evening falcon family farmer feather fiddle finger
		flag flower forest fossil fountain fox frame friday frog fruit galaxy garden garlic giant ginger glacier
		goat gold grape gravel guitar hammer harbor hazel helmet hero hill honey horse hotel hunter husband
		iceberg igloo index ink iron island ivory jacket jaguar jasmine jelly jigsaw jungle jury kangaroo kettle
		keyboard king kitchen kiwi knife ladder lagoon lantern laptop lemon leopard letter library lion lobster lotus
		lumber magnet mango map marble market meadow melon metal mirror monkey moon mother mountain mouse museum
		mustard napkin needle nephew nickel night noodle notebook nurse oasis ocean olive onion opera orange orchard
		otter oven oxygen oyster palace panda paper parrot pencil pepper piano pigeon pillow planet pocket police
		pony potato prince pumpkin puzzle pyramid quarter queen rabbit radio rainbow ribbon river robot rocket saddle
		salmon sandwich school scissors shadow silver spider spoon squirrel station stomach sugar summer sunset table teacher
		temple thunder tiger tomato tower tractor turtle umbrella valley velvet village violin volcano window winter zebra`)
	wordsZh = strings.Fields(`
		苹果 香蕉 葡萄 西瓜 桃子 橙子 柠檬 樱桃 草莓 菠萝 石榴 核桃 花生 红枣 栗子 柿子
		白菜 萝卜 土豆 番茄 黄瓜 茄子 辣椒 洋葱 大蒜 生姜 豆腐 竹笋 蘑菇 南瓜 玉米 小麦
		米饭 面条 饺子 馒头 包子 月饼 豆浆 牛奶 茶叶 咖啡 蜂蜜 白糖 酱油 食盐 鸡蛋 面包
		老虎 狮子 大象 熊猫 猴子 兔子 狐狸 骆驼 山羊 黄牛 骏马 松鼠 刺猬 乌龟 青蛙 鲸鱼
		海豚 企鹅 孔雀 老鹰 鸽子 麻雀 燕子 喜鹊 天鹅 公鸡 蝴蝶 蜜蜂 蚂蚁 蜻蜓 螃蟹 金鱼
		松树 柳树 杨树 竹子 荷花 菊花 梅花 牡丹 玫瑰 兰花 茉莉 青草 森林 草原 沙漠 湖泊
		长江 黄河 高山 大海 岛屿 沙滩 瀑布 山谷 平原 冰川 温泉 岩石 太阳 月亮 星星 彩虹
		白云 雷电 大雪 春雨 秋风 寒霜 雾气 火焰 黄金 白银 青铜 钢铁 玉石 珍珠 琥珀 水晶
		北京 上海 西宁 广州 成都 昆明 拉萨 杭州 长城 故宫 宝塔 寺庙 石桥 城墙 广场 码头
		学校 医院 银行 邮局 车站 机场 书店 剧院 公园 工厂 农场 厨房 客厅 阳台 楼梯 院子
		桌子 椅子 沙发 书架 衣柜 枕头 被子 窗帘 镜子 台灯 钟表 雨伞 钥匙 剪刀 锤子 梯子
		铅笔 毛笔 墨水 纸张 字典 地图 信封 邮票 报纸 相机 电话 电脑 钢琴 吉他 笛子 二胡
		汽车 火车 飞机 轮船 自行车 拖拉机 火箭 卫星 雷达 引擎 轮胎 油灯 蜡烛 火柴 水壶 茶杯
		筷子 勺子 盘子 铁锅 菜刀 竹篮 木箱 皮包 帽子 围巾 手套 毛衣 棉袄 裤子 布鞋 丝绸
		父亲 母亲 哥哥 妹妹 爷爷 奶奶 叔叔 阿姨 老师 医生 警察 农民 司机 画家 诗人 将军
		象棋 风筝 灯笼 鞭炮 锣鼓 龙舟 舞蹈 武术 足球 篮球 乒乓 滑雪 游泳 登山 春节 中秋`)
)
