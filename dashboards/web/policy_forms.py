"""What is filled in on the forms of a policy, read and checked; PolicyRefused says what is wrong."""

from datetime import date

from alerts.calendar import local
from alerts.policies import Consultation, Trigger, consultation_problems
from dashboards.policies import PolicyRefused
from dashboards.web.visit import Visit
from dashboards.words import web_address

TRIGGERS = 3


def today(visit: Visit) -> date:
    """The office's own date."""
    return local(visit.now, visit.office).date()


def trigger(visit: Visit, number: int) -> Trigger | None:
    """One line of the 预案; None where nothing is filled in. PolicyRefused for half a line."""
    text = visit.text(f"t{number}_text", 500)
    found = [visit.text(f"t{number}_{name}", 6) for name in ("documents", "share", "level", "floor")]
    if not text and not any(found[:3]):
        return None
    if not all(value == "" or value.isdigit() for value in found):
        raise PolicyRefused(f"预案第 {number} 条的数字无法识别")
    documents, share, level, floor = (int(value) if value else None for value in found)
    if not text or (documents, share, level) == (None, None, None):
        raise PolicyRefused(f"预案第 {number} 条须同时写明条件和措施")
    if (share or 0) > 100 or max(level or 0, floor or 0) > len(visit.office.levels):
        raise PolicyRefused(f"预案第 {number} 条的条件超出范围")
    return Trigger(
        code=str(number),
        text=text,
        min_documents=documents,
        min_negative_share=None if share is None else share / 100,
        min_level=level,
        floor=floor or 0,
    )


def consultation(visit: Visit) -> Consultation:
    """征求意见: begin, end and channel, or an exemption with its reason; the outcome where it is known already."""
    begin, end = visit.text("begin", 10), visit.text("end", 10)
    exempt, link = visit.text("exempt", 500), visit.text("link", 1000)
    if exempt and not (begin or end):
        return Consultation(exempt=exempt)
    try:
        first, last = date.fromisoformat(begin), date.fromisoformat(end)
    except ValueError as wrong:
        raise PolicyRefused("请填写征求意见的起止日期（写作 2026-12-01 的样子），或说明不征求意见的理由") from wrong
    short = visit.text("short_reason", 500)
    problems = [] if exempt else consultation_problems(first, last, short)
    if not web_address(link):
        problems.append("请填写公开征求意见的网址")
    opinions, adopted = _number(visit, "opinions"), _number(visit, "adopted")
    uptake = visit.text("uptake", 2000)
    if opinions is not None and (adopted or 0) > opinions:
        problems.append("采纳数不能多于意见数")
    if opinions and not uptake:
        problems.append("请写明意见采纳情况，不采纳的写明理由")
    if opinions is not None and today(visit) <= last:
        problems.append("征求意见尚未截止，意见数待截止后登记")
    if problems:
        raise PolicyRefused("；".join(problems))
    return Consultation(
        begin=first.isoformat(),
        end=last.isoformat(),
        link=link,
        short_reason=short,
        opinions=opinions,
        adopted=adopted or 0,
        uptake=uptake,
        exempt=exempt,
    )


def _number(visit: Visit, name: str) -> int | None:
    """A count; None where nothing is filled in."""
    text = visit.text(name, 7)
    if text and not (text.isascii() and text.isdigit()):
        raise PolicyRefused("意见数和采纳数须为数字")
    return int(text) if text else None
