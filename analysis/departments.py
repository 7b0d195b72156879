"""Departments: the office's own catalogue first, each guess with the reason a person can check.

    topic × words of the matter (派单目录) → named in the text → duties → the town in charge of the place
    then, where an office has trained one, a classifier ranks further candidates

Below the office's `confirm_below` a person confirms; a probability of the catalogue is a convention of this table, not
a measured frequency, and is replaced by a calibrated one only where the office's own rows trained it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.characters import Batch, fold_batch
from analysis.lexicon import Finds, Lexicon
from analysis.places import chain
from analysis.routing import Router
from analysis.rules import Held, RuleSet
from storage.query import Node, Or, Word, parse
from storage.query import words as query_words
from storage.types import Department, DepartmentGuess, Office, PlaceHit, TopicHit

_DUTY_LEAD, _TOPIC_LEAD, _SUPPORT = 0.95, 0.9, 0.6
_NAMED, _DUTIES, _TOWN, _TOWN_ALONE = 0.7, 0.5, 0.5, 0.65
_MOST = 5


@dataclass(frozen=True, slots=True)
class _Duty:
    departments: tuple[str, ...]
    basis: str


class Catalogue:
    """派单目录 and duties, compiled once."""

    def __init__(self, office: Office, lexicon: Lexicon | None = None) -> None:
        self._office = office
        self._duties = [_Duty(r.departments, r.basis) for t in office.topics.values() for r in t.rules]
        self._duties_of: dict[str, list[int]] = {}
        for rule, topic in enumerate(t.id for t in office.topics.values() for _ in t.rules):
            self._duties_of.setdefault(topic, []).append(rule)
        when = [parse(r.when) for t in office.topics.values() for r in t.rules]
        known = list(office.departments.values())
        self._named = _name_rules(known)
        self._duty_words = [(d.id, Or(tuple(Word(w) for w in d.duties))) for d in known if d.duties]
        nodes: list[Node] = [*when, *(rule for _, rule in self._named), *(rule for _, rule in self._duty_words)]
        self._rules = RuleSet(nodes, lexicon)
        self._name_words = self._rules.lexicon.flags(word for _, rule in self._named for word in query_words(rule))
        self._towns = {d.area: d.id for d in known if d.type == "town" and d.area}

    def guess(
        self,
        batch: Batch,
        topics: Sequence[Sequence[TopicHit]],
        places: Sequence[Sequence[PlaceHit]],
        finds: Finds | None = None,
    ) -> list[tuple[DepartmentGuess, ...]]:
        """Candidates of each text, likeliest first, at most five; `finds`: what the lexicon found in them."""
        held = self._rules.hold(finds or self._rules.lexicon.find(batch.folded))
        return [
            self._ranked(batch, i, each, hits, where)
            for i, (each, hits, where) in enumerate(zip(held, topics, places, strict=True))
        ]

    def naming(self, finds: Finds) -> list[int]:
        """The texts that name a department at all."""
        return finds.holding(self._name_words)

    def named(self, batch: Batch, finds: Finds | None = None) -> list[list[str]]:
        """Departments that each text names."""
        first = len(self._duties)
        held = self._rules.hold(finds or self._rules.lexicon.find(batch.folded))
        return [
            [self._named[rule - first][0] for rule, _ in each if 0 <= rule - first < len(self._named)] for each in held
        ]

    def _ranked(
        self,
        batch: Batch,
        i: int,
        holding: Held,
        topics: Sequence[TopicHit],
        places: Sequence[PlaceHit],
    ) -> tuple[DepartmentGuess, ...]:
        if not (holding or topics or places):
            return ()
        matched = {rule: [batch.original(i, a, b) for a, b in spans] for rule, spans in holding}
        found: dict[str, DepartmentGuess] = {}
        ordered = sorted(topics, key=lambda hit: not hit.incident)
        for rank, hit in enumerate(ordered):
            _add(found, self._by_topic(hit.id, matched, 1.0 if rank == 0 and hit.incident else 0.8))
        _add(found, self._by_words(matched))
        _add(found, self._by_place(places, alone=not found))
        return tuple(sorted(found.values(), key=lambda g: (-g.probability, g.id))[:_MOST])

    def _by_topic(self, topic: str, matched: Mapping[int, list[str]], factor: float) -> list[DepartmentGuess]:
        entry = self._office.topics[topic]
        for rule in self._duties_of.get(topic, ()):
            if rule in matched:
                duty = self._duties[rule]
                words = f"文中有「{matched[rule][0]}」" if matched[rule] else "条件成立"
                reason = f"{duty.basis or '派单目录'}：{entry.name}，{words}"
                return _leads(duty.departments, _DUTY_LEAD * factor, reason)
        return _leads(entry.departments, _TOPIC_LEAD * factor, f"派单目录：{entry.name}")

    def _by_words(self, matched: Mapping[int, list[str]]) -> list[DepartmentGuess]:
        first = len(self._duties)
        second = first + len(self._named)
        guesses = []
        for rule, words in matched.items():
            if first <= rule < second:
                guesses.append(_guess(self._named[rule - first][0], _NAMED, f"文中点名「{words[0]}」"))
            elif rule >= second:
                distinct = tuple(dict.fromkeys(words))
                probability = min(_DUTIES + 0.1 * (len(distinct) - 1), 0.8)
                shown = "、".join(distinct[:3])
                guesses.append(_guess(self._duty_words[rule - second][0], probability, f"职责含「{shown}」"))
        return guesses

    def _by_place(self, places: Sequence[PlaceHit], *, alone: bool) -> list[DepartmentGuess]:
        for hit in places:
            for area in chain(hit.id, self._office.places) if hit.ours else ():
                if area in self._towns:
                    probability = (_TOWN_ALONE if alone else _TOWN) * hit.confidence
                    return [_guess(self._towns[area], probability, f"属地：{hit.name}")]
        return []


_LEARNED_FROM = 0.05  #: smaller probabilities are no candidates


def learned(
    guesses: Sequence[tuple[DepartmentGuess, ...]], router: Router, texts: Sequence[str], office: Office
) -> list[tuple[DepartmentGuess, ...]]:
    """The catalogue's guesses, and what the office's own classifier adds behind them; the catalogue keeps its word."""
    joined = []
    for given, row in zip(guesses, router.shares(texts).tolist(), strict=True):
        found = {guess.id: guess for guess in given}
        for label, probability in zip(router.labels, row, strict=True):
            if label in office.departments and label not in found and probability >= _LEARNED_FROM:
                found[label] = _guess(label, probability, "与历史派单相似")
        joined.append(tuple(sorted(found.values(), key=lambda g: (-g.probability, g.id))[:_MOST]))
    return joined


def catalogue(office: Office, topic: str | None, text: str, places: Sequence[PlaceHit] = ()) -> list[DepartmentGuess]:
    """One text's candidates by rule alone; builds the tables anew, so keep a `Catalogue` for many texts."""
    hits = [TopicHit(id=topic, words=())] if topic in office.topics and topic is not None else []
    return list(Catalogue(office).guess(fold_batch([text]), [hits], [places])[0])


def _name_rules(departments: Sequence[Department]) -> list[tuple[str, Node]]:
    rules: list[tuple[str, Node]] = []
    for department in departments:
        names = tuple(n for n in (department.name, department.short, *department.aliases) if len(n) >= 3)
        if names:
            rules.append((department.id, Or(tuple(Word(n) for n in names))))
    return rules


def _leads(departments: Sequence[str], lead: float, reason: str) -> list[DepartmentGuess]:
    return [
        _guess(d, lead if i == 0 else _SUPPORT * lead, reason if i == 0 else f"{reason}（协办）")
        for i, d in enumerate(departments)
    ]


def _guess(department: str, probability: float, reason: str) -> DepartmentGuess:
    return DepartmentGuess(id=department, probability=round(probability, 3), reason=reason)


def _add(found: dict[str, DepartmentGuess], guesses: Sequence[DepartmentGuess]) -> None:
    for guess in guesses:
        if guess.id not in found or found[guess.id].probability < guess.probability:
            found[guess.id] = guess
