"""Where the program gets its two stores.

Two files, not one: a batch of documents holds SQLite's only write lock for a tenth of a second and more, and a click
on 签收 must not wait behind it. The ledger stays small enough to copy every hour; documents can be assessed again.
"""

import os
from collections.abc import Callable
from pathlib import Path

from storage.documents import SqliteDocuments
from storage.ledger import open_ledger
from storage.ports import DocumentStore, Ledger, StoreError

DOCUMENTS = "documents.db"
LEDGER = "minsheng.db"


def open_stores(
    data: Path,
    *,
    segment: Callable[[str], str],
    documents_url: str | None = None,
    ledger_url: str | None = None,
    timezone: str = "Asia/Shanghai",
) -> tuple[DocumentStore, Ledger]:
    """Documents and ledger of a data folder, or of the servers that the URLs name.

    StoreError (Chinese, with what to do): folder not writable, not a database, newer schema, server away.
    """
    if documents_url is None or ledger_url is None:
        _check_folder(data)
    ledger = open_ledger(ledger_url or f"sqlite:///{data / LEDGER}")
    try:
        if documents_url is not None:
            return open_documents(documents_url, segment=segment, timezone=timezone), ledger
        return SqliteDocuments(data / DOCUMENTS, segment=segment, timezone=timezone), ledger
    except StoreError:
        ledger.close()
        raise


def open_documents(url: str, *, segment: Callable[[str], str], timezone: str = "Asia/Shanghai") -> DocumentStore:
    """The documents on Elasticsearch, `http(s)://user:password@host:port`."""
    try:  # an extra: an office on one machine need not install the client
        from storage.documents.elastic import ElasticDocuments
    except ModuleNotFoundError as error:
        raise StoreError("没有安装 Elasticsearch 的客户端：请运行 pip install 'minsheng[engines]'") from error
    return ElasticDocuments(url, segment=segment, timezone=timezone)


def _check_folder(data: Path) -> None:
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"数据文件夹 {data} 建不了：请换一个文件夹或检查权限（{error.strerror}）") from error
    if not os.access(data, os.W_OK | os.X_OK):
        raise StoreError(f"数据文件夹 {data} 不可写：请检查权限和所属用户，或换一个文件夹")
