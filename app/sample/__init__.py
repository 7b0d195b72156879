"""The sample town: a small made-up site on loopback, so that the board is alive without internet."""

from app.sample.site import create_sample, run, serve
from app.sample.timeline import Item, timeline

__all__ = ["Item", "create_sample", "run", "serve", "timeline"]
