"""One document: its masked text, how it was understood and why, and a person's word against the machine's."""

from dataclasses import replace
from urllib.parse import quote
from uuid import uuid4

from fastapi import HTTPException
from starlette.responses import Response

from dashboards.corrections import CORRECTABLE, corrected, machine_word, member_right, taken_back
from dashboards.decisions import Decision, decide
from dashboards.web.rendering import address
from dashboards.web.visit import Here
from storage.ports import Transaction
from storage.types import Assessment, Correction, StoredDocument


def visible(visit: Here, tx: Transaction, document_id: str) -> StoredDocument:
    """The document if this user may see it: city-wide roles, the department's own, or of an event of theirs."""
    rows = visit.site.documents.get([document_id])
    if not rows:
        raise HTTPException(404, "没有这条信息，或它不属于您的部门。")
    row, scope = rows[0], visit.scope
    if scope is None or any(guess.id == scope for guess in row.assessment.departments):
        return row
    if row.event and tx.tasks.find(event=row.event, department=scope, size=1)[1]:
        return row
    raise HTTPException(404, "没有这条信息，或它不属于您的部门。")


def one(visit: Here, document_id: str) -> Response:
    """The page of one document."""
    with visit.site.ledger.read() as tx:
        row = visible(visit, tx, document_id)
        corrections = tx.notes.corrections(document=row.document.id, live_only=False)
        event = tx.events.get([row.event]).get(row.event) if row.event else None
    first = visit.site.documents.get([row.duplicate_of]) if row.duplicate_of else []
    return visit.page(
        "document.html",
        row=row,
        document=row.document,
        seen=row.assessment,
        event=event,
        first=first[0] if first else None,
        versions=visit.site.documents.versions(row.document.id),
        corrections=corrections,
        pieces=marked(row.document.text, row.assessment),
    )


def marked(text: str, seen: Assessment) -> list[tuple[str, str]]:
    """The text in pieces (words, class): topic words and words that weigh for the sentiment are marked.

    Pieces together are the text again; overlapping words: the longest first, then the earliest.
    """
    wanted = {word: "topic" for hit in seen.topics for word in hit.words if word}
    wanted |= {word: "mood" for word, _ in seen.sentiment.spans[:12] if word and word not in wanted}
    spots: list[tuple[int, int, str]] = []
    for word in sorted(wanted, key=len, reverse=True)[:60]:
        start = text.find(word)
        while start >= 0 and len(spots) < 400:
            end = start + len(word)
            if all(end <= s or start >= e for s, e, _ in spots):
                spots.append((start, end, wanted[word]))
            start = text.find(word, end)
    pieces, at = [], 0
    for start, end, kind in sorted(spots):
        pieces += [(text[at:start], ""), (text[start:end], kind)]
        at = end
    return [piece for piece in (*pieces, (text[at:], "")) if piece[0]]


def correct(visit: Here, document_id: str) -> Response:
    """POST: sentiment, department or 「ours」 as the person sees it; kept as a labelled row, undoable."""
    field, value = visit.text("field", 20), visit.text("value", 64)
    if field not in CORRECTABLE:
        raise HTTPException(422, "此项不能更正。")
    with visit.site.ledger.begin() as tx:
        row = visible(visit, tx, document_id)
        machine = machine_word(row.assessment, field)
        try:
            seen = corrected(visit.office, row.assessment, field, value)
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        for old in tx.notes.corrections(document=row.document.id):
            if old.field == field:
                machine = old.machine
                tx.notes.undo_correction(old.id, visit.now)
        tx.notes.add_correction(
            Correction(
                id=uuid4().hex,
                document=row.document.id,
                field=field,
                machine=machine,
                person=value,
                who=visit.user.name,
                at=visit.now,
            )
        )
        visit.record(tx, "document.correct", f"document:{row.document.id}", before=machine, after=f"{field}={value}")
        let_count(tx, row, seen)
    visit.site.documents.put([replace(row, assessment=seen)])
    if field == "department" and row.event and (elsewhere := task_elsewhere(visit, row.event, value)) is not None:
        return visit.go(address(f"/tasks/{quote(elsewhere, safe='')}", to=value), "redispatch")
    return visit.go(back(visit, row), "corrected")


def let_count(tx: Transaction, row: StoredDocument, seen: Assessment) -> None:
    """The person's word counts for the event: its figures at once, score and level by the next evaluation."""
    before = tx.events.known([row.document.id]).get(row.document.id)
    right = member_right(before, seen) if before is not None else None
    if before is None or right is None or right == before:
        return
    tx.events.add_members([right])
    event = tx.events.get([before.event]).get(before.event)
    if event is not None:
        tx.events.change(replace(event, negative=event.negative + right.negative - before.negative))
        decide(tx, Decision(kind="regrade", event=event.id))


def task_elsewhere(visit: Here, event: str, department: str) -> str | None:
    """The open task of the event that lies with another department and can still be handed on, for the offer to."""
    if not department:
        return None
    with visit.site.ledger.read() as tx:
        open_tasks, _ = tx.tasks.find(event=event, states=("confirm", "dispatched", "signed", "verifying"), size=50)
    leads = [task for task in open_tasks if task.role == "lead" and task.department != department]
    return leads[0].id if leads else None


def undo(visit: Here, document_id: str) -> Response:
    """POST: take a correction back; the machine's word stands again."""
    with visit.site.ledger.begin() as tx:
        row = visible(visit, tx, document_id)
        wanted = visit.text("correction", 64)
        live = {c.id for c in tx.notes.corrections(document=row.document.id)}
        if wanted not in live:
            raise HTTPException(422, "此更正已被撤销。")
        gone = tx.notes.undo_correction(wanted, visit.now)
        visit.record(tx, "document.undo", f"document:{row.document.id}", after=wanted)
        seen = row.assessment
        if gone is not None and gone.field in CORRECTABLE:
            seen = taken_back(visit.office, seen, gone.field, gone.machine)
            let_count(tx, row, seen)
    if seen is not row.assessment:
        visit.site.documents.put([replace(row, assessment=seen)])
    return visit.go(back(visit, row), "undone")


def back(visit: Here, row: StoredDocument) -> str:
    """Where the page of the document is, as an address."""
    path = visit.request.url.path
    return path.removesuffix("/correct").removesuffix("/undo")
