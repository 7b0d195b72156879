"""What an event is called, and which of its documents speak for it; everything in the documents' own words.

    documents ─clauses→ candidates ─how much of what all say they hold→ the title

Only words that are there are used: a clause is cut, never written.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence, Set
from functools import lru_cache

import rjieba

from analysis.text import plain
from storage.types import StoredDocument

LONGEST = 30  #: characters of a title
_SHORTEST = 6
_CLAUSE = 12  #: characters from which a clause may stand for the longer text
_EDGE = " 　，,。:：、;；—-~·!！?？'\"@"
_OWN, _TITLE = 2.2, 1.9  #: how well the title stands by itself of who says most, and another's; a sentence: 1
_ANSWER = 0.5  #: share of that for an answer or a notice: it names what was done
_OFFICIAL = ("government", "reply", "news", "hotlist")
_READ = 200  #: documents that are read for a title: the first, spread evenly over the rest
_TEXT = 600  #: characters of a text, or of a title
_TELLING = 0.3  #: of what the best voice says of what all say that another must say

_BREAK = re.compile(r"[\n\r\t。！？!?；;…【】#]+|(?<=[^0-9])[，,](?=[^0-9])|\s{2,}")
#: a blank between Chinese words of a text ends a thought
_SPACE = re.compile(r"(?<=[\u3000-\u9fff])\s+(?=[\u3000-\u9fff])")
_HEADLINE = re.compile(r"【([^【】]{6,60})】")
_SENTENCE = re.compile(r"[^。！？!?；;\n\r]*[。！？!?；;\n\r]?")
_NOISE = re.compile(r"https?://\S+|@[\w-]*[:：]?|\[[^\]]{1,8}\]")
#: what stands before the matter, taken away again and again
_BEFORE = re.compile(
    r"^(?:#[^#]{1,40}#|[^\w《〈“‘「『（(【\[]+"
    # 4、 (二) ① 第三，  but not 三、四年级 or 1.5亿
    r"|[（(]?(?:\d{1,2}|[一二三四五六七八九十]{1,3})(?:[）)][、.．]?|[、.．:：])(?![\d一二三四五六七八九十])|[①-⑳]|第[一二三四五六七八九十\d]{1,2}[、，,:：点条]"
    r"|(?i:re|fwd?)[:：]|(?:回复|转发|转|答复)[:：]|转发(?:微博)?|[【\[（(][^】\]）)]{1,6}[】\]）)]|\w{2,6}[丨|｜]"
    # 尊敬的张书记：您好
    r"|(?:尊敬|敬爱)的[^，,:：。！!\s]{1,14}[，,:：！!\s]+"
    r"|[^，,:：。！!\s]{0,8}(?:领导|书记|市长|县长|区长|镇长|局长|主任|编辑|同志)们?(?:[:：！!]|(?=您好|你好|大家好))|(?:您|你|大家)好"
    # 作为一名业主，  本人系某村村民，
    r"|(?:作为|我是|我们是|本人是|本人系|我系|我家住|家住|本人住)[^，,。；;:：]{2,30}[，,:：]|(?:另外|其次|首先|最后|此外)[，,]"
    r"|(?:关于|有关|对于)(?!于)"
    r"|(?:我要|我想|想|再次|实名|强烈|紧急)*(?:投诉|举报|反映|咨询|请问|询问|求助|控诉|问)(?:一下|一个)?[:：,，]?(?=.{6})"
    r"|(?:恳请|请求|请|希望|盼望|急盼|盼|望|呼吁)(?:各级|上级|市|县|区|有关|相关|政府|领导|部门|能|能够|尽快|尽早|帮忙|帮助|及时|早日|协调|督促)*"
    r"(?:解决|处理|关注|重视|整治|制止|查处|治理|管一管|管管)(?:一下)?[:：,，]?(?=.{6}))"
)
#: what stands behind it
_BEHIND = re.compile(
    r"(?:方面)?的(?:投诉信?|举报信?|情况反映|反映|咨询|求助信?|诉求|请求|来信)$|[，,](?:望|请|希望|求|盼|谢谢)[^，,]{0,16}$"
)
_REPLY = re.compile(r"^(?:关于|有关|对于?|就)(.{4,60})的(?:回复|答复|复函)$")
#: how somebody else's words are introduced, or one's own; the matter follows
_LEAD = re.compile(
    r"^(?:(?:来电人|来访人|投诉人|反映人|诉求人|网友|网民|市民|群众|居民|村民|业主|家长|读者|用户|消费者)们?(?:来电)?"
    r"(?:反映|表示|投诉|称|咨询|询问|建议|希望|求助|举报|反馈|说|问)[:：]?"
    r"|来电人|(?:想|我想)(?:问|咨询)(?:一下|下)?|请(?=.{0,8}(?:部门|领导|单位)))[:：,，]?"
)
#: a clause that begins like this stands in the middle of a thought
_MIDDLE = re.compile(
    r"(?:[也还就但而并又却才都仍该其看]|所以|因为|如果|于是|然后|结果|不过|而且|甚至|走|这|那|它|他|她|我|你|味道|今天|一个)"
)
_GREETING = re.compile(
    r"尊敬|您好|你好|领导|书记您|谢谢|感谢|希望有关部门|本人|我是|我们是|我系|我家住|作为.{0,24}(?:居民|业主|市民|家长|村民|一名|一员)|记者"
)
_ASKING = re.compile(r"[?？]|为什么|为何|怎么|何时|什么时候|是否|能不能|能否|有没有|谁来|多久|哪里|如何")


def words(text: str) -> list[str]:
    """Words of at least two characters, lower case, in order."""
    return [w for w in rjieba.cut(_readable(text.lower())) if len(w) > 1 and w[0].isalnum()]


def title_of(documents: Sequence[StoredDocument]) -> str:
    """A title that a person would write, at most 30 characters; "" for no documents.

    The clause (of a title, or of a text where there is none) that holds most of what the documents have in common,
    weighed against its length. Questions and greetings come last; titles before texts.
    """
    read = _some(documents)
    if len(read) == 1 and len(own := heading(read[0].document.title)) >= _SHORTEST:
        return own
    shared, named = _shared(read), _named(read)
    spokesman = representative(read)
    best = max(_candidates(read, spokesman).items(), key=lambda c: (_worth(c, shared, named), c[0]), default=None)
    if best is None:
        return heading(read[0].document.title or read[0].document.text) if read else ""
    return best[0]


def heading(title: str) -> str:
    """A title as an official would put it on a list: at most 30 characters, without number, salutation or wrapping."""
    line = " ".join(title[:_TEXT].split())
    return _cut(_bare(line) or line)


def representative(documents: Sequence[StoredDocument]) -> str | None:
    """Id of the document that says most of what all say; an official or press text only where nothing else is there."""
    ranked = _ranked(documents)
    return ranked[0][0].document.id if ranked else None


def voices(documents: Sequence[StoredDocument], n: int = 3) -> list[str]:
    """Ids of the most representative voices: of citizens, different from each other, one per author.

    Fewer where the others say little of what all say: a stray post speaks for nobody.
    """
    chosen: list[StoredDocument] = []
    ranked = _ranked([d for d in documents if d.document.kind not in _OFFICIAL])
    for row, worth in ranked:
        if worth < _TELLING * ranked[0][1]:
            break
        mine = _said(row)
        if row.document.author and any(c.document.author == row.document.author for c in chosen):
            continue
        if all(_overlap(mine, _said(c)) < 0.6 for c in chosen):
            chosen.append(row)
        if len(chosen) == n:
            break
    return [row.document.id for row in chosen]


def _some(documents: Sequence[StoredDocument]) -> list[StoredDocument]:
    rows = sorted((d for d in documents if d.duplicate_of is None), key=lambda d: (d.document.at, d.document.id))
    rows = rows or sorted(documents, key=lambda d: (d.document.at, d.document.id))
    step = max(1, -(-len(rows) // _READ))
    return rows[::step]


def _said(row: StoredDocument) -> frozenset[str]:
    """The words of a document."""
    return _words_of(f"{row.document.title} {row.document.text[:_TEXT]}")


@lru_cache(maxsize=256)
def _words_of(body: str) -> frozenset[str]:
    """Kept for a while: an event's title, its spokesman and its next title ask for the same ones."""
    return frozenset(words(body))


def _shared(rows: Sequence[StoredDocument]) -> dict[str, float]:
    """Share of the documents that hold each word; words of one document alone say nothing where there are several."""
    counts: Counter[str] = Counter()
    for row in rows:
        counts.update(_said(row))
    least = 1 if len(rows) < 3 else 2
    return {w: n / len(rows) for w, n in counts.items() if n >= least}


def _named(rows: Sequence[StoredDocument]) -> tuple[set[str], set[str]]:
    """Words of places and of topics that the assessment found in these documents."""
    names = {hit.name for row in rows for hit in row.assessment.places}
    places = {n for name in names for n in (name, name[:-1]) if len(n) > 1}  # 佛堂镇 is called 佛堂 as well
    return places, {word for row in rows for hit in row.assessment.topics for word in hit.words}


def _candidates(rows: Sequence[StoredDocument], spokesman: str | None) -> dict[str, float]:
    """Clause → how well it stands by itself: the spokesman's title, a title, a sentence's beginning, its middle."""
    found: dict[str, float] = {}
    for row in rows:
        own = _OWN if row.document.id == spokesman else _TITLE
        if row.document.kind in _OFFICIAL:
            own *= _ANSWER
        title = row.document.title
        for clause in (title, *_BREAK.split(title)):
            _offer(found, _cut(_bare(clause)), own)
        text = plain(row.document.text[:_TEXT])
        for headline in _HEADLINE.findall(text):
            _offer(found, _cut(_bare(headline)), _TITLE)
        for sentence in _SENTENCE.findall(_SPACE.sub("\n", text)):
            for number, clause in enumerate(_BREAK.split(sentence)):
                if len(bare := _bare(clause)) <= LONGEST:
                    _offer(found, bare, 0.7 if number else 1.0)
    return found


def _offer(found: dict[str, float], clause: str, worth: float) -> None:
    if len(clause) >= _SHORTEST:
        found[clause] = max(worth, found.get(clause, 0.0))


def _bare(clause: str) -> str:
    """Without addresses, numbers, salutations and the words that only introduce or wrap what is said."""
    bare = _NOISE.sub("", clause[:_TEXT]).strip(_EDGE)
    before = ""
    while bare != before:
        before = bare
        for shorter in (_REPLY.sub(r"\1", bare), _BEFORE.sub("", bare), _LEAD.sub("", bare), _BEHIND.sub("", bare)):
            shorter = _unwrapped(shorter.strip(_EDGE))
            if _SHORTEST <= len(shorter) < len(bare):
                bare = shorter
                break
    return bare.replace("#", "")


def _unwrapped(clause: str) -> str:
    """Without brackets around the whole of it."""
    inside = re.fullmatch(r"[【\[「『“](.*)[】\]」』”]", clause)
    return inside[1].strip(_EDGE) if inside and not set(inside[1]) & set("【】[]「」『』“”") else clause


def _worth(candidate: tuple[str, float], shared: dict[str, float], named: tuple[set[str], set[str]]) -> float:
    clause, stands = candidate
    mine = set(words(clause))
    worth = stands * sum(shared.get(w, 0.0) for w in mine) / math.sqrt(4 + len(mine))
    places, matters = named  # a title names the place and, above all, the matter
    worth *= 1.1 if any(word in clause for word in places) else 1.0
    worth *= 1 + 0.25 * min(2, sum(word in clause for word in matters))
    if _MIDDLE.match(clause):
        worth *= 0.7
    if _GREETING.search(clause):
        worth *= 0.4
    return worth * (0.6 if stands < _TITLE else 0.8) if _ASKING.search(clause) else worth


def _cut(text: str) -> str:
    """At most thirty characters: whole clauses, or not in the middle of a word where that is avoidable."""
    if len(text) <= LONGEST:
        return text
    if (end := max(text.rfind(mark, _CLAUSE, LONGEST + 1) for mark in "，；。！？")) > 0:
        return text[:end]
    kept = ""
    for word in rjieba.cut(_readable(text)):
        if len(kept) + len(word) > LONGEST - 1:
            break
        kept += word
    return (kept or text[: LONGEST - 1]).rstrip("，,、的和与") + "…"


def _ranked(documents: Sequence[StoredDocument]) -> list[tuple[StoredDocument, float]]:
    """Documents and how much they say of what all say, the most first."""
    rows = _some(documents)
    shared = _shared(rows)

    def worth(row: StoredDocument) -> float:
        mine = _said(row)
        value = sum(shared.get(w, 0.0) for w in mine) / math.sqrt(20 + len(mine))
        return value * (0.5 if row.document.kind in _OFFICIAL else 1.0)

    found = [(row, worth(row)) for row in rows]
    return sorted(found, key=lambda pair: (-pair[1], pair[0].document.at, pair[0].document.id))


def _overlap(a: Set[str], b: Set[str]) -> float:
    return len(a & b) / max(1, min(len(a), len(b)))


def _readable(text: str) -> str:
    """A lone surrogate becomes a question mark: the cutter refuses it."""
    return text.encode("utf-8", "replace").decode("utf-8")
