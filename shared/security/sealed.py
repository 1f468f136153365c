"""Files sealed with a passphrase: scrypt (RFC 7914) for the key, AES-256-GCM (NIST SP 800-38D) for the content."""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from shared.domain.errors import ForbiddenError

SALT_BYTES = 16
MIN_PASSPHRASE_CHARACTERS = 12
_NONCE_BYTES = 12
_COST = 2**15
"""scrypt's N with r = 8, p = 1: 32 MiB, a tenth of a second."""


@dataclass(frozen=True, slots=True)
class Seal:
    """One key, for one backup."""

    key: bytes

    @classmethod
    def of(cls, passphrase: str, salt: bytes) -> Seal:
        """Derive the key.

        Raises:
            ForbiddenError: If the passphrase is short enough to be guessed.
        """
        if len(passphrase) < MIN_PASSPHRASE_CHARACTERS:
            raise ForbiddenError(f"a passphrase has at least {MIN_PASSPHRASE_CHARACTERS} characters")
        return cls(Scrypt(salt=salt, length=32, n=_COST, r=8, p=1).derive(passphrase.encode()))

    def close(self, content: bytes, name: str) -> bytes:
        """Return the sealed content, bound to ``name``."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self.key).encrypt(nonce, content, name.encode())

    def open(self, content: bytes, name: str) -> bytes:
        """Return what was sealed under ``name``.

        Raises:
            ForbiddenError: If the passphrase is another one, or content or name were changed.
        """
        try:
            return AESGCM(self.key).decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError):
            raise ForbiddenError(f"{name} cannot be opened: another passphrase, or somebody changed it") from None

    def mark(self, content: bytes) -> str:
        """Return a mark (HMAC-SHA256, hexadecimal) that nobody makes without the passphrase."""
        return hmac.digest(self.key, b"oncorelay manifest" + content, "sha256").hex()
