"""The marks that decide who must answer how soon, each with its words as evidence; what kind of text: `analysis.kinds`.

The five `must.*` flags are the five kinds of 国办发〔2016〕61号 that must be answered first; a person confirms them.
The rules are written in the same boolean language as topics, so an office can read every one of them here.
"""

from analysis.characters import Batch, fold_batch
from analysis.emoticons import rule as signs
from analysis.kinds import KindRules
from analysis.lexicon import Finds, Lexicon
from analysis.rules import Held, RuleSet
from storage.query import parse
from storage.types import Flag, Kind, Sentiment

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


class FlagRules:
    """All rules above, compiled once."""

    def __init__(self, lexicon: Lexicon | None = None) -> None:
        self.lexicon = lexicon or Lexicon()
        self._flags = RuleSet([parse(rule) for _, _, rule in RULES], self.lexicon)
        kinds = KindRules(self.lexicon)
        self.kinds, self.replies = kinds.kinds, kinds.replies

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


def kind_and_flags(text: str, source: Kind = "message") -> tuple[str, tuple[Flag, ...]]:
    """One text by itself: its kind and its sensitive marks."""
    rules, batch = FlagRules(), fold_batch([text])
    calm = Sentiment(label="neutral", negative=0.0, neutral=1.0, positive=0.0)
    judged: Kind = "reply" if rules.replies(batch, [source])[0] else source
    return rules.kinds(batch, [0], [judged], [calm])[0].code.removeprefix("kind."), rules.flags(batch)[0]
