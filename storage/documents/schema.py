"""Tables of the document file, as an append-only list of steps; `PRAGMA user_version` counts those done."""

import sqlite3

from storage.ports import StoreError

#: every sign that may stand in a token besides letters and digits; the `ascii` tokenizer takes all of the rest of
#: Unicode as token characters, folds nothing beyond A-Z and splits at blanks: what Elasticsearch's `whitespace` does.
_SIGNS = "".join(chr(c) for c in range(33, 127) if not chr(c).isalnum())


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_STEP_1 = f"""
CREATE TABLE doc (
    n INTEGER PRIMARY KEY,       -- see storage.documents
    id TEXT NOT NULL UNIQUE,
    came INTEGER NOT NULL,       -- first fetched_at, ms: retention
    seen INTEGER NOT NULL,       -- fetched_at of the present title and text, ms
    url TEXT,
    event TEXT,
    duplicate TEXT,              -- id of the first with nearly the same text
    class INTEGER NOT NULL,      -- 1 = duplicate, 2 = historic, 3 = both
    spread INTEGER NOT NULL,     -- likes + comments + reposts
    version INTEGER NOT NULL,
    digest BLOB NOT NULL,        -- of everything that makes a put an update
    words BLOB NOT NULL,         -- digest of title and text
    marks TEXT NOT NULL          -- numbers of the values in `link`, as indexed
);
CREATE INDEX doc_url ON doc (url) WHERE url IS NOT NULL;
CREATE INDEX doc_event ON doc (event, n) WHERE event IS NOT NULL;
CREATE INDEX doc_came ON doc (came, class);
CREATE INDEX doc_spread ON doc (spread, n);
CREATE TABLE body (n INTEGER PRIMARY KEY, packed BLOB NOT NULL);
CREATE TABLE earlier (
    id TEXT NOT NULL, version INTEGER NOT NULL, seen INTEGER NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (id, version)
) WITHOUT ROWID;
CREATE TABLE value (v INTEGER PRIMARY KEY, field INTEGER NOT NULL, text TEXT NOT NULL, UNIQUE (field, text));
CREATE TABLE link (field INTEGER NOT NULL, n INTEGER NOT NULL, v INTEGER NOT NULL, PRIMARY KEY (field, n, v))
    WITHOUT ROWID;
CREATE TABLE roll (
    field INTEGER NOT NULL, v INTEGER NOT NULL, class INTEGER NOT NULL, hour INTEGER NOT NULL,
    docs INTEGER NOT NULL, negative INTEGER NOT NULL,
    PRIMARY KEY (field, v, class, hour)
) WITHOUT ROWID;
CREATE VIRTUAL TABLE fts USING fts5 (
    tokens, content='', columnsize=0, tokenize={_quoted("ascii tokenchars " + _quoted(_SIGNS))}
);
INSERT INTO fts (fts, rank) VALUES ('automerge', 8);
INSERT INTO fts (fts, rank) VALUES ('crisismerge', 16);
"""

#: what came and went, batch by batch, so that a process that holds columns in memory reads only what changed
_STEP_2 = """
CREATE TABLE moved (seq INTEGER PRIMARY KEY, keys BLOB NOT NULL);  -- keys: little-endian 64-bit `doc.n`
"""

STEPS = (_STEP_1, _STEP_2)
APPLICATION_ID = 0x4D5348  #: "MSH": another program's SQLite file is not ours


def upgrade(db: sqlite3.Connection, path: str) -> None:
    """Bring the tables to the newest step, under SQLite's write lock; StoreError for a newer file or a foreign one."""
    db.execute("BEGIN IMMEDIATE")
    try:
        done = db.execute("PRAGMA user_version").fetchone()[0]
        owner = db.execute("PRAGMA application_id").fetchone()[0]
        tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if done > len(STEPS):
            raise StoreError(
                f"{path} 由更新版本的程序写成（第 {done} 版，本程序只认识到第 {len(STEPS)} 版）：请升级程序"
            )
        if tables and owner != APPLICATION_ID:
            raise StoreError(f"{path} 不是本系统的文档库：请检查数据文件夹的设置，或移走这个文件")
        for step in STEPS[done:]:
            _run(db, step)
        db.execute(f"PRAGMA user_version = {len(STEPS)}")
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _run(db: sqlite3.Connection, script: str) -> None:
    """`executescript` would commit first; so statement by statement."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            db.execute(statement)
            statement = ""
