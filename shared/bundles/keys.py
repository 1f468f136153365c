"""Public keys that may sign bundles, and those that may no longer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from shared.domain.errors import InvalidInputError

SHIPPED_KEYS = Path(__file__).parent / "trusted"
"""Folder with the key of the demonstration bundles."""

REVOKED_SUFFIX = ".revoked.pem"
"""A key file renamed to end so is kept and no longer trusted: its bundles are refused by that name."""


@dataclass(frozen=True, slots=True)
class TrustedKeys:
    """Keys by file name."""

    trusted: tuple[tuple[str, Ed25519PublicKey], ...] = ()
    revoked: tuple[tuple[str, Ed25519PublicKey], ...] = ()

    def signer(self, signature: bytes, content: bytes) -> str:
        """Return the name of the trusted key that signed ``content``; empty when none did."""
        if self.revoked_signer(signature, content):
            return ""
        return _signer(self.trusted, signature, content)

    def revoked_signer(self, signature: bytes, content: bytes) -> str:
        """Return the name of the revoked key that signed ``content``; empty when none did."""
        return _signer(self.revoked, signature, content)


def load_keys(folders: Iterable[Path]) -> TrustedKeys:
    """Read every ``*.pem`` of ``folders``; a folder that does not exist holds none.

    Raises:
        InvalidInputError: If a file is no Ed25519 public key; names it.
    """
    files = [path for folder in folders if folder.is_dir() for path in sorted(folder.glob("*.pem"))]
    revoked = tuple((path.name, _read(path)) for path in files if path.name.endswith(REVOKED_SUFFIX))
    trusted = tuple((path.name, _read(path)) for path in files if not path.name.endswith(REVOKED_SUFFIX))
    return TrustedKeys(trusted, revoked)


def _read(path: Path) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, TypeError) as error:
        raise InvalidInputError(path.name, "is not a readable public key (PEM); remove it or replace it") from error
    if not isinstance(key, Ed25519PublicKey):
        raise InvalidInputError(path.name, "is not an Ed25519 key; bundles are signed with Ed25519 only")
    return key


def _signer(keys: tuple[tuple[str, Ed25519PublicKey], ...], signature: bytes, content: bytes) -> str:
    return next((name for name, key in keys if _verifies(key, signature, content)), "")


def _verifies(key: Ed25519PublicKey, signature: bytes, content: bytes) -> bool:
    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True
