"""HMAC secrets: what is derived from who somebody is, and when, can be guessed without one."""

from __future__ import annotations

import secrets
from pathlib import Path

from shared.domain.errors import InvalidInputError

SECRET_BYTES = 32


def read_secret(path: Path) -> bytes:
    """Return an HMAC secret.

    Raises:
        InvalidInputError: If there is none, or it is shorter than 32 bytes.
    """
    try:
        secret = bytes.fromhex(path.read_text().strip())
    except (OSError, ValueError):
        secret = b""
    if len(secret) < SECRET_BYTES:
        remedy = "`oncorelay up` makes one, or: python -c 'import secrets; print(secrets.token_hex(32))'"
        raise InvalidInputError(str(path), f"this secret must be at least 64 hex digits ({remedy})")
    return secret


def make_secret(path: Path) -> None:
    """Write a new secret, readable by its owner only, unless one is there."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(secrets.token_hex(SECRET_BYTES) + "\n")
