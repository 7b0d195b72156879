"""Places: the office's gazetteer over a text, with a confidence and whether it is ours.

    五爱路 + 沈阳 in one text → the homonym elsewhere: ours=False, and the reason says which word told so
    深圳市福田街道, every time it is named → elsewhere too, whatever the gazetteer knows of Shenzhen

Works for another county by changing `places.toml`; only the country's provinces and cities are known here.
"""

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

from analysis.automaton import longest
from analysis.characters import Batch, fold_batch, fold_text
from analysis.lexicon import Finds, Lexicon
from analysis.places_regions import REGIONS
from storage.types import Office, Place, PlaceHit

#: how sure a name alone is, by what it is: a road of that name stands in many cities, a town hardly
_BY_TYPE = {"city": 0.95, "town": 0.85, "village": 0.7, "road": 0.6, "company": 0.75, "market": 0.75}
_OTHER_TYPE = 0.7
_ALIAS = 0.85  #: factor for a short form
_NEARBY = 0.15  #: added where the city or a place above or below it is named too
_LOCAL = 0.1  #: added where the source itself is the city's own
_HOMONYM = 0.3  #: what is left where a word of elsewhere stands in the text
_FOREIGN = 0.6  #: factor where another city is named and ours is not
_BEFORE = 16  #: characters before a name in which the region that it lies in is looked for
_LONGEST = 2000  #: characters of a text that are read: a place that matters is named early


@dataclass(frozen=True, slots=True)
class _Name:
    place: Place
    full: bool


class Gazetteer:
    """All names of the office's places, found in one pass."""

    def __init__(self, office: Office, lexicon: Lexicon | None = None) -> None:
        self._places = office.places
        self._city = office.places.get(office.home)
        self._names: dict[str, list[_Name]] = {}
        for place in office.places.values():
            for i, name in enumerate((place.name, *place.aliases)):
                if folded := fold_text(name):
                    self._names.setdefault(folded, []).append(_Name(place, i == 0))
        #: of each place: the words of elsewhere as they stand in a folded text, and as the file has them
        self._elsewhere = {
            place.id: {w: word for word in place.elsewhere if (w := fold_text(word))}
            for place in office.places.values()
        }
        away = [w for told in self._elsewhere.values() for w in told]
        words = list({**dict.fromkeys(self._names), **dict.fromkeys(away)})
        self._words = words
        self.lexicon = lexicon or Lexicon()
        self._known = self.lexicon.flags(words)
        self._longest = longest(words) if words else None
        self._region, self._own = self._regions(office)
        self._above = {place.id: _ancestors(place, office.places) for place in office.places.values()}

    def _regions(self, office: Office) -> tuple[re.Pattern[str], frozenset[str]]:
        """A pattern for a region elsewhere that stands right before a name; names of our own regions."""
        home = set(chain(office.home, office.places))
        own = {fold_text(w) for p in home for w in (office.places[p].name, *office.places[p].aliases)}
        cities = (p for p in office.places.values() if p.type == "city" and not p.ours)
        words = {*map(fold_text, REGIONS), *(fold_text(w) for p in cities for w in (p.name, *p.aliases))}
        elsewhere = "|".join(sorted(filter(None, words - own), key=lambda w: (-len(w), w)))
        return re.compile(rf"(?:{elsewhere})[省市]?(?:[\u4e00-\u9fff]{{1,3}}[市区县])?的?$"), frozenset(own)

    def _away(self, folded: str, start: int) -> str:
        """What stands right before a name and says that it lies elsewhere (深圳市), or nothing."""
        match = self._region.search(folded[max(0, start - _BEFORE) : start])
        return match[0].removesuffix("的") if match and not any(w in match[0] for w in self._own) else ""

    def find(self, texts: Sequence[str], local: Sequence[bool] | None = None) -> list[tuple[PlaceHit, ...]]:
        """Places of each text, surest first; `local` says which come from the city's own sources."""
        return self.find_batch(fold_batch(texts), local or [False] * len(texts))

    def find_batch(self, batch: Batch, local: Sequence[bool], finds: Finds | None = None) -> list[tuple[PlaceHit, ...]]:
        """`find` for texts that are folded already; `finds`: what the lexicon found in them.

        Only texts that hold a name at all are read for the longest names.
        """
        hits: list[tuple[PlaceHit, ...]] = [()] * len(batch.folded)
        for i in (finds or self.lexicon.find(batch.folded)).holding(self._known):
            hits[i] = self._hits(batch.folded[i], local[i])
        return hits

    def named(self, area: str | None) -> PlaceHit | None:
        """The place that a source's own area column names, if the gazetteer knows it."""
        names = self._names.get(fold_text(area)) if area else None
        if not names:
            return None
        place = names[0].place
        return PlaceHit(
            id=place.id, name=place.name, confidence=0.97, ours=place.ours, reason=f"来源自注区域「{area}」"
        )

    def with_area(self, hits: tuple[PlaceHit, ...], area: str | None) -> tuple[PlaceHit, ...]:
        """What a text names, with the area that its source gives; a place inside that area says more than the area."""
        named = self.named(area)
        if named is None:
            return hits
        others = [hit for hit in hits if hit.id != named.id]
        inside = [hit.confidence for hit in others if hit.ours and named.id in self._above[hit.id]]
        if inside:
            named = replace(named, confidence=min(named.confidence, max(inside) - 0.01))
        return (
            *(h for h in others if h.confidence >= 0.7 and h.ours),
            named,
            *(h for h in others if h.confidence < 0.7 or not h.ours),
        )

    def _hits(self, folded: str, local: bool) -> tuple[PlaceHit, ...]:
        if self._longest is None:
            return ()
        found = self._longest(folded[:_LONGEST])
        words: dict[str, str] = {}  # in the order of the text: reasons name the first; what says that it lies elsewhere
        for start, _, w in found:
            word = self._words[w]
            words[word] = self._away(folded, start) if words.get(word, "?") else ""
        if not words:
            return ()
        named: dict[str, _Name] = {}
        away: dict[str, str] = {}
        for word, region in words.items():
            for name in self._names.get(word, ()):
                key = name.place.id
                if name.full or key not in named:
                    named[key] = name
                away[key] = region and away.get(key, region)
        hits = [
            _hit(name.place, _HOMONYM, False, f"文中写明在「{away[key]}」，是外地同名地点")
            if away[key] and name.place.ours
            else self._judge(name, named, words, local)
            for key, name in named.items()
        ]
        return tuple(sorted(hits, key=lambda h: (-h.confidence, h.id)))

    def _judge(self, name: _Name, named: Mapping[str, _Name], words: Container[str], local: bool) -> PlaceHit:
        place = name.place
        confidence = _BY_TYPE.get(place.type, _OTHER_TYPE) * (1.0 if name.full else _ALIAS)
        told = [word for w, word in self._elsewhere[place.id].items() if w in words]
        kin = [n.place.name for i, n in named.items() if i != place.id and self._kin(i, place.id)]
        foreign = [n.place.name for n in named.values() if not n.place.ours and n.place.type == "city"]
        home = self._city is not None and self._city.id in named
        ours, reason = place.ours, "全称" if name.full else "简称"
        if told and not home:
            return _hit(place, _HOMONYM, False, f"文中有「{told[0]}」，多半是外地同名地点")
        if kin:
            confidence, reason = confidence + _NEARBY, f"{reason}，文中还有「{kin[0]}」"
        elif foreign and ours and not home:
            confidence, reason = confidence * _FOREIGN, f"{reason}，但文中另有外地「{foreign[0]}」"
        if local and ours:
            confidence, reason = confidence + _LOCAL, f"{reason}，来源为本地渠道"
        return _hit(place, confidence, ours, reason)

    def _kin(self, a: str, b: str) -> bool:
        return a in self._above.get(b, ()) or b in self._above.get(a, ())


def _hit(place: Place, confidence: float, ours: bool, reason: str) -> PlaceHit:
    return PlaceHit(id=place.id, name=place.name, confidence=round(min(confidence, 0.98), 2), ours=ours, reason=reason)


def _ancestors(place: Place, places: Mapping[str, Place]) -> frozenset[str]:
    """Ids above a place; a circle in the file ends the climb."""
    seen: list[str] = []
    above = place.parent
    while above is not None and above in places and above not in seen:
        seen.append(above)
        above = places[above].parent
    return frozenset(seen)


def chain(place: str, places: Mapping[str, Place]) -> list[str]:
    """A place's id and those above it, nearest first."""
    found = [place] if place in places else []
    while found and (above := places[found[-1]].parent) in places and above not in found:
        found.append(str(above))
    return found


def best_place(places: Sequence[PlaceHit]) -> PlaceHit | None:
    """The surest place, one of ours before any other."""
    return max(places, key=lambda hit: (hit.ours, hit.confidence), default=None)
