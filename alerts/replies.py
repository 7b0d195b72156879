"""Support for whoever answers: a frame for each treatment, the questions that are open, and what a draft must not have.

国办发〔2016〕80号 sorts answers by what was said: 建议 → 采纳, 困难 → 解决, 重大问题 → 调查处置, 模糊认识 → 解疑,
错误看法 → 纠正. The checks only point; a person decides.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alerts.transitions import TREATMENTS
from storage.types import Office

#: treatment → the frame of an answer; 〔 〕 is for people to fill in
TEMPLATES: dict[str, str] = {
    "采纳": (
        "{department}收到关于“{title}”的意见建议。\n"
        "一、吸收情况：〔已采纳的内容，写明条款或措施〕。\n"
        "二、未采纳的内容及理由：〔逐条说明〕。\n"
        "三、实施安排：〔时间、责任科室、公开渠道〕。"
    ),
    "解决": (
        "关于“{title}”，{department}核实情况如下：〔时间、地点、事实〕。\n"
        "已采取的措施：〔做了什么，何时完成〕。\n"
        "尚未解决的部分：〔原因、下一步、完成期限〕。\n"
        "咨询电话：〔单位公开电话〕。"
    ),
    "调查处置": (
        "{department}对“{title}”开展调查，现将情况公布如下。\n"
        "一、经过：〔查明的事实；未查明的注明正在调查〕。\n"
        "二、处置：〔依据的法律条款、处理结果〕。\n"
        "三、整改：〔措施、期限、监督方式〕。\n"
        "后续进展将于〔时间〕前通过〔渠道〕公布。"
    ),
    "解疑": (
        "针对“{title}”中大家关心的问题，{department}说明如下。\n"
        "问：〔问题〕\n答：〔政策规定、文件名称和文号、适用范围、办理途径〕。\n"
        "政策原文：〔链接〕。"
    ),
    "纠正": (
        "近日流传的“{title}”与事实不符。{department}核查情况如下：〔核查方式和结果〕。\n"
        "事实是：〔数据、文件、现场情况及出处〕。\n"
        "请以〔发布渠道〕发布的信息为准。"
    ),
}


def template(treatment: str, title: str, department: str) -> str:
    """The frame of an answer; ValueError for an unknown treatment."""
    if treatment not in TEMPLATES:
        raise ValueError(f"答复方式应为{'、'.join(TREATMENTS)}之一")
    return TEMPLATES[treatment].format(title=title, department=department)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What several people ask, in the words of the first."""

    text: str
    asked: int  #: how many texts ask it


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something to look at before a draft is submitted."""

    code: str  #: personal unanswered unfilled empty short conflict
    text: str


_ASKS = re.compile(
    r"[^。！!；;\n？?]{4,80}[？?]|[^。！!；;，,\n？?]*(?:什么时候|为什么|为何|怎么办|怎样|如何|是否|能不能|可不可以|有没有|多少钱|哪里)[^。！!；;\n？?]{2,60}"
)
_PERSONAL = (
    ("身份证号", re.compile(r"(?<!\d)\d{6}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\d)")),
    ("手机号码", re.compile(r"(?<!\d)1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)")),
    ("银行卡号", re.compile(r"(?<!\d)(?:62|4\d|5[1-5])\d{13,17}(?!\d)")),
    ("电子邮箱", re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    (
        "车牌号码",
        re.compile(
            r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][·・ ]?[A-Z0-9]{5,6}(?![A-Z0-9])"
        ),
    ),
    ("门牌住址", re.compile(r"\d{1,4}(?:号楼|幢|栋)\d{0,2}(?:单元)?\d{2,4}室?")),
    ("当事人姓名", re.compile(r"(?:投诉人|举报人|来信人|发帖人|当事人)[：: ]?(?!某)[一-龥]{2,3}(?:先生|女士|同志)")),
)
_EMPTY = ("高度重视", "加大力度", "进一步加强", "积极推进", "认真研究", "举一反三")
_FACT = re.compile(r"\d|〔\d{4}〕|《[^》]+》|已(?:于|经|完成|责令|立案|整改|退款)")
_NOISE = re.compile(r"[的了吗呢吧啊呀是在有和与就都也还很请问你们我们到底什么时候为何怎样如能不可以没多少钱哪里\W_]+")
#: share of a question's word pairs that the draft must take up
ANSWERED_SHARE = 0.3
SAME_SHARE = 0.5


def open_questions(texts: Iterable[str], limit: int = 5) -> list[Question]:
    """The questions most people ask, like ones together; from masked texts, one count for each text."""
    found: list[tuple[str, set[str], int]] = []
    for text in texts:
        counted: set[int] = set()
        for match in _ASKS.finditer(text[:5_000]):
            asked = match.group().strip(" ，,：:")
            pairs = _pairs(asked)
            if len(pairs) < 2:
                continue
            index = next((n for n, (_, known, _) in enumerate(found) if _overlap(pairs, known) >= SAME_SHARE), None)
            if index is None:
                found.append((asked, pairs, 1))
                counted.add(len(found) - 1)
            elif index not in counted:
                first, known, count = found[index]
                found[index] = (first, known, count + 1)
                counted.add(index)
    best = sorted(found, key=lambda row: -row[2])[:limit]
    return [Question(text=text, asked=count) for text, _, count in best]


def _pairs(text: str) -> set[str]:
    """Pairs of neighbouring characters of what carries meaning."""
    pieces = _NOISE.split(text)
    return {piece[n : n + 2] for piece in pieces for n in range(len(piece) - 1)}


def _overlap(part: set[str], whole: set[str]) -> float:
    return len(part & whole) / min(len(part), len(whole)) if part and whole else 0.0


def check_draft(draft: str, questions: Sequence[Question] = (), *, public_numbers: Iterable[str] = ()) -> list[Problem]:
    """What to look at before submitting; `public_numbers`: phones and mail addresses of offices, which may stand."""
    problems = [*personal(draft, public_numbers)]
    pairs = _pairs(draft)
    for question in questions:
        asked = _pairs(question.text)
        if asked and len(asked & pairs) / len(asked) < ANSWERED_SHARE:
            text = f"似未回应 {question.asked} 人提出的问题：{question.text}"
            problems.append(Problem(code="unanswered", text=text))
    if "〔" in draft and re.search(r"〔(?!\d{4}〕)[^〕]*〕", draft):
        problems.append(Problem(code="unfilled", text="模板中还有〔 〕内容未填写"))
    hollow = [word for word in _EMPTY if word in draft]
    if hollow and not _FACT.search(draft):
        problems.append(Problem(code="empty", text=f"只有“{'”“'.join(hollow)}”等表态，没有事实、措施或期限"))
    if len(draft.strip()) < 20:
        problems.append(Problem(code="short", text="答复过短，请写明事实和处理情况"))
    return problems


def public_numbers(office: Office) -> tuple[str, ...]:
    """Phones and mail addresses that the office itself makes known: of departments and duty posts, not of people."""
    units = [number for unit in office.departments.values() for number in (unit.phone, unit.email)]
    posts = [number for post in office.recipients.values() for number in (post.phone, post.email)]
    return tuple(number for number in (*units, *posts) if number)


def personal(draft: str, public_numbers: Iterable[str] = ()) -> list[Problem]:
    """Personal data in a draft: it must not be published."""
    allowed = {re.sub(r"[\s-]", "", n) for n in public_numbers}
    problems = []
    for name, pattern in _PERSONAL:
        hits = [m.group() for m in pattern.finditer(draft) if re.sub(r"[\s-]", "", m.group()) not in allowed]
        if hits:
            shown = f"{hits[0][:2]}…（共 {len(hits)} 处）"
            problems.append(Problem(code="personal", text=f"含有{name}：{shown}，公开前请删除"))
    return problems


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figure:
    number: str
    unit: str
    about: frozenset[str]  #: pairs of characters before the number


_NUMBER = re.compile(
    r"([一-龥]{0,8})(?:约|共|计|为|达|近|超过)?(\d[\d,]*(?:\.\d+)?(?:万|亿)?)(人次|批次|公里|平方米|小时|分钟|人|名|户|起|件|例|处|批|吨|元|％|%|米|天|日|辆|家|所|个)"
)


def conflicts(own: str, others: Iterable[tuple[str, str]]) -> list[Problem]:
    """Where texts of one matter give other figures for what looks like the same thing: 统一口径.

    own: the lead's text; others: (department's name, its text). Figures are compared where unit and words before them
    agree; a pointer for people, not a judgement.
    """
    mine = _figures(own)
    problems = []
    for name, text in others:
        for figure in _figures(text):
            same = [m for m in mine if m.unit == figure.unit and m.about & figure.about]
            if same and all(m.number != figure.number for m in same):
                told = "、".join(f"{m.number}{m.unit}" for m in same)
                said = f"{name}稿中为 {figure.number}{figure.unit}，本稿为 {told}，请核对并统一口径"
                problems.append(Problem(code="conflict", text=said))
    return problems


def _figures(text: str) -> list[_Figure]:
    return [
        _Figure(number=m[2].replace(",", ""), unit=m[3].replace("％", "%"), about=frozenset(_pairs(m[1])))
        for m in _NUMBER.finditer(text[:20_000])
    ]


def likeness(one: str, other: str) -> float:
    """How alike two short texts are, 0..1: shared pairs of characters of the shorter one."""
    return _overlap(_pairs(one), _pairs(other))
