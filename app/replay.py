"""A recorded stream through the whole pipeline on a simulated clock: what would have been raised, and how early.

    documents ─`replay_prepared`→ understood and grouped, once ─`replay_run`→ levels and changes, as often as one likes
                                                                  └─ truth → `replay_report` → JSON, page

No look-ahead: a document exists from `fetched_at` on, and figures are those it came in with. Every stage is the live
code; only storing, routing and sending are left out (`tests/test_app_replay_live.py` compares both).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from time import perf_counter

from analysis.assess import Assessor
from app.replay_prepared import Prepared, prepare
from app.replay_report import ReplayReport, report
from app.replay_run import run
from app.replay_truth import truth_of
from app.townstream import Incident
from storage.types import Document, Office

__all__ = ["ReplayReport", "grade", "replay", "truth_of"]


def replay(
    rows: Iterable[Document],
    office: Office,
    truth: Sequence[Incident] | None = None,
    *,
    assessor: Assessor | None = None,
    compare_weights: bool = False,
) -> ReplayReport:
    """Run the documents (any order; they are sorted by `fetched_at`) and compare with the truth where there is one.

    A document that cannot be read is counted and left out. compare_weights: also with each factor left out and each
    weight moved by a fifth.
    """
    began = perf_counter()
    prepared = prepare(rows, office, assessor)
    took = perf_counter() - began
    return replace(grade(prepared, office, truth, compare_weights=compare_weights), prepare_seconds=took)


def grade(
    prepared: Prepared, office: Office, truth: Sequence[Incident] | None = None, *, compare_weights: bool = False
) -> ReplayReport:
    """The same from a stream that is understood and grouped already."""
    began = perf_counter()
    found = run(prepared, office)
    took = perf_counter() - began
    return replace(report(prepared, found, office, truth, compare_weights=compare_weights), run_seconds=took)
