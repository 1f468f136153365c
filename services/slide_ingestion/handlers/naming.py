"""UIDs of slides that came without: derived with the site's key, because an accession number can be guessed."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Names:
    """Derives names with a key; the same parts give the same name for ever."""

    site_id: str
    secret: bytes

    def uid(self, *parts: str) -> str:
        """Return a UID below 2.25 (PS3.5 B.2)."""
        return f"2.25.{uuid.UUID(bytes=self._digest(parts)[:16], version=5).int}"

    def mark(self, *parts: str) -> str:
        """Return 64 hex digits that say nothing without the key."""
        return self._digest(parts).hex()

    def _digest(self, parts: tuple[str, ...]) -> bytes:
        return hmac.new(self.secret, json.dumps([self.site_id, *parts]).encode(), hashlib.sha256).digest()
