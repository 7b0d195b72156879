"""Sentiment towards what is named: the label of the sentences that name a department, company or place.

    text that names something ─sentences→ those that name it ─scorer→ Target

A petition praises the hospital and blames the bus company: the document has one label, each of the two its own.
"""

from collections.abc import Sequence

from analysis.characters import fold_batch
from analysis.departments import Catalogue
from analysis.lexicon import Finds, Lexicon
from analysis.places import Gazetteer
from analysis.sentiment import Scorer
from analysis.text import sentences
from storage.types import Kind, PlaceHit, Sentiment, Target

_LONGEST = 2000  #: characters of a text that are read for it, as places are
_MOST = 6  #: targets of one text


class TargetReader:
    """Finds what is named, sentence by sentence, with the rules that read the whole text before."""

    def __init__(self, lexicon: Lexicon, gazetteer: Gazetteer, catalogue: Catalogue, home: str) -> None:
        self._lexicon, self._gazetteer, self._catalogue, self._home = lexicon, gazetteer, catalogue, home

    def read(
        self,
        texts: Sequence[str],
        finds: Finds,
        places: Sequence[Sequence[PlaceHit]],
        kinds: Sequence[Kind],
        whole: Sequence[Sentiment],
        scorer: Scorer,
    ) -> list[tuple[Target, ...]]:
        """Targets of each text, in order of first mention; our places (the city itself left out) and departments.

        `finds`, `places` and `whole` are what was found in the whole texts, `kinds` how each is judged.
        """
        answers: list[tuple[Target, ...]] = [()] * len(texts)
        wanted: dict[tuple[int, str], str] = {}
        ours = [{hit.id for hit in hits if hit.ours and hit.id != self._home} for hits in places]
        rows = sorted({i for i, ids in enumerate(ours) if ids} | set(self._catalogue.naming(finds)))
        said = [sentences(texts[i][:_LONGEST]) for i in rows]
        named = iter(self._named([sentence for each in said for sentence in each]))
        for i, each in zip(rows, said, strict=True):
            here = {sentence: _ours(next(named), ours[i]) for sentence in each}
            if len(here) == 1:  # what holds for the one sentence was found for the text
                answers[i] = tuple(_target(id, whole[i]) for id in here[each[0]][:_MOST])
                continue
            for id in list(dict.fromkeys(id for ids in here.values() for id in ids))[:_MOST]:
                wanted[i, id] = "".join(sentence for sentence, ids in here.items() if id in ids)
        scored = scorer.score(fold_batch(list(wanted.values())), [kinds[i] for i, _ in wanted], explain=False)
        for (i, id), sentiment in zip(wanted, scored, strict=True):
            answers[i] = (*answers[i], _target(id, sentiment))
        return answers

    def _named(self, said: Sequence[str]) -> list[tuple[list[str], list[str]]]:
        """Ids of the departments and of the places in each sentence."""
        if not said:
            return []
        batch = fold_batch(said)
        finds = self._lexicon.find(batch.folded)
        places = self._gazetteer.find_batch(batch, [False] * len(said), finds)
        departments = self._catalogue.named(batch, finds)
        return [(units, [hit.id for hit in hits]) for units, hits in zip(departments, places, strict=True)]


def _ours(named: tuple[Sequence[str], Sequence[str]], ours: set[str]) -> list[str]:
    """Departments, and those places that were found to be ours in the whole text; a town that is both, once."""
    departments, places = named
    return list(dict.fromkeys([*departments, *(id for id in places if id in ours)]))


def _target(id: str, sentiment: Sentiment) -> Target:
    return Target(
        id=id,
        label=sentiment.label,
        negative=sentiment.negative,
        neutral=sentiment.neutral,
        positive=sentiment.positive,
    )
