"""Personal data out of what is stored and shown: numbers, addresses of homes, and the names that stand next to them.

    13812345678 → 138********    住 3幢2单元501室 → 住 ***    王小明，电话138… → 王**，电话138…

Checked where a check exists (GB 11643 for identity numbers, ISO/IEC 7812 Luhn for cards). Telephone numbers that a text
offers to the public (热线, 举报电话, 0579-… of an office) stay.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from analysis.privacy_signs import FULL, NUMERALS, PROVINCES, may_hold


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that was masked; the value itself is not kept."""

    kind: str  #: phone landline id bank plate email wechat qq address name
    start: int  #: in the text as it came in
    end: int


@dataclass(frozen=True, slots=True)
class Masked:
    text: str
    hits: tuple[Hit, ...] = ()


def mask(text: str) -> Masked:
    """Mask personal data; linear in the length of the text."""
    return _masked(text, _HINTS)


def masked_texts(texts: Sequence[str]) -> list[str]:
    """The masked forms of many texts: one look at all their characters says in which of them a hint may stand."""
    found = list(texts)
    for i, gates in may_hold(texts).items():
        found[i] = _masked(texts[i], gates).text
    return found


def _masked(text: str, gates: Collection[str]) -> Masked:
    worth = {gate for gate in gates if _HINTS[gate].search(text)}
    if not worth:
        return Masked(text)
    shadow = _half_width(text)
    taken: list[tuple[Hit, str]] = []
    for kind, pattern, check, show in _KINDS:
        if _GATES[kind] not in worth:
            continue
        for m in pattern.finditer(shadow):
            start, end = m.span("v")
            if check(m) and not any(h.start < end and start < h.end for h, _ in taken):
                taken.append((Hit(kind, start, end), show(m["v"])))
    taken += list(_names(shadow, [hit for hit, _ in taken]))
    return _replaced(text, sorted(taken, key=lambda row: row[0].start))


def _half_width(text: str) -> str:
    """As long as it was; twenty replacements are many times as fast as one translation by a table."""
    for full, half in _HALF_WIDTH:
        if full in text:
            text = text.replace(full, half)
    return text


def _replaced(text: str, taken: list[tuple[Hit, str]]) -> Masked:
    parts, at = [], 0
    for hit, shown in taken:
        parts += [text[at : hit.start], shown]
        at = hit.end
    return Masked("".join([*parts, text[at:]]), tuple(hit for hit, _ in taken))


def identity_number(digits: str) -> bool:
    """GB 11643-1999: the 18th place is the weighted sum modulo 11."""
    if len(digits) != 18 or not digits[:17].isdigit():
        return False
    total = sum(int(d) * (2 ** (17 - i) % 11) for i, d in enumerate(digits[:17]))
    return "10X98765432"[total % 11] == digits[17].upper()


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B."""
    doubled = (int(d) * (2 - i % 2) for i, d in enumerate(digits, len(digits) % 2))
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


_HALF_WIDTH = tuple(zip(FULL, "0123456789@.-:_Xx() ", strict=True))
#: cheap signs that a kind may stand in a text: most texts hold none, and are left after one glance each
_HINTS = {
    "digits": re.compile(rf"[0-9０-９](?:[ -]?[0-9０-９]){{6}}|[{NUMERALS}0-9]{{11}}"),
    "mail": re.compile(r"[@＠][\w-]{1,63}[.．]"),
    "contact": re.compile(r"微信|威信|薇信|扣扣|企鹅|(?i:qq|[vw]x|v信|weixin|wechat|加[v薇])"),
    "plate": re.compile(rf"[{PROVINCES}][A-Za-z]"),
    "address": re.compile(rf"[0-9０-９{NUMERALS}十百A-Za-z][栋幢号弄座室]|单元|号楼|[0-9][-—－~之#][0-9]"),
}
_GATES = {
    "email": "mail",
    "id": "digits",
    "bank": "digits",
    "phone": "digits",
    "landline": "digits",
    "qq": "contact",
    "wechat": "contact",
    "plate": "plate",
    "address": "address",
}

_PUBLIC = re.compile(
    r"(热线|公开|咨询|监督|投诉|举报|服务|值班|客服|报名|预约|受理|办公|报修|抢修|应急|维权|官方|总机|招生|窗口|大厅|中心|局|所|处|科|站|委)"
    r"[^，,。；;、\d]{0,6}(电话|热线|号码)?(为|是)?[：:（( ]*(?:\d{3,4}-?\d{7,8}[、,，/ 或和]*)*$"
)
_PRIVATE = re.compile(r"(我|本人|家|他|她|联系人|手机|先生|女士|姓名|师傅|业主)[^，,。；;]{0,8}$")


def _always(_: re.Match[str]) -> bool:
    return True


def _is_private_line(m: re.Match[str]) -> bool:
    before = m.string[max(0, m.start("v") - 30) : m.start("v")]
    return bool(_PRIVATE.search(before)) or not _PUBLIC.search(before)


def _is_identity(m: re.Match[str]) -> bool:
    digits = re.sub(r"[ -]", "", m["v"])
    return identity_number(digits) or "身份" in m.string[max(0, m.start() - 12) : m.start()]


def _is_card(m: re.Match[str]) -> bool:
    digits = re.sub(r"[ -]", "", m["v"])
    before = m.string[max(0, m.start() - 12) : m.start()]
    named = re.search(r"卡|账号|帐号|账户|帐户", before) is not None
    return 15 < len(digits) < 20 and (named or (luhn(digits) and digits[0] in "3456" and "单号" not in before))


_ORGANISATION = re.compile(
    r"^[^，,。；;！!？?\s]{0,8}?(店|公司|厂|超市|酒店|饭店|宾馆|医院|学校|小学|中学|幼儿园|局|大厅|中心|市场|政府|委员会|银行|馆|公园|商场|广场|药房|诊所|所|站)"
)
_LIVES = re.compile(r"(住|家在|家住|住在|住址|家庭地址|地址|户籍|户口|租住|寄到|寄往|送到|收件|住处)[^，,。；;]{0,30}$")


def _is_home(m: re.Match[str]) -> bool:
    """A door, a flat, or a house number that no organisation stands behind."""
    before = m.string[max(0, m.start("v") - 40) : m.start("v")]
    if m.groupdict().get("door") or _LIVES.search(before):
        return True
    return not _ORGANISATION.match(m.string[m.end("v") : m.end("v") + 14])


def _is_home_building(m: re.Match[str]) -> bool:
    return bool(_LIVES.search(m.string[max(0, m.start("v") - 40) : m.start("v")]))


def _stars(value: str) -> str:
    return "*" * min(len(value), 18)


_N = rf"(?:\d{{1,5}}|[{NUMERALS}十百]{{1,5}}|[A-Za-z]\d{{0,3}}|\d{{1,4}}[A-Za-z])"
_DASH = r"[-—－~之#]"
_DOOR = (
    rf"(?:{_N}(?:栋|幢|座|号楼|#楼|弄|号院)(?:之{_N})?[,，、\s]?(?:{_N}(?:单元|门|梯|楼|层)[,，、\s]?)?"
    rf"(?:{_N}(?:室|号|户|房|{_DASH}\d+)?)|{_N}单元[,，、\s]?{_N}(?:室|号|户|房)?|{_N}(?:单元|门)(?={_N})|\d{{3,4}}室"
    rf"|\d{{1,3}}{_DASH}\d{{1,2}}{_DASH}\d{{2,4}}(?:室|号|户)?)"
)
_BEGIN = r"(?<![\dA-Za-z])"
#: how a number, and how a whole address may begin: asked first, so that most places of a text are left after one glance
_FIRST = rf"(?=[\d{NUMERALS}十百A-Za-z])"
_FIRST_OF_ADDRESS = rf"(?=[第,，\s\d{NUMERALS}十百A-Za-z])"

_PATTERNS: tuple[tuple[str, str, Callable[[re.Match[str]], bool], Callable[[str], str]], ...] = (
    (
        "email",
        r"(?P<v>(?a:[\w.+-]{1,64}@[\w-]{1,63}(?:\.[A-Za-z][\w-]{0,20}){1,3}))",
        _always,
        lambda v: "***@" + v.rsplit("@", 1)[1],
    ),
    (
        "id",
        r"(?<!\d)(?P<v>[1-9]\d{5}[ -]?(?:19|20)\d{2}[ -]?(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
        r"[ -]?\d{3}[\dXx])(?!\d)",
        _is_identity,
        _stars,
    ),
    ("id", r"身份证[^\d，。]{0,6}(?P<v>\d{15}|\d{17}[\dXx])(?!\d)", _always, _stars),
    ("bank", r"(?<!\d)(?P<v>\d{4}(?:[ -]?\d{4}){2,3}(?:[ -]?\d{1,4}){0,2})(?!\d)", _is_card, _stars),
    (
        "phone",
        r"(?<!\d)(?P<v>(?:\+?86[ -]?)?1[3-9](?:\d(?:[ -]?\d{4}){2}|(?:[ -]?\d){9}))(?!\d)",
        _always,
        lambda v: re.sub(r"^\+?86[ -]?", "", v)[:3] + "********",
    ),
    (
        "phone",
        rf"(?<![{NUMERALS}\d])(?P<v>(?!\d{{11}})[一幺1][三四五六七八九3-9][{NUMERALS}\d]{{9}})(?![{NUMERALS}\d])",
        _always,
        _stars,
    ),
    (
        "landline",
        r"(?<!\d)(?P<v>(?:\(?0\d{2,3}\)?[ -—－]?)[2-8]\d{6,7})(?!\d)",
        _is_private_line,
        lambda v: (re.match(r"\(?0\d{2,3}\)?", v) or [""])[0] + "-" + "*" * 8,
    ),
    (
        "landline",
        r"(?:电话|座机|固话|致电|联系)[^\d，。]{0,4}(?P<v>[2-8]\d{3}[ -]?\d{3,4})(?!\d)",
        _is_private_line,
        _stars,
    ),
    ("qq", r"(?i:qq|扣扣|企鹅号)\s*(?:号码?|群号?|群)?[\s:：是为,，]*(?P<v>[1-9]\d{4,11})(?!\d)", _always, _stars),
    (
        "wechat",
        r"(?i:微信|威信|薇信|v信|weixin|wechat|(?<![a-z])[vw]x|加[v薇])\s*(?:号码?|(?i:id)|账号|帐号)?"
        r"[\s:：是为,，]*(?P<v>(?a:[A-Za-z][\w-]{4,19}|\d{6,12}))",
        _always,
        _stars,
    ),
    (
        "plate",
        rf"(?P<v>[{PROVINCES}][A-HJ-NP-Za-hj-np-z][·•. -]?(?=[A-Za-z]{{0,3}}\d)"
        r"[A-HJ-NP-Za-hj-np-z0-9]{4,5}[A-HJ-NP-Za-hj-np-z0-9挂学警港澳])(?![A-Za-z0-9])",
        _always,
        lambda v: v[:2] + "*****",
    ),
    (
        "address",
        rf"{_FIRST_OF_ADDRESS}{_BEGIN}(?P<v>(?:(?<=[路街巷道弄村组里苑园])第?{_N}(?:号|弄))?[,，\s]?(?P<door>{_DOOR}))(?!\d)",
        _is_home,
        lambda v: "***",
    ),
    (
        "address",
        rf"(?<=[路街巷道弄村组里])(?P<v>{_N}(?:弄{_N})?号(?:之{_N}|-\d+)?)"
        r"(?!楼|线|公路|公交|文|令|通知|公告|地铁|门|岗|井|桥|车)",
        _is_home,
        lambda v: "***",
    ),
    ("address", rf"(?<=村)(?P<v>{_N}(?:组|队)?{_N}号)", _always, lambda v: "***"),
    ("address", rf"{_FIRST}{_BEGIN}(?P<v>{_N}(?:栋|幢|号楼|座|弄))", _is_home_building, lambda v: "***"),
)
_KINDS = tuple((kind, re.compile(pattern), check, show) for kind, pattern, check, show in _PATTERNS)

_SURNAMES = (
    "王李张刘陈杨黄赵周吴徐孙朱马胡郭林何高梁郑罗宋谢唐韩曹许邓萧冯曾程蔡彭潘袁于董余苏叶吕魏蒋田杜丁沈姜范江傅钟卢汪戴崔任陆廖姚方"
    "金邱夏谭韦贾邹石熊孟秦阎薛侯雷白龙段郝孔邵史毛常万顾赖武康贺严尹钱施牛洪龚楼骆童虞鲍毕傅柳冷褚斯厉季俞"
)
_NOT_GIVEN = re.compile(
    r"^(书记|市长|县长|镇长|局长|主任|先生|女士|经理|老师|医生|师傅|同志|小姐|阿姨|大爷|大妈|律师|总|科长|所长|队长|院长|校长|警官|法官|某|老板|处长|会计)"
)
_LINK = (
    r"(?:\(|（|，|,|、|:|：|的|先生|女士|同志|师傅|小姐|\s){0,3}(?:(?:联系|我|本人|他|她)?的?"
    r"(?:联系方式|联系电话|手机号码?|电话号码?|电话|手机|微信号?|QQ号?|身份证号?码?|号码|银行卡号?|卡号|车牌号?|邮箱|住址"
    r"|家庭住址|地址|家住|现住|住在|住)(?:是|为)?[:：是为 ]*)?"
)
_NAME = rf"[{_SURNAMES}][\u4e00-\u9fff]{{1,2}}?"
_NAME_END = r"(?=[^\u4e00-\u9fff]|收|先生|女士|师傅|同志|的|本人|电话|手机|身份|微信|家住|住|，|$)"
#: a name by itself right before what was masked
_BEFORE = re.compile(rf"(?<![\u4e00-\u9fff])(?P<v>[{_SURNAMES}][\u4e00-\u9fff]{{1,2}}){_LINK}$")
#: a name behind a word that announces one, or before 收, in the same breath
_ANNOUNCED = re.compile(
    r"(?:我叫|名叫|叫做|我是|本人|姓名|联系人|收件人|开户人|户名|机主|车主|户主|房东|业主|患者|居民|村民|名字|经办人|当事人|举报人|来电人"
    r"|联系|请转|转交|找|姓|孩子|女儿|儿子|妻子|丈夫|父亲|母亲|老人|老板)(?:是|为|叫)?[:：\s]*"
    rf"(?P<v>{_NAME}){_NAME_END}|(?<![\u4e00-\u9fff])(?P<w>{_NAME})(?=收)"
)
_AFTER = re.compile(
    rf"^[)）\s,，(（]{{0,3}}(?P<v>[{_SURNAMES}][\u4e00-\u9fff]{{1,2}})(?=[)）\s，,。；;]|先生|女士|师傅|收|$)"
)
_BREATH = 30  #: characters around a masked number in which a name belongs to it


def _names(text: str, hits: list[Hit]) -> Iterator[tuple[Hit, str]]:
    """Names right before or behind a masked number or address, and announced ones near it."""
    seen: set[int] = set()
    for hit in hits:
        for start, end in _name_spans(text, hit):
            free = start not in seen and not any(h.start < end and start < h.end for h in hits)
            if free and not _NOT_GIVEN.match(text[start + 1 : end]):
                seen.add(start)
                yield Hit("name", start, end), text[start] + "*" * (end - start - 1)


def _name_spans(text: str, hit: Hit) -> Iterator[tuple[int, int]]:
    first = max(0, hit.start - _BREATH)
    if found := _BEFORE.search(text[first : hit.start]):
        yield found.start("v") + first, found.end("v") + first
    if hit.kind != "address" and (found := _AFTER.search(text[hit.end : hit.end + 12])):
        yield found.start("v") + hit.end, found.end("v") + hit.end
    for found in _ANNOUNCED.finditer(text[first : hit.end + _BREATH]):
        group = found.lastgroup or "v"
        yield found.start(group) + first, found.end(group) + first
