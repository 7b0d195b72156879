"""The words of the made-up town: everyday things, and what people say about four kinds of incident."""

from dataclasses import dataclass

FIRST, SECOND = "锦秀望云枫丹金玉翠竹明月晨曦海棠", "华苑江湾溪谷城府景园新里公馆"
WHEN = "今早|午后|傍晚|下班路上|周末|昨晚|趁天晴|雨停后|带孩子|陪父母|一个人|和同学|清早|夜里|刚才|前天"
DOING = (
    "逛了|收拾|学做|尝了|换了|修好|借来|翻出|拍了|种下|买到|画了|晒了|听说|路过|打听|想念|寻找|送走|遇见|缝补|擦亮|"
    "整理|弹起|读完|写完|搬来|腌制|煮了|泡了"
)
THINGS = (
    "银杏|豆浆|旧书|桂花|风筝|口琴|砂锅|梅干菜|红糖|绣球花|搪瓷杯|自行车|毛线|象棋|羽毛球|火腿|糖葫芦|竹篮|收音机|多肉|"
    "雨伞|围巾|相册|邮票|石榴|芋头|馄饨|麻糍|婺剧|灯笼|望远镜|拼图|木凳|金鱼|柚子|草帽|胶卷|陶罐|蜂蜜|枕头|花布|茶叶|"
    "鹦鹉|积木|雪菜|橘猫|书签|台灯|毛笔|算盘|露营|手账|滑板|吉他|烤饼|杨梅|荷叶|板栗|跳绳|画册"
)
FEELING = "真好看|有点贵|很香|挺好玩|舍不得|正合适|手感好|想起小时候|值得再来|颜色真正|味道地道|差点忘了|又轻又软"
#: what only the people around one incident say
DETAILS = (
    "{road}这边都在说", "{estate}的邻居也遇到了", "问过{road}社区，说不归他们管", "{estate}门口贴了通知又撕了",
    "从{road}路过就能看到",     "住在{estate}的亲戚也打电话来问", "{road}的店家都不敢吭声", "{estate}业主群里吵翻了",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """Words of one kind of incident; {name} is the place or firm it is about."""

    topic: str
    suffix: str
    titles: tuple[str, ...]
    clauses: tuple[str, ...]
    news: str
    rumour: str
    grave: tuple[str, ...]  #: what is only said when people are hurt or gather: the gravest incidents


MATTERS = (
    Matter(
        topic="food-drug",
        suffix="学校食堂",
        titles=("{name}的饭菜让孩子吃坏肚子", "{name}疑似食物中毒", "{name}用变质的肉"),
        clauses=("{name}中午的肉是变质的", "班里好几个孩子吃坏肚子在医院挂水", "怀疑是食物中毒", "老师让家长先别声张",
                 "{name}的后厨没人管", "孩子吐了一夜，家长急坏了", "食品安全谁来负责", "要求公开{name}的进货单"),
        news="{name}部分学生就餐后身体不适，有关情况正在核查",
        rumour="听说{name}已经死了人，消息都被压下来了",
        grave=("{name}有孩子昏迷送医", "几十名家长聚集在{name}门口要说法"),
    ),
    Matter(
        topic="environment",
        suffix="印染厂",
        titles=("{name}夜里偷排污水", "{name}旁边的河水发黑", "{name}异味熏得睡不着"),
        clauses=("{name}半夜往河里排污水", "河面发黑，死鱼漂了一层", "异味刺鼻，老人直咳嗽", "窗户一年四季不敢开",
                 "{name}的烟囱冒黑烟", "投诉多次没人理", "排污口就在桥下面", "{name}到底有没有环评"),
        news="群众反映{name}排污，河道水质取样正在检测",
        rumour="听说{name}的污水已经进了自来水，全城的水都不能喝",
        grave=("{name}两个工人中毒送医", "村民堵路不让{name}的车出来"),
    ),
    Matter(
        topic="education",
        suffix="小学",
        titles=("{name}学区突然调整", "{name}入学名额不够", "买了房却上不了{name}"),
        clauses=("{name}学区说改就改", "入学名单什么时候公布", "当初买房就是为了{name}", "家长连个说法都没有",
                 "补课费和学费倒是一分不少", "{name}一个班塞了六十个人", "孩子九月去哪里入学", "教育局电话打不通"),
        news="{name}学区调整引发家长关注，相关说明会将于近期召开",
        rumour="听说{name}的入学名额花二十万就能买到",
        grave=("几百名家长聚集在{name}门口", "家长在{name}门口拉横幅，有人受伤"),
    ),
    Matter(
        topic="tax",
        suffix="外贸公司",
        titles=("{name}的退税三个月没到账", "{name}退税被卡", "减税政策到{name}就变样"),
        clauses=("{name}出口退税三个月没到账", "资金压着发不出货", "窗口说系统升级，让再等等", "说好的减税降费呢",
                 "{name}几十个工人等着发钱", "同行的退税早就到了", "跑了五趟税务大厅", "{name}快撑不下去了"),
        news="部分企业反映退税到账时间较长，{name}等企业的申请正在核对",
        rumour="听说退税的钱被挪走了，{name}永远也拿不到",
        grave=("工人在{name}门口讨薪拉横幅", "{name}门口聚集了上百人，有人受伤送医"),
    ),
)  # fmt: skip
