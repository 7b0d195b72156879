"""The nightly check that rollups equal a recount, and setting right those that do not."""

import sqlite3

from storage.documents.rows import ALL, FIELDS, ROLLED, TIE_BITS
from storage.documents.write import HOUR

_MOST = 100  #: differences named
_SHIFT = HOUR * 2_000_000

_FRESH = f"""
WITH negative AS (
    SELECT n FROM link WHERE field = {FIELDS["sentiment"]}
    AND v = (SELECT v FROM value WHERE field = {FIELDS["sentiment"]} AND text = 'negative')
), marked AS (
    SELECT {ALL} AS field, 0 AS v, n FROM doc
    UNION ALL SELECT field, v, n FROM link
    WHERE field IN ({",".join(str(FIELDS[name]) for name in sorted(ROLLED))})
)
SELECT field, v, class, ((doc.n >> {TIE_BITS}) + {_SHIFT}) / {HOUR} - {_SHIFT // HOUR} AS hour,
    count(*) AS docs, sum(doc.n IN negative) AS negative
FROM marked JOIN doc USING (n) GROUP BY 1, 2, 3, 4
"""
_RECOUNT = f"""
SELECT field, v, class, hour, max(kept), max(counted) FROM (
    SELECT field, v, class, hour, docs || '/' || negative AS kept, '' AS counted FROM roll
    UNION ALL SELECT field, v, class, hour, '', docs || '/' || negative FROM ({_FRESH})
) GROUP BY 1, 2, 3, 4 HAVING max(kept) <> max(counted) LIMIT {_MOST}
"""


def recount(db: sqlite3.Connection) -> list[str]:
    """Rollup rows that differ from the documents, as sentences (at most 100); empty = all right."""
    return [
        f"汇总与明细不符：字段 {field} 值 {v} 类 {kind} 时段 {hour}：汇总 {kept or '无'}，重数 {counted or '无'}"
        for field, v, kind, hour, kept, counted in db.execute(_RECOUNT)
    ]


def mend(db: sqlite3.Connection) -> None:
    """Rollups as a recount has them; in the caller's transaction."""
    db.execute("DELETE FROM roll")
    db.execute(f"INSERT INTO roll (field, v, class, hour, docs, negative) {_FRESH}")
