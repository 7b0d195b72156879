"""Texts, search and counts on SQLite + FTS5.

    put   StoredDocument ─describe→ Row (marks, tokens, digest) ─write→ doc · body · fts · link · roll, one transaction
    ask   DocumentQuery ─plan→ Plan (FTS5 expression, range of n) ─→ rows, totals, histogram, facets

The whole trick is the key: `n = at in milliseconds << 20 | a number within the millisecond`. Newest first, ranges of
time and histograms then need nothing but the rowids of the index. Filters are further tokens in the same index.
"""

from storage.documents.sqlite import SqliteDocuments

__all__ = ["SqliteDocuments"]
