"""One-time login links: only the hash of the token is kept."""

import hashlib
import secrets
from datetime import datetime, timedelta

from storage.ports import Ledger


def new_link(ledger: Ledger, user: str, base_url: str, now: datetime, valid: timedelta) -> str:
    """A link that logs `user` in once until `now + valid`."""
    token = secrets.token_urlsafe(24)
    with ledger.begin() as tx:
        tx.users.add_link(hashlib.sha256(token.encode()).hexdigest(), user, now + valid)
    return f"{base_url.rstrip('/')}/login/{token}"
