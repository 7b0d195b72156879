"""The search form and the query it means; the same for the page, the counts, the exports and the API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast, get_args
from zoneinfo import ZoneInfo

from storage.ports import DocumentPage, DocumentQuery, DocumentStore, FacetField, SortOrder, StoreError
from storage.query import parse

#: facets beside the hits, in their order on the page
FACETS: tuple[FacetField, ...] = ("sentiment", "kind", "topic", "department", "area", "source", "text_kind")
FIELDS: tuple[FacetField, ...] = get_args(FacetField)
MAX_QUERY = 1000


class BadForm(ValueError):
    """A field of the form cannot be read; the message is Chinese."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchForm:
    """What the person chose, as strings of the address: it can be bookmarked."""

    q: str = ""
    since: str = ""  #: "2026-11-24"
    until: str = ""  #: the last day that counts
    filters: tuple[tuple[FacetField, str], ...] = ()
    fold: bool = True
    historic: str = ""  #: "" everything, "1" history only, "0" without history
    sort: SortOrder = "newest"

    def address(self) -> dict[str, object]:
        """The form as the query string of an address."""
        pairs: dict[str, object] = {"q": self.q, "since": self.since, "until": self.until}
        for field in FIELDS:
            pairs[field] = [value for name, value in self.filters if name == field]
        pairs |= {
            "fold": "" if self.fold else "0",
            "historic": self.historic,
            "sort": "" if self.sort == "newest" else self.sort,
        }
        return {key: value for key, value in pairs.items() if value not in ("", [])}

    def pairs(self) -> list[tuple[str, str]]:
        """The form as fields of another form."""
        return [
            (key, str(text))
            for key, value in self.address().items()
            for text in (value if isinstance(value, list) else [value])
        ]

    def toggled(self, field: FacetField, value: str) -> "SearchForm":
        """The form with one facet value switched."""
        pair = (field, value)
        kept = tuple(p for p in self.filters if p != pair)
        return replace(self, filters=kept if pair in self.filters else (*kept, pair))

    def chosen(self, field: FacetField, value: str) -> bool:
        return (field, value) in self.filters

    def described(self) -> str:
        """The filter in one line, for the head of an export."""
        return "；".join(f"{key}={value}" for key, value in self.address().items()) or "全部"


def read_form(pairs: Sequence[tuple[str, str]]) -> SearchForm:
    """The form from the address; unknown names are left alone, values are bounded."""
    single = dict(pairs)
    sort = single.get("sort", "newest")
    return SearchForm(
        q=single.get("q", "").strip()[: MAX_QUERY + 1],
        since=single.get("since", "")[:10],
        until=single.get("until", "")[:10],
        filters=tuple((k, v[:200]) for k, v in pairs[:60] if k in FIELDS and v),
        fold=single.get("fold", "1") != "0",
        historic=single.get("historic", "") if single.get("historic") in {"0", "1"} else "",
        sort=cast(SortOrder, sort) if sort in get_args(SortOrder) else "newest",
    )


def to_query(form: SearchForm, timezone: str, scope: str | None) -> DocumentQuery:
    """The form as a query, limited to the department in `scope`.

    Raises QuerySyntaxError for the words and BadForm for a date.
    """
    if len(form.q) > MAX_QUERY:
        raise BadForm(f"检索式过长，最多 {MAX_QUERY} 字。")
    zone = ZoneInfo(timezone)
    until = day(form.until, zone)
    filters: dict[FacetField, list[str]] = {}
    for field, value in form.filters:
        filters.setdefault(field, []).append(value)
    if scope is not None:
        filters["department"] = [scope]
    return DocumentQuery(
        words=parse(form.q) if form.q else None,
        since=day(form.since, zone),
        until=until + timedelta(days=1) if until else None,
        filters=cast(Mapping[FacetField, Sequence[str]], filters),
        historic={"": None, "0": False, "1": True}[form.historic],
        duplicates=not form.fold,
        sort=form.sort,
    )


def page_of(store: DocumentStore, query: DocumentQuery, size: int, after: str) -> DocumentPage:
    """One page of hits. BadForm when `after` is no position of this search; StoreError when the store is away."""
    try:
        return store.search(query, size=size, after=after or None)
    except StoreError:
        if not after:
            raise
        store.search(query, size=1)
        raise BadForm("翻页位置无效，请回到第一页重新检索。") from None


def day(text: str, zone: ZoneInfo) -> datetime | None:
    """Midnight of a day in the office's time; None for ""."""
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=zone)
    except ValueError:
        raise BadForm(f"日期“{text}”无法识别，应为 2026-01-31 这样的格式。") from None


def step_for(since: datetime, until: datetime) -> str:
    """Step of the time histogram that gives some 20 to 80 bars."""
    days = (until - since).total_seconds() / 86400
    if days <= 3:
        return "hour"
    if days <= 90:
        return "day"
    return "week" if days <= 540 else "month"
