"""What people correct of a document: its sentiment, its department, whether it is ours. Pure.

page ─corrected→ the assessment as the person sees it, kept as a labelled row
the same document once more ─put_right→ the machine reads it anew, the person's word stands
"""

from collections.abc import Iterable
from dataclasses import replace

from alerts.catalogue import BY_HAND
from analysis.places import best_place
from dashboards import words
from storage.types import Assessment, Correction, DepartmentGuess, Member, Office, PlaceHit, Sentiment, SentimentLabel

CORRECTABLE = ("sentiment", "department", "ours")


def put_right(seen: Assessment, corrections: Iterable[Correction], office: Office) -> Assessment:
    """The assessment with what people said of its document; the oldest first. A value that the configuration no longer
    knows is passed over."""
    for said in corrections:
        if said.document == seen.id and said.field in CORRECTABLE and known(said.field, said.person, office):
            seen = corrected(office, seen, said.field, said.person)
    return seen


def known(field: str, value: str, office: Office) -> bool:
    """Whether a person may say this of this field."""
    if field == "sentiment":
        return value in words.SENTIMENT
    if field == "department":
        return not value or value in office.departments
    return field == "ours" and value in {"yes", "no"}


def machine_word(seen: Assessment, field: str) -> str:
    """What the machine said, in the form in which `corrected` reads it."""
    if field == "sentiment":
        return seen.sentiment.label
    if field == "department":
        return seen.departments[0].id if seen.departments else ""
    return "no" if seen.places and not any(hit.ours for hit in seen.places) else "yes"


def corrected(office: Office, seen: Assessment, field: str, value: str) -> Assessment:
    """The assessment with one word replaced. ValueError for a value that does not exist."""
    if not known(field, value, office):
        raise ValueError("没有这个选项。")
    if field == "sentiment":
        return replace(seen, sentiment=certain(value))
    if field == "department":
        others = tuple(guess for guess in seen.departments if guess.id != value and guess.reason != BY_HAND)
        chosen = (DepartmentGuess(id=value, probability=1.0, reason=BY_HAND),) if value else ()
        return replace(seen, departments=chosen + others)
    ours = value == "yes"
    return replace(seen, places=tuple(replace(hit, ours=ours) for hit in seen.places) or home(office, ours))


def member_right(member: Member, seen: Assessment) -> Member:
    """The document's part in its event with what is corrected now."""
    place = best_place(seen.places)
    return replace(
        member,
        sentiment=seen.sentiment.negative,
        negative=seen.sentiment.label == "negative",
        area=place.id if place else None,
        ours=place.ours if place else True,
    )


def taken_back(office: Office, seen: Assessment, field: str, machine: str) -> Assessment:
    """The assessment without the person's word. The machine's guess at a department stands where it stood; one that
    the person had only confirmed has lost its probability, so it is left to be confirmed."""
    if field != "department":
        return corrected(office, seen, field, machine)
    left = tuple(guess for guess in seen.departments if guess.reason != BY_HAND)
    if machine and all(guess.id != machine for guess in left):
        left = (DepartmentGuess(id=machine, probability=0.5, reason="更正已撤销"), *left)
    return replace(seen, departments=left)


def certain(label: str) -> Sentiment:
    """A person's word: probability 1."""
    names: dict[str, SentimentLabel] = {"negative": "negative", "neutral": "neutral", "positive": "positive"}
    return Sentiment(
        label=names[label],
        negative=float(label == "negative"),
        neutral=float(label == "neutral"),
        positive=float(label == "positive"),
    )


def home(office: Office, ours: bool) -> tuple[PlaceHit, ...]:
    """Where no place was found: the office's own area as the person says."""
    name = words.place_name(office, office.home)
    return (PlaceHit(id=office.home, name=name, confidence=1.0, ours=ours, reason="人工更正"),)
