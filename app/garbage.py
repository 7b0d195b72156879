"""When the collection of garbage may walk through what a process holds. References are counted all the same: this is
about cycles only, and rows, rules and models hold none."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


def keep_loaded() -> None:
    """What is loaded now stays: no later collection need walk it again.

    Half a million objects of a county's words, rules and grouping index cost the understanding of posts a quarter of
    its time otherwise (docs/measurements.md).
    """
    gc.collect()
    gc.freeze()


@contextmanager
def uncollected() -> Iterator[None]:
    """Ten thousand tasks and their messages hold no cycle, but every collection walks through them all: a third of the
    time of a full minute. What other threads leave meanwhile is collected afterwards."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
