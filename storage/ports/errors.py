"""What a store may raise.

StoreError ── StaleVersion
          └─ AlreadyRunning
"""


class StoreError(Exception):
    """A store cannot do what was asked now (locked, full, away). The message says what to do."""


class StaleVersion(StoreError):
    """Somebody else changed the row first; nothing was overwritten."""


class AlreadyRunning(StoreError):
    """Another process owns this data folder or this job."""
