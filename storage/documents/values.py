"""Numbers for the values that documents are filtered and counted by (`value` table)."""

import sqlite3
from collections.abc import Sequence

from storage.documents.rows import FIELDS

_MOST = 200_000  #: texts held in memory; keywords would otherwise grow without end

Named = tuple[int, str]  #: (field number, text)


class Values:
    """The dictionary with a cache that only knows what was committed."""

    def __init__(self) -> None:
        self._known: dict[Named, int] = {}

    def find(self, db: sqlite3.Connection, field: int, texts: Sequence[str]) -> list[int]:
        """Numbers of those texts that exist."""
        found: list[int] = []
        for text in dict.fromkeys(texts):
            number = self._known.get((field, text)) or self._look_up(db, (field, text))
            if number is not None:
                found.append(number)
        return found

    def numbers(self, db: sqlite3.Connection, fresh: dict[Named, int], wanted: Sequence[Named]) -> list[int]:
        """The numbers of values, given now where they are new; new ones go into `fresh` until `keep`."""
        known = self._known
        return [known.get(named) or fresh.get(named) or _give_number(db, fresh, named) for named in wanted]

    def keep(self, fresh: dict[Named, int]) -> None:
        """Remember numbers whose transaction was committed."""
        if len(self._known) + len(fresh) > _MOST:
            self._known = {}
        self._known.update(fresh)

    def _look_up(self, db: sqlite3.Connection, named: Named) -> int | None:
        row = db.execute("SELECT v FROM value WHERE field = ? AND text = ?", named).fetchone()
        if row is None:
            return None
        if named[0] != FIELDS["keyword"]:
            self.keep({named: row[0]})
        return int(row[0])


def _give_number(db: sqlite3.Connection, fresh: dict[Named, int], named: Named) -> int:
    db.execute("INSERT INTO value (field, text) VALUES (?, ?) ON CONFLICT DO NOTHING", named)
    row = db.execute("SELECT v FROM value WHERE field = ? AND text = ?", named).fetchone()
    number = fresh[named] = int(row[0])
    return number
