"""What proves that a document belongs to an event: a likeness that is high enough, or words and names that tell it."""

import math

from analysis.events_index import Held, Index
from analysis.events_kept import Vector
from analysis.events_near import HELD
from analysis.events_words import SLOW_KINDS, Read

_SURE = 0.3  #: cosine from which an event is joined without further proof
_LIKELY = 0.09  #: cosine from which it is joined if rare words and a name say so too
_YOUNG = 0.13  #: the same while the event has one or two documents: a place's name alone must not found a matter
_GROWN = 3
_BESIDE = 0.018, 0.04  #: cosine that must be left without the words of the strongest shared name: young, settled events
_ROOM = 25  #: words of a letter that has room to say more than where
_SETTLED = 8  #: documents from which an event's words beside its name are known
_SHORT = 0.03  #: the least cosine for short texts of fast kinds, where a name is seldom said twice
_CROWD = 0.09  #: what each tenfold of documents adds to it: among many, some are alike by chance
_FEW = 500  #: documents up to which one told word is enough for a short text; two beyond
_RARE = 0.002  #: share of the window outside the event that such a word or name is in at most
_TOLD = 0.04  #: the same for short texts
_COMMON = 0.4  #: share of the event's documents that must hold it
_SAID_BY = 3  #: documents of an event, and the share `HELD`, that must say a word for a short text to follow its growth


def least(index: Index, doc: Read, held: Held) -> float:
    """The likeness under which nothing is proven."""
    if held.slow or doc.kind in SLOW_KINDS:
        return _YOUNG if held.count < _GROWN else _LIKELY
    return _SHORT + _CROWD * math.log10(max(1.0, index.total / 500))


def proven(index: Index, doc: Read, vector: Vector, held: Held, likeness: float, here: bool) -> list[int] | None:
    """The words that both share if this likeness is enough, by itself or with a name that tells; else None."""
    if likeness < least(index, doc, held):
        return None
    shared = index.shared(vector, held)
    if not held.slow and doc.kind not in SLOW_KINDS:
        return list(shared) if _short(index, doc, held, likeness, shared, here) else None
    names = index.told_by(vector.names, held, _RARE, _COMMON)
    told = likeness >= _SURE or bool(names and index.told_by(shared, held, _RARE, _COMMON))
    if told and doc.kind in SLOW_KINDS and len(doc.words) >= _ROOM:
        told = _beside(doc, shared, names, held) >= _BESIDE[held.count >= _SETTLED]
    return list(shared) if told else None


def grown(index: Index, doc: Read, vector: Vector, held: Held) -> float:
    """Doublings of an event, if it and a short text share a word that is the matter's own and no single post's; else 0.

    One matter told in many wordings begins as several events; new posts go to the one that has grown.
    """
    holders, words = index.holders_of(held), index.sums_of(held)
    enough = max(_SAID_BY, HELD * held.count)
    told = any(holders.get(f, 0) >= enough for f in vector.words if f in words and f not in doc.where)
    return math.log2(held.count) if told else 0.0


def _beside(doc: Read, shared: dict[int, float], names: list[int], held: Held) -> float:
    """Cosine without the words of the strongest name: all that is said of one estate is not one matter."""
    named = max((sum(v for f, v in shared.items() if doc.words[f][1] in doc.pairs[n]) for n in names), default=0.0)
    return (sum(shared.values()) - named) / held.length


def _short(index: Index, doc: Read, held: Held, likeness: float, shared: dict[int, float], here: bool) -> bool:
    """Short texts: among many documents some are alike by chance, unless a word tells them.

    The name of a town tells where, not what: all its matters share it. Within hours at one place (`here`) any other
    word will do.
    """
    said = [f for f in shared if f not in doc.where]
    if here:
        return bool(said)
    if likeness >= _SURE:
        return len(said) > 1
    return len(index.told_by(said, held, _TOLD, HELD)) > (index.total > _FEW)
