"""Whether a text is an official reply, whoever filed it: an office speaks, to a citizen, of what it found and did.

    words of at least two of the four groups near the beginning, and none that only a citizen says → reply
    in a row of a hotline of at least three: who takes it down says 来电人, and what was asked of others already

A citizen who quotes a reply to object to it says so in words of his own. Share of replies found, and of messages taken
for one, on texts that these words were not chosen on: docs/model-card.md.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from analysis.lexicon import NOTHING, Finds, Lexicon
from storage.types import Kind

HEAD = 300  #: characters after which a word no longer says what kind of text it is
_OFFICE = (
    "我局 我委 我办公室 我办已 我办将 我司 我街道 我中心 我乡 我镇 我大队 我支队 我中队 我处 我厅 中队已 中队派"
    " 执法人员已 工作人员已 执法人员到 工作人员到 执法人员于 工作人员于 派队员 队员到"
)
_CITIZEN_ADDRESSED = (
    "您反映 您所反映 您的来信 您的留言 您的诉求 您提出 您咨询 给您造成 给您带来 给市民 感谢您对 感谢您的来信"
    " 感谢您的留言 感谢您的关注 感谢市民 市民反映 群众反映 网民反映 网友反映 反映的问题 诉求人 诉求者 诉求处"
    " 诉求件 诉求内容 诉求位置 诉件 来电人 件收悉 已收悉 已知悉 网友您好 网友:您好 网友:你好"
)
_FOUND = (
    "经核实 经核查 经查 经了解 经调查 经现场 经联系 经实地 现场核查 现场核实 到现场查看 到现场核 前往现场"
    " 现场查看 现场勘查 现场勘察 调查了解 收到诉求 接到投诉 接到诉求"
)
_DONE = (
    "敬请谅解 深表歉意 表示歉意 请您谅解 予以理解 已责令 已责成 责令其 已要求 已督促 已列入 已纳入 已安排 将加强"
    " 将督促 将继续 将进一步 将会同 下一步 建议转 请转 专此反馈 特此回复 回复如下 答复如下 现答复 现回复 欢迎您"
    " 祝您 请拨打 请致电 项目监管 监督电话 咨询电话"
)
_CITIZEN_SPEAKS = (
    "本人是 本人系 本人于 本人在 本人的 我本人 我是 我们是 我叫 我家 我们小区 我们业主 请问 恳请 恳求 质疑 求助"
    " 盼望 期盼 盼复 望领导 请领导 凭什么 为什么 推诿 不作为 老百姓 书记您 书记: 书记你 局长您 局长: 局长你"
    " 市长您 市长: 市长你 县长您 县长: 县长你 厅长您 厅长: 厅长你 领导您 领导: 领导你 领导们 尊敬的领导 在此向您"
    " 向您反映 我反映 我所反映"
)
_GROUPS = tuple(tuple(words.split()) for words in (_OFFICE, _CITIZEN_ADDRESSED, _FOUND, _DONE, _CITIZEN_SPEAKS))
_OWN = len(_GROUPS) - 1  #: the column of what only a citizen says


def rule() -> str:
    """The words that speak for a reply as a boolean rule, so that they can be shown."""
    return " | ".join(f'"{word}"' for group in _GROUPS[:_OWN] for word in group)


class Answers:
    """The words above, numbered in a lexicon."""

    def __init__(self, lexicon: Lexicon) -> None:
        numbered = [(number, g) for g, words in enumerate(_GROUPS) for number in map(lexicon.number, words)]
        known = [(number, g) for number, g in numbered if number != NOTHING]
        self._group = np.full(max(number for number, _ in known) + 1, -1, np.int64)
        for number, group in known:
            self._group[number] = group

    def among(self, finds: Finds, sources: Sequence[Kind]) -> npt.NDArray[np.bool_]:
        """Which texts of a batch, filed as these kinds, are replies by their wording; shape (texts,)."""
        near = np.flatnonzero((finds.words < len(self._group)) & (finds.ends <= HEAD))
        groups = self._group[finds.words[near]]
        said = np.zeros((len(finds.matches), len(_GROUPS)), np.bool_)
        said[finds.texts[near][groups >= 0], groups[groups >= 0]] = True
        least = np.fromiter((3 if source == "hotline" else 2 for source in sources), np.int64, len(sources))
        answers: npt.NDArray[np.bool_] = (said[:, :_OWN].sum(axis=1) >= least) & ~said[:, _OWN]
        return answers
