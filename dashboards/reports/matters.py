"""The events of a period: which were new, which rose, the important ones in words, the others in a table."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from dashboards import words
from dashboards.reports import wording
from dashboards.reports.desk import Desk, Window, level_at, of_events
from dashboards.reports.overall import asked, stretch
from dashboards.reports.tree import Block, Heading, Note, Paragraph, Statement, Table, para, say
from storage.types import Event, LevelChange

TOLD = {"本日": 5, "本周": 8, "本月": 10}
LISTED = 30
ALL = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """An event within a window."""

    event: Event
    documents: int  #: in the window
    negative: int
    level: int  #: at the end of the window
    changes: list[LevelChange]  #: in the window

    @property
    def raised(self) -> bool:
        """Whether a level rose; the first grading is none."""
        return any(c.after > c.before > 0 for c in self.changes)

    @property
    def first_graded(self) -> bool:
        return any(c.after > c.before == 0 for c in self.changes)


def gather(desk: Desk, window: Window) -> list[Matter]:
    """Every event with documents in the window, the highest level first, then the most documents.

    Documents of an event that was merged away count for the one it went into.
    """
    query = asked(window)
    counts = dict(desk.documents.facets(query, "event", size=ALL))
    bad = dict(desk.documents.facets(replace(query, filters={"sentiment": ["negative"]}), "event", size=ALL))
    events: dict[str, Event] = {}
    sums: dict[str, list[int]] = {}
    for key, event in desk.tx.events.get(sorted(counts)).items():
        if event.historic or event.detected_at >= window.until:
            continue
        events[event.id] = event
        total = sums.setdefault(event.id, [0, 0])
        total[0] += counts[key]
        total[1] += bad.get(key, 0)
    found = [_matter(desk, window, event, *sums[event.id]) for event in events.values()]
    return sorted(found, key=lambda m: (-m.level, -m.documents, m.event.id))


def _matter(desk: Desk, window: Window, event: Event, documents: int, negative: int) -> Matter:
    changes = desk.tx.events.changes(event.id)
    return Matter(
        event=event,
        documents=documents,
        negative=negative,
        level=level_at(event, changes, window.until),
        changes=[c for c in changes if window.since <= c.at < window.until],
    )


def matters(desk: Desk, window: Window, found: list[Matter]) -> Iterator[Block]:
    """二、重点事件."""
    yield Heading(text="重点事件")
    yield Paragraph(statements=tuple(_summary(desk, window, found)))
    graded = [m for m in found if m.level or m.raised or m.first_graded]
    told = graded[: TOLD[window.name]]
    for matter in told:
        yield Heading(text=f"{wording.cut(matter.event.title, 60)}（{desk.word(matter.level)}）", level=2)
        yield _told(desk, window, matter)
    rest = [m for m in found if m not in told][:LISTED]
    if rest:
        yield _table(desk, rest, "其他事件" if told else "事件一览")
    left = len(found) - len(told) - len(rest)
    if left:
        yield Note(text=f"另有{left}起未定级或信息较少的事件未列出，可在系统中查看。")


def _summary(desk: Desk, window: Window, found: list[Matter]) -> Iterator[Statement]:
    if not found:
        yield say(f"{stretch(window, desk)}，没有形成事件。", of_events([]))
        return
    events = [m.event for m in found]
    new = [e for e in events if e.detected_at >= window.since]
    graded = [m for m in found if m.level]
    yield say(f"{window.name}有信息的事件共{len(events)}起。", of_events(events, stretch(window, desk)))
    text = "均为此前已有的事件。" if not new else f"其中新发现{len(new)}起。"
    yield say(text, of_events(new) if new else None)
    if graded:
        ranks = sorted({m.level for m in graded}, reverse=True)
        counts = [(desk.level(r), sum(m.level == r for m in graded)) for r in ranks]
        when = f"截至{desk.hour(window.until)}"
        yield say(f"{when}，{wording.counted(counts, '起')}，其余未定级。" if len(graded) < len(found)
                  else f"{when}，{wording.counted(counts, '起')}。", of_events([m.event for m in graded]))  # fmt: skip
    else:
        yield say("均未定级。")
    if first := [m.event for m in found if m.first_graded]:
        yield say(f"{window.name}首次定级{len(first)}起。", of_events(first))
    if raised := [m.event for m in found if m.raised]:
        yield say(f"{window.name}等级上调{len(raised)}起。", of_events(raised))


def _told(desk: Desk, window: Window, matter: Matter) -> Paragraph:
    event, office = matter.event, desk.office
    query = replace(asked(window), filters={"event": [event.id]})
    place = f"，涉及{words.place_name(office, event.area)}" if event.area else ""
    text = f"{desk.hour(event.first_at)}首次公开出现{place}，属“{words.topic_name(office, event.topic)}”。"
    statements = [say(text)]
    where = f"事件编号{event.id}，{stretch(window, desk)}"
    said = replace(desk.said(query, where), count=matter.documents)
    statements.append(say(f"{window.name}信息{matter.documents}条，其中负面{matter.negative}条。", said))
    for change in matter.changes[-3:]:
        why = "；".join(r.text for r in change.reasons[:2])
        step = f"{desk.hour(change.at)}由{desk.level(change.before)}调整为{desk.level(change.after)}"
        statements.append(say(wording.closed(f"{step}，原因是{why}" if why else step)))
    statements.append(say(_answer(desk, window, event)))
    return para(*statements)


def _answer(desk: Desk, window: Window, event: Event) -> str:
    units = "、".join(desk.unit(d) for d in event.departments)
    who = f"责任单位为{units}，" if units else "责任单位待定，"
    if event.answered_at is not None and event.answered_at < window.until:
        return f"{who}{desk.hour(event.answered_at)}首次发布权威回应。"
    return f"{who}截至{desk.hour(window.until)}系统未发现权威回应。"


def _table(desk: Desk, found: list[Matter], caption: str) -> Table:
    return Table(
        caption=caption,
        columns=("事件", "等级", "专题", "信息量（条）", "负面（条）", "责任单位"),
        rows=tuple(
            (
                wording.cut(m.event.title, 40),
                desk.word(m.level),
                words.topic_name(desk.office, m.event.topic),
                m.documents,
                m.negative,
                words.department_name(desk.office, next(iter(m.event.departments), None)),
            )
            for m in found
        ),
        widths=(4, 1.3, 1.5, 1.3, 1.2, 1.8),
    )
