"""Where a command gets its two stores. Apart from `app.console`, because commands without a store should start fast."""

import os
from pathlib import Path

from analysis.words import segment
from app.config import Config
from app.console import fail
from app.folder import Folder, open_folder
from storage.open import open_stores
from storage.ports import DocumentStore, Ledger, StoreError


def stores(config: Config, data: Path) -> tuple[Folder, DocumentStore, Ledger]:
    """The folder and both stores; the environment wins over office.toml, office.toml over the embedded files."""
    try:
        folder = open_folder(data)
        documents, ledger = open_stores(
            folder.path,
            segment=segment,
            documents_url=os.environ.get("MINSHENG_DOCUMENTS") or config.documents_url or None,
            ledger_url=os.environ.get("MINSHENG_LEDGER") or config.ledger_url or None,
        )
    except StoreError as error:
        fail(str(error))
    return folder, documents, ledger
