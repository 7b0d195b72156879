"""One pass over a batch of documents: everything the analysis says of each.

    Document ─sound, mask→ text ─fold once→ topics · places · departments · flags · sentiment
                                └─cut→ tokens, keywords        └─sign→ near-duplicate signature

Pure: the same document and configuration give the same assessment, in any process.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from analysis import flags, neardup, words
from analysis.characters import Batch, fold_batch
from analysis.departments import Catalogue, learned
from analysis.keywords import RANKINGS
from analysis.lexicon import Lexicon
from analysis.places import Gazetteer
from analysis.privacy import masked_texts
from analysis.routing import Router, load_router
from analysis.sentiment import SCORERS, Scorer
from analysis.targets import TargetReader
from analysis.text import LIMIT, hashtags, own_words, plain, sound_many
from analysis.topics import TopicMatcher
from storage.types import (
    Assessment,
    DepartmentGuess,
    Document,
    Flag,
    Kind,
    Office,
    PlaceHit,
    Sentiment,
    Target,
    TopicHit,
    UnreadableDocument,
)

VERSION = "4"  #: raised when the same configuration and models give another assessment
#: channels that only people of this city write to
_LOCAL: frozenset[Kind] = frozenset(("message", "hotline", "reply"))


@dataclass(frozen=True, slots=True)
class _Part:
    """A readable document on its way."""

    document: Document
    masked_title: str
    masked_text: str

    @property
    def whole(self) -> str:
        """What is analysed: masked title and text, so that no evidence carries personal data; no links, no accounts."""
        text = self.masked_text[:LIMIT]
        return plain(f"{self.masked_title}\n{text}" if self.masked_title else text)


class Assessor:
    """Everything compiled once for an office; picklable, so that each process of a pool has its own."""

    def __init__(self, office: Office, *, models: Path | None = None) -> None:
        self.office = office
        self.models = models or (Path(office.models) if office.models else None)
        if office.scorer not in SCORERS:
            raise KeyError(f"没有情感打分器 {office.scorer!r}；已有：{'、'.join(SCORERS)}")
        if office.keywords not in RANKINGS:
            raise KeyError(f"没有关键词算法 {office.keywords!r}；已有：{'、'.join(RANKINGS)}")

    def __getstate__(self) -> tuple[Office, Path | None]:
        return self.office, self.models

    def __setstate__(self, state: tuple[Office, Path | None]) -> None:
        self.office, self.models = state

    @cached_property
    def _scorer(self) -> Scorer:
        return SCORERS[self.office.scorer](self.models)

    @cached_property
    def _lexicon(self) -> Lexicon:
        return Lexicon()

    @cached_property
    def _topics(self) -> TopicMatcher:
        return TopicMatcher(self.office, self._lexicon)

    @cached_property
    def _places(self) -> Gazetteer:
        return Gazetteer(self.office, self._lexicon)

    @cached_property
    def _departments(self) -> Catalogue:
        return Catalogue(self.office, self._lexicon)

    @cached_property
    def _router(self) -> Router | None:
        return load_router(self.models)

    @cached_property
    def _flags(self) -> flags.FlagRules:
        return flags.FlagRules(self._lexicon)

    @cached_property
    def _rules(self) -> tuple[TopicMatcher, Gazetteer, Catalogue, flags.FlagRules]:
        """All that read by rules: compiled together, so that one pass finds the words of all."""
        return self._topics, self._places, self._departments, self._flags

    @cached_property
    def _targets(self) -> TargetReader:
        return TargetReader(self._lexicon, self._places, self._departments, self.office.home)

    @cached_property
    def version(self) -> str:
        """Version of code, models and rules: an assessment of another version is due for `reassess`."""
        digest = hashlib.sha256(f"{VERSION}|{self.office.version}|{self.office.scorer}|{self.office.keywords}".encode())
        for folder in (words.MODELS, self.models):
            for path in sorted(folder.glob("*.npz")) if folder else ():
                digest.update(path.read_bytes())
        return f"{VERSION}-{digest.hexdigest()[:10]}"

    def assess(self, documents: Sequence[Document]) -> list[Assessment | UnreadableDocument]:
        """Assess a batch; order and length are kept, a document that cannot be read gives its reason in its place."""
        prepared = _prepared(documents)
        parts = [p for p in prepared if isinstance(p, _Part)]
        found = iter(self._assess(parts) if parts else [])
        return [next(found) if isinstance(p, _Part) else p for p in prepared]

    def _assess(self, parts: Sequence[_Part]) -> list[Assessment]:
        topic_rules, gazetteer, catalogue, marks = self._rules
        texts = [p.whole for p in parts]
        batch = fold_batch(texts)
        finds = self._lexicon.find(batch.folded)
        kinds = [p.document.kind for p in parts]
        topics = topic_rules.match_batch(batch, finds)
        named = gazetteer.find_batch(batch, [kind in _LOCAL for kind in kinds], finds)
        places = [gazetteer.with_area(hits, p.document.area) for p, hits in zip(parts, named, strict=True)]
        departments = catalogue.guess(batch, topics, places, finds)
        if self._router is not None:
            departments = learned(departments, self._router, texts, self.office)
        replies = marks.replies(batch, kinds, finds)
        judged: list[Kind] = ["reply" if r else k for r, k in zip(replies, kinds, strict=True)]
        sentiments = self._scorer.score(batch, judged)
        targets = self._targets.read(texts, finds, places, judged, sentiments, self._scorer)
        text_kinds = marks.kinds(batch, _title_lengths(parts), judged, sentiments, finds)
        flagged = marks.flags(batch, finds)
        signatures = neardup.signatures([p.masked_text or p.masked_title for p in parts])
        tokens, telling = self._words(batch)
        version = self.version
        return [
            _joined(version, *row)
            for row in zip(
                parts,
                tokens,
                telling,
                sentiments,
                topics,
                places,
                departments,
                flagged,
                text_kinds,
                signatures,
                targets,
                strict=True,
            )
        ]

    def _words(self, batch: Batch) -> tuple[list[str], list[tuple[str, ...]]]:
        """Search tokens of each text, and its keywords: of a repost those of its own comment, where it has any."""
        reposts = [i for i, text in enumerate(batch.texts) if "//" in text and own_words(text) != text]
        both = _with_more(batch, [own_words(batch.texts[i]) for i in reposts]) if reposts else batch
        tokens, telling, ranking = list[str](), list[tuple[str, ...]](), RANKINGS[self.office.keywords]
        for cuts in words.cut_batch(both):
            tokens += cuts.tokens()
            telling += ranking(cuts)
        for i, own in zip(reposts, telling[len(batch.texts) :], strict=True):
            telling[i] = own or telling[i]
        return tokens[: len(batch.texts)], telling[: len(batch.texts)]


def _with_more(batch: Batch, texts: Sequence[str]) -> Batch:
    """What is cut into words: the batch, and further texts behind it."""
    more = fold_batch(texts)
    return replace(
        batch,
        folded=[*batch.folded, *more.folded],
        codes=np.concatenate((batch.codes, more.codes)),
        offsets=np.concatenate((batch.offsets, batch.offsets[-1] + more.offsets[1:])),
    )


def _prepared(documents: Sequence[Document]) -> list[_Part | UnreadableDocument]:
    """Titles and texts made harmless and masked, all at once."""
    readable = [isinstance(d.text, str) and isinstance(d.title, str) for d in documents]
    good = [d for d, well in zip(documents, readable, strict=True) if well]
    masked = masked_texts(sound_many([d.title for d in good] + [d.text for d in good]))
    parts = iter([_Part(d, masked[i], masked[len(good) + i]) for i, d in enumerate(good)])
    return [
        next(parts) if well else UnreadableDocument(f"文档 {document.id} 的标题或正文不是文本")
        for document, well in zip(documents, readable, strict=True)
    ]


def _joined(
    version: str,
    part: _Part,
    tokens: str,
    telling: tuple[str, ...],
    sentiment: Sentiment,
    topics: tuple[TopicHit, ...],
    places: tuple[PlaceHit, ...],
    departments: tuple[DepartmentGuess, ...],
    marks: tuple[Flag, ...],
    kind: Flag,
    signature: bytes,
    targets: tuple[Target, ...],
) -> Assessment:
    text_kind = kind.code.removeprefix("kind.")
    more = (
        (kind, Flag(code="advertisement", text="疑似广告", words=kind.words))
        if text_kind == "advertisement"
        else (kind,)
    )
    return Assessment(
        id=part.document.id,
        sentiment=sentiment,
        topics=topics,
        departments=departments,
        places=places,
        keywords=_keywords(part, telling, places),
        flags=(*marks, *more),
        masked_title=part.masked_title,
        masked_text=part.masked_text,
        tokens=tokens,
        signature=signature,
        text_kind=text_kind,
        version=version,
        targets=targets,
    )


def _title_lengths(parts: Sequence[_Part]) -> list[int]:
    """Folded length of each title: where the text begins."""
    batch: Batch = fold_batch([plain(p.masked_title) for p in parts])
    return [len(folded) for folded in batch.folded]


def _keywords(part: _Part, telling: tuple[str, ...], places: Sequence[PlaceHit]) -> tuple[str, ...]:
    """Hashtags and places of the gazetteer first, then what stands out among the words."""
    if not places and "#" not in part.masked_text:
        return telling
    given = [tag for tag in hashtags(part.masked_text) if len(tag) <= 20][:2]
    given += [hit.name for hit in places if hit.ours][:1]
    if not given:
        return telling
    named = "\n".join(given)
    return tuple(dict.fromkeys(given + [word for word in telling if word not in named]))[:6]


def reassessed(old: Assessment, new: Assessment) -> Assessment | None:
    """The new assessment where it differs in substance from the old one, else None."""
    return None if replace(old, version=new.version) == new else new
