"""What kind of text it is, and the marks that decide who must answer how soon; each with its words as evidence.

The five `must.*` flags are the five kinds of 国办发〔2016〕61号 that must be answered first; a person confirms them.
The rules are written in the same boolean language as topics, so an office can read every one of them here.
"""

from collections.abc import Mapping, Sequence

from analysis.automaton import longest
from analysis.characters import Batch, fold_batch
from analysis.emoticons import rule as signs
from analysis.lexicon import Finds, Lexicon
from analysis.rules import Held, RuleSet
from storage.query import parse
from storage.types import Flag, Kind, SentimentLabel

_NOT_REAL = "- 演练 - 应急预案 - 招聘 - 电影 - 电视剧 - 游戏 - 小说"
_GRAVE = (
    "死亡 | 遇难 | 身亡 | 打死 | 被杀 | 爆炸 | 投毒 | 有毒 | 封城 | 封路 | 戒严 | 抢购 | 断粮 | 抢孩子 | 偷孩子"
    " | 拐卖 | 割肾"
    " | 暴动 | 骚乱 | 打砸 | 镇压 | 决堤 | 溃坝 | 泄漏 | 核辐射 | 要地震 | 特大地震 | 致癌 | 传染 | 疫情 | 死了"
)
_HEARSAY = (
    "网传 | 听说 | 据说 | 据传 | 传言 | 谣传 | 小道消息 | 内部消息 | 朋友圈都在传 | 群里都在传 | 疯传 | 紧急扩散"
    " | 速转 | 速度转"
    " | 求扩散 | 请扩散 | 帮忙扩散 | 大家扩散 | 扩散一下 | 帮忙转发 | 帮忙转一下 | 请转发 | 大家转发 | 互相转告"
    " | 求证实 | 不转不是 | 转疯了 | 千真万确 | 马上被删 | 赶紧看 | 扩散出去 | 让更多人知道 | 是真的吗 | 真的假的"
)
_DENIED = "- 辟谣 - 系谣言 - 属谣言 - 是谣言 - 不实信息 - 不属实 - 造谣"
_MANY = (
    "全市 | 全城 | 全镇 | 全村 | 整个小区 | 数百 | 上百 | 几百 | 上千 | 数千 | 几千 | 众多 | 大量 | 业主们"
    " | 全体业主 | 居民们"
    " | 家长们 | 村民们 | 广大群众 | 广大居民 | 广大业主 | 老百姓 | 集体 | 农民工 | 商户们 | 周边居民 | 附近居民"
    " | 全体"
)
_VITAL = (
    "停水 | 停电 | 停气 | 断水 | 断电 | 拖欠工资 | 欠薪 | 血汗钱 | 烂尾 | 交不了房 | 医保 | 社保 | 养老金 | 学位"
    " | 入学 | 学区"
    " | 征地 | 拆迁 | 补偿款 | 物业费 | 水质 | 自来水 | 饮用水 | 食品安全 | 食物中毒 | 污染 | 排污 | 涨价 | 供暖"
    " | 预付卡 | 跑路 | 非法集资"
)

RULES: tuple[tuple[str, str, str], ...] = (
    (
        "must.policy",
        "可能误读重大政策（61号文第一类）",
        "(政策 | 新政 | 新规 | 条例 | 改革 | 补贴 | 税收 | 减税 | 征税 | 房产税 | 医保 | 社保 | 退休)"
        " + (误读 | 误解 | 曲解 | 谣传 | 网传 | 听说 | 据说 | 传言 | 真的假的 | 是真的吗 | 取消了吗 | 要取消)",
    ),
    ("must.vital", "涉及公众切身利益且影响面较大（61号文第二类）", f"({_VITAL}) + ({_MANY}) {_NOT_REAL}"),
    (
        "must.moral",
        "冲击社会道德底线的民生问题（61号文第三类）",
        "(虐待 | 虐童 | 虐老 | 猥亵 | 性侵 | 强奸 | 拐卖 | 弃养 | 遗弃 | 见死不救 | 拒绝抢救 | 霸凌 | 体罚"
        " | 扎针 | 冒领低保"
        f" | 骗取低保 | 克扣救助 | 克扣低保 | 贪污救灾 | 救命钱 | 侵吞扶贫 | 冒名顶替) {_NOT_REAL}",
    ),
    (
        "must.emergency",
        "突发事件或自然灾害（61号文第四类）",
        "(火灾 | 起火 | 着火 | 大火 | 失火 | 爆炸 | 坍塌 | 塌方 | 塌陷 | 泄漏 | 集体中毒 | 食物中毒 | 踩踏"
        " | 重大车祸 | 连环相撞"
        " | 洪水 | 内涝 | 被淹 | 台风 | 地震 | 滑坡 | 泥石流 | 决堤 | 溃坝 | 溺水 | 坠楼 | 跳楼 | 持刀 | 砍人"
        " | 疫情 | 翻车)"
        f" {_NOT_REAL} - 爆炸头 - 爆炸性 - 信息爆炸 - 消防宣传",
    ),
    (
        "must.superior",
        "上级要求回应（61号文第五类）",
        "(国务院 | 国办 | 中央 | 省政府 | 省委 | 省厅 | 省级 | 督查组 | 督导组 | 巡视组 | 督察组 | 上级)"
        " + (督办 | 交办 | 责成 | 批示 | 限期回应 | 要求回应 | 要求整改 | 要求核查 | 点名通报 | 转办)",
    ),
    ("rumour", "疑似未经证实的传言", f"({_HEARSAY}) {_DENIED}"),
    ("rumour.grave", "疑似传言，涉及公共秩序或人身安全", f"({_HEARSAY}) + ({_GRAVE}) {_DENIED}"),
    (
        "casualty",
        "有人员伤亡",
        "(死亡 | 遇难 | 身亡 | 丧生 | 抢救无效 | 伤亡 | 死伤 | 重伤 | 受伤 | 轻伤 | 送医 | 昏迷 | 中毒 | 烫伤"
        " | 烧伤 | 摔伤 | 骨折"
        f" | 住进医院 | 死了人 | 失联) {_NOT_REAL} - 死亡证明",
    ),
    (
        "crowd",
        "有人群聚集或集体行动",
        "(聚集 | 围堵 | 堵门 | 堵路 | 拉横幅 | 集体上访 | 集体维权 | 罢工 | 罢运 | 罢课 | 停运抗议 | 静坐 | 游行"
        " | 示威 | 讨薪"
        f" | 上百人围 | 数百人围) {_NOT_REAL} - 聚集性疫情 - 产业聚集 - 人才聚集",
    ),
    ("mood.anger", "表情：愤怒", signs("anger")),
    ("mood.sorrow", "表情：难过", signs("sorrow")),
    ("mood.scorn", "表情：不满", signs("scorn")),
    ("mood.joy", "表情：高兴", signs("joy")),
    ("mood.praise", "表情：称赞", signs("praise")),
)

#: flags of one text alone, never of the matter that it is about
OF_A_TEXT = ("kind.", "mood.")
#: kind of text → rule in the title or text; weights of hits in the title are higher
KIND_RULES: tuple[tuple[str, str, str], ...] = (
    (
        "question",
        "咨询",
        "请问 | 咨询 | 询问 | 想问 | 问一下 | 如何办理 | 怎么办理 | 怎样办理 | 什么时候 | 何时 | 是否可以 | 能否"
        " | 可否 | 请教"
        " | 哪里办 | 有没有规定 | 有何规定 | 求解答 | 怎么算 | 需要什么材料 | 需要哪些",
    ),
    (
        "request",
        "求助",
        "求助 | 请求 | 恳请 | 恳求 | 希望 | 盼望 | 盼 | 申请 | 帮帮 | 帮忙 | 请帮 | 呼吁 | 请尽快 | 请加快"
        " | 急需 | 救救",
    ),
    (
        "complaint",
        "投诉",
        "投诉 | 扰民 | 严重影响 | 无人管 | 没人管 | 不作为 | 乱收费 | 拖欠 | 推诿 | 太差 | 不合理 | 强制 | 欺骗"
        " | 被骗 | 噪音 | 噪声"
        " | 恶臭 | 臭味 | 污染 | 违建 | 乱停 | 霸占 | 占道 | 烂尾 | 脏乱差 | 不退 | 拒不 | 安全隐患 | 态度恶劣"
        f" | 苦不堪言 | 不给 | {signs('anger')}",
    ),
    (
        "report",
        "举报",
        "举报 | 检举 | 揭发 | 实名反映 | 涉嫌 | 传销 | 非法集资 | 无证经营 | 无证 | 偷税 | 漏税 | 偷排 | 黑作坊"
        " | 受贿 | 贪污 | 诈骗",
    ),
    ("suggestion", "建议", "建议 | 提议 | 献策 | 可以考虑 | 不妨 | 增设 | 改进意见"),
    (
        "praise",
        "表扬",
        "感谢 | 点赞 | 表扬 | 锦旗 | 好样的 | 致敬 | 为你们点赞 | 办事效率高 | 服务很好 | 很暖心 | 拾金不昧"
        f" | {signs('praise')}",
    ),
    (
        "reply",
        "答复",
        "现答复如下 | 答复如下 | 回复如下 | 现将有关情况回复 | 来信收悉 | 已收悉 | 感谢您的来信 | 感谢您的留言"
        " | 感谢您对我"
        " | 现将调查情况 | 经核查 | 经调查 | 经了解 | 您反映的 | 您所反映 | 诉求已收悉",
    ),
    (
        "advertisement",
        "广告",
        "加微信 | 加v | 加我 | 扫码 | 优惠价 | 特价 | 低价 | 包邮 | 代办 | 诚招代理 | 招代理 | 加盟热线"
        " | 免费领取 | 限时 | 秒杀"
        " | 折扣 | 日结 | 刷单 | 点击链接 | 私信我 | 下单 | 现货 | 无抵押 | 秒到账 | 欢迎选购 | 厂家直销 | 订购",
    ),
)
_WEIGHT = {"report": 1.3, "complaint": 1.0, "question": 1.0, "request": 0.8, "suggestion": 1.2, "praise": 0.9}
_TITLE = 3.0  #: a word in the title counts as three
_HEAD = 300  #: characters after which a word no longer says what kind of text it is
#: sources where citizens speak to the city; a news text or notice is of no such kind
_CITIZENS: frozenset[Kind] = frozenset(("message", "hotline", "forum", "social"))


class FlagRules:
    """All rules above, compiled once."""

    def __init__(self, lexicon: Lexicon | None = None) -> None:
        self.lexicon = lexicon or Lexicon()
        self._flags = RuleSet([parse(rule) for _, _, rule in RULES], self.lexicon)
        self._kinds = RuleSet([parse(rule) for _, _, rule in KIND_RULES], self.lexicon)
        formulas = next(rule for code, _, rule in KIND_RULES if code == "reply").split(" | ")
        self._formulas = self.lexicon.flags(formulas)
        self._replies = longest(formulas)

    def flags(self, batch: Batch, finds: Finds | None = None) -> list[tuple[Flag, ...]]:
        """Sensitive marks of each text; `finds`, here and below: what the lexicon found in them."""
        held = self._flags.hold(finds or self.lexicon.find(batch.folded))
        return [self._marks(batch, i, matched) if matched else () for i, matched in enumerate(held)]

    def _marks(self, batch: Batch, i: int, matched: Held) -> tuple[Flag, ...]:
        return tuple(
            Flag(
                code=RULES[rule][0],
                text=RULES[rule][1],
                words=tuple(dict.fromkeys(batch.original(i, a, b) for a, b in spans))[:6],
            )
            for rule, spans in matched
        )

    def replies(self, batch: Batch, sources: Sequence[Kind], finds: Finds | None = None) -> list[bool]:
        """Which texts are official replies, by their source or by their own formulas."""
        formal = (finds or self.lexicon.find(batch.folded)).holding(self._formulas)
        by_formulas = {i for i in formal if len(self._replies(batch.folded[i][:_HEAD])) >= 2}
        return [source == "reply" or i in by_formulas for i, source in enumerate(sources)]

    def kinds(
        self,
        batch: Batch,
        titles: Sequence[int],
        sources: Sequence[Kind],
        labels: Sequence[SentimentLabel],
        finds: Finds | None = None,
    ) -> list[Flag]:
        """The `kind.*` flag of each text; `titles` are the folded lengths of the titles that begin them."""
        heads = [title + _HEAD for title in titles]
        held = self._kinds.hold(finds or self.lexicon.find(batch.folded), heads)
        rows = zip(held, titles, sources, labels, strict=True)
        return [self._kind(batch, i, *row) for i, row in enumerate(rows)]

    def _kind(self, batch: Batch, i: int, held: Held, title: int, source: Kind, label: SentimentLabel) -> Flag:
        head = batch.folded[i][: title + _HEAD]
        words: dict[str, list[tuple[int, int]]] = {}
        scores: dict[str, float] = {}
        for rule, spans in held:
            kind = KIND_RULES[rule][0]
            words[kind] = spans
            scores[kind] = sum({head[a:b]: _TITLE if a < title else 1.0 for a, b in reversed(spans)}.values())
        chosen = _choose(scores, head, source, label)
        if chosen not in words:
            return _BARE[chosen]
        shown = dict.fromkeys(batch.original(i, a, b) for a, b in words[chosen])
        return Flag(code=f"kind.{chosen}", text=_NAMES[chosen], words=tuple(shown)[:6])


_NAMES = {code: name for code, name, _ in KIND_RULES} | {"other": "其他"}
#: flags of a kind that no word of the text speaks for
_BARE = {code: Flag(code=f"kind.{code}", text=name) for code, name in _NAMES.items()}


def _choose(scores: Mapping[str, float], head: str, source: Kind, label: SentimentLabel) -> str:
    if source == "reply" or scores.get("reply", 0) >= 2:
        return "reply"
    grievance = scores.get("complaint", 0) + scores.get("report", 0)
    if scores.get("advertisement", 0) >= 2 and not grievance:
        return "advertisement"
    if source not in _CITIZENS:
        return "other"
    asks = head.rstrip().endswith(("?", "吗", "呢"))
    if not scores:
        return "complaint" if label == "negative" else "question" if asks else "other"
    weighted = {kind: scores.get(kind, 0.0) * weight for kind, weight in _WEIGHT.items()}
    if label == "negative":
        weighted["complaint"] += 1.5
        weighted["praise"] *= 0.3
    if asks:
        weighted["question"] += 1.0
    best = max(weighted, key=lambda kind: weighted[kind])
    return best if weighted[best] >= 0.8 else "other"


def kind_and_flags(text: str, source: Kind = "message") -> tuple[str, tuple[Flag, ...]]:
    """One text by itself: its kind and its sensitive marks."""
    rules, batch = FlagRules(), fold_batch([text])
    return rules.kinds(batch, [0], [source], ["neutral"])[0].code.removeprefix("kind."), rules.flags(batch)[0]
