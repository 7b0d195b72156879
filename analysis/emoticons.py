"""Emoji and Weibo's bracket signs ([泪], [怒]) read for what people mean by them, which is often not what they show.

[微笑] and [拜拜] are cold, not friendly; [泪] and 😭 are sorrow more often than being moved; 😂 and [doge] say both.
"""

from functools import cache
from typing import Literal

Mood = Literal["anger", "scorn", "sorrow", "joy", "praise", "either"]

#: signs of each mood: brackets without their brackets, then emoji
_BRACKETS: dict[Mood, str] = {
    "anger": "怒 怒骂 愤怒 发怒 咒骂 骂 弱 差劲",
    "scorn": "抓狂 吐 鄙视 哼 左哼哼 右哼哼 白眼 傻眼 打脸 黑线 费解 微笑 拜拜 no 不要 摊手",
    "sorrow": "泪 泪流满面 大哭 伤心 悲伤 失望 委屈 可怜 衰 跪了 允悲 苦涩 生病 感冒 心碎 流泪 难过 快哭了 害怕 惊恐"
    " 汗 晕 累 囧 裂开",
    "joy": "哈哈 嘻嘻 太开心 偷笑 爱你 亲亲 可爱 开心 耶 笑哈哈 抱抱 给你小心心 心 爱心 太阳 呲牙 愉快 憧憬 色 酷 害羞"
    " 拳头 加油 加油啊 握手 ok 奋斗 抱拳 作揖 比心",
    "praise": "赞 good 给力 鼓掌 强 威武 中国赞 鲜花 点赞 感谢",
    "either": "笑cry 捂脸 doge 二哈 吃瓜 思考 疑问 吃惊 蜡烛 话筒 挖鼻 挖鼻屎 并不简单 呵呵 围观 顶 旺柴"
    " 泪目 感动 玫瑰",
}
_EMOJI: dict[Mood, str] = {
    "anger": "😡😠🤬👿💢👎🖕",
    "scorn": "😤🤮🤢💩🙄😒",
    "sorrow": "😭😢😞😔😖😣😩😫😰😱💔😿☹🙁😥😓🥺😟😨😧😪😷🤒🤕",
    "joy": "😄😃😀😁😊😍😘🥰😝😜🤗😆😋😎❤💕💖💗💓🎉🥳☺🙂😻✨☀💪✌🤝",
    "praise": "👍👏💯💐",
    "either": "😂🤣🙏😅😳😏🤔😌🐶😉🔥🙃😶😮😲🌹🌸🏆🥇",
}


@cache
def moods() -> dict[str, Mood]:
    """Every sign that is known, in lower case, with its mood."""
    brackets: dict[str, Mood] = {f"[{name}]": mood for mood, names in _BRACKETS.items() for name in names.split()}
    return brackets | {sign: mood for mood, signs in _EMOJI.items() for sign in signs}


def rule(mood: Mood) -> str:
    """The signs of a mood as a boolean rule."""
    return " | ".join(f'"{sign}"' for sign, its in moods().items() if its == mood)
