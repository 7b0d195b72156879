"""What an event is called, and which of its documents speak for it; everything in the documents' own words.

    documents ─clauses→ candidates ─how much of what all say they hold→ the title

Only words that are there are used: a clause is cut, never written.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from functools import lru_cache

import rjieba

from storage.types import StoredDocument

LONGEST = 30  #: characters of a title
_SHORTEST = 6
_EDGE = " 　，,。:：、—-~·\"'“”"
_READ = 200  #: documents that are read for a title: the first, spread evenly over the rest
_TEXT = 600  #: characters of a text

_BREAK = re.compile(r"[\n\r\t。！？!?；;…]+|(?<=[^0-9])[，,](?=[^0-9])|\s{2,}")
_SENTENCE = re.compile(r"[^。！？!?；;\n\r]*[。！？!?；;\n\r]?")
_NOISE = re.compile(
    r"https?://\S+|#|@[\w-]+[:：]?|【|】|\[[^\]]{1,8}\]|^[\s\W]+|^(?:转发|回复|关于|举报|反映|投诉|咨询|请问|求助|再次)+[:：]?"
)
#: how somebody else's words are introduced, or one's own; the matter follows
_LEAD = re.compile(
    r"^(?:(?:来电人|来访人|投诉人|反映人|诉求人|网友|网民|市民|群众|居民|村民|业主|家长|读者|用户|消费者)们?(?:来电)?"
    r"(?:反映|表示|投诉|称|咨询|询问|建议|希望|求助|举报|反馈|说|问)[:：]?"
    r"|来电人|请问|(?:想|我想)(?:问|咨询)(?:一下|下)?|建议|(?:我要)?(?:投诉|反映|举报|咨询)(?:一下)?|请(?=.{0,8}(?:部门|领导|单位)))[:：,，]?"
)
#: a clause that begins like this stands in the middle of a thought
_MIDDLE = re.compile(
    r"(?:[也还就但而并又却才都仍]|所以|因为|如果|于是|然后|结果|不过|而且|甚至|走|这|那|它|他|她|我|你|味道|今天|一个)"
)
_GREETING = re.compile(r"(?:尊敬|您好|你好|领导|谢谢|感谢|希望有关部门|本人|我是|我们是)")
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
    shared, named = _shared(read), _named(read)
    spokesman = representative(read)
    best = max(_candidates(read, spokesman).items(), key=lambda c: (_worth(c, shared, named), c[0]), default=None)
    if best is None:
        return _cut(read[0].document.text.strip()) if read else ""
    return best[0]


def representative(documents: Sequence[StoredDocument]) -> str | None:
    """Id of the document that says most of what all say; an official or press text only where nothing else is there."""
    ranked = _ranked(documents)
    return ranked[0].document.id if ranked else None


def voices(documents: Sequence[StoredDocument], n: int = 3) -> list[str]:
    """Ids of the most representative voices: of citizens, different from each other, one per author."""
    chosen: list[StoredDocument] = []
    for row in _ranked([d for d in documents if d.document.kind not in ("government", "reply", "news", "hotlist")]):
        mine = _said(row)
        if row.document.author and any(c.document.author == row.document.author for c in chosen):
            continue
        if all(_overlap(mine, _said(c)) < 0.6 for c in chosen):
            chosen.append(row)
        if len(chosen) == n:
            break
    return [row.document.id for row in chosen]


def questions(documents: Sequence[StoredDocument], n: int = 5) -> list[str]:
    """Questions that people ask, most asked first, each in one citizen's own words (at most 60 characters)."""
    asked: list[tuple[set[str], list[str]]] = []
    for row in _some([d for d in documents if d.document.kind not in ("government", "reply", "news", "hotlist")]):
        for sentence in _sentences(row):
            mine = set(words(sentence))
            group = next((g for g in asked if _overlap(mine, g[0]) >= 0.5), None)
            if group is None:
                asked.append((mine, [sentence]))
            elif sentence not in group[1]:
                group[1].append(sentence)
    asked.sort(key=lambda g: -len(g[1]))
    return [min(said, key=len) for _, said in asked[:n]]


def _sentences(row: StoredDocument) -> Iterable[str]:
    for found in _SENTENCE.findall(f"{row.document.title}\n{row.document.text[:_TEXT]}"):
        sentence = _NOISE.sub("", found).strip()
        if _SHORTEST <= len(sentence) <= 60 and _ASKING.search(sentence):
            yield sentence


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
        own = 1.5 if row.document.id == spokesman else 1.3
        for clause in _BREAK.split(row.document.title):
            _offer(found, _cut(_plain(clause)), own)
        for sentence in _SENTENCE.findall(row.document.text[:_TEXT]):
            for number, clause in enumerate(_BREAK.split(sentence)):
                if len(plain := _plain(clause)) <= LONGEST:
                    _offer(found, plain, 0.7 if number else 1.0)
    return found


def _offer(found: dict[str, float], clause: str, worth: float) -> None:
    if len(clause) >= _SHORTEST:
        found[clause] = max(worth, found.get(clause, 0.0))


def _plain(clause: str) -> str:
    """Without addresses, tags and the words that only introduce what is said."""
    plain = _NOISE.sub("", clause).strip(_EDGE)
    shorter = _LEAD.sub("", plain, count=1).strip(_EDGE)
    return shorter if len(shorter) >= _SHORTEST else plain


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
    return worth * 0.6 if _ASKING.search(clause) else worth


def _cut(text: str) -> str:
    """At most thirty characters, not in the middle of a word where that is avoidable."""
    if len(text) <= LONGEST:
        return text
    kept = ""
    for word in rjieba.cut(_readable(text)):
        if len(kept) + len(word) > LONGEST - 1:
            break
        kept += word
    return (kept or text[: LONGEST - 1]).rstrip("，,、的和与") + "…"


def _ranked(documents: Sequence[StoredDocument]) -> list[StoredDocument]:
    rows = _some(documents)
    shared = _shared(rows)

    def worth(row: StoredDocument) -> float:
        mine = _said(row)
        value = sum(shared.get(w, 0.0) for w in mine) / math.sqrt(20 + len(mine))
        return value * (0.5 if row.document.kind in ("government", "reply", "news", "hotlist") else 1.0)

    return sorted(rows, key=lambda row: (-worth(row), row.document.at, row.document.id))


def _overlap(a: Set[str], b: Set[str]) -> float:
    return len(a & b) / max(1, min(len(a), len(b)))


def _readable(text: str) -> str:
    """A lone surrogate becomes a question mark: the cutter refuses it."""
    return text.encode("utf-8", "replace").decode("utf-8")
