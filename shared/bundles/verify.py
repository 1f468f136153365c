"""From an untrusted folder to a verified manifest and graph: signature first, then every byte."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from shared.bundles.errors import BundleRefusedError
from shared.bundles.keys import TrustedKeys
from shared.bundles.manifest import MANIFEST_NAME, SIGNATURE_NAME, Manifest
from shared.domain.prediction import BundleReference

MAX_MANIFEST_BYTES = 4 * 1024 * 1024
MAX_FILE_BYTES = 1024 * 1024 * 1024
SIGNATURE_BYTES = 64

REINSTALL = "install the bundle again from where it was published"


@dataclass(frozen=True, slots=True)
class Verified:
    """A bundle whose every byte was checked; ``files`` holds exactly the bytes that were."""

    folder: Path
    manifest: Manifest
    digest: str
    """sha256 (hex) of ``bundle.json``."""
    signer: str
    """File name of the trusted key that signed it."""
    files: Mapping[str, bytes]
    """By name, all that the manifest names."""

    @property
    def graph(self) -> bytes:
        """Return the graph that answers."""
        return self.files[self.manifest.graph]

    @property
    def reference(self) -> BundleReference:
        """Return what a prediction says about the model that made it."""
        return BundleReference(self.manifest.id, self.manifest.version, self.digest, self.manifest.intended_use)


def verify(folder: Path, keys: TrustedKeys) -> Verified:
    """Check signature, manifest, file list and every sha256 of the bundle in ``folder``.

    Raises:
        BundleRefusedError: If anything is missing, extra, altered, or not signed by a trusted key.
    """
    content = _read(folder, MANIFEST_NAME, MAX_MANIFEST_BYTES)
    signer = _signer(folder, content, keys)
    manifest = _parse(folder, content)
    if manifest.id != folder.name:
        raise BundleRefusedError(folder.name, f"it calls itself {manifest.id}", f"name the folder {manifest.id}")
    _refuse_other_files(folder, manifest)
    files = {name: _checked(folder, name, digest) for name, digest in sorted(manifest.files.items())}
    return Verified(folder, manifest, hashlib.sha256(content).hexdigest(), signer, files)


def _read(folder: Path, name: str, limit: int) -> bytes:
    path = folder / name
    if path.is_symlink() or not path.is_file():
        raise BundleRefusedError(folder.name, f"it has no file {name}", REINSTALL)
    if path.stat().st_size > limit:
        raise BundleRefusedError(folder.name, f"{name} is larger than {limit} bytes", REINSTALL)
    return path.read_bytes()


def _signer(folder: Path, content: bytes, keys: TrustedKeys) -> str:
    signature = _read(folder, SIGNATURE_NAME, SIGNATURE_BYTES)
    signer = keys.signer(signature, content)
    if signer:
        return signer
    revoked = keys.revoked_signer(signature, content)
    if revoked:
        remedy = "ask its publisher for a bundle signed with a current key"
        raise BundleRefusedError(folder.name, f"it is signed with the revoked key {revoked}", remedy)
    remedy = f"{REINSTALL}, or put its publisher's public key into the folder of trusted keys"
    raise BundleRefusedError(folder.name, f"{MANIFEST_NAME} is not signed by a trusted key, or was altered", remedy)


def _parse(folder: Path, content: bytes) -> Manifest:
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        remedy = "use a bundle made for this release, or a release that knows this bundle"
        raise BundleRefusedError(
            folder.name, f"{MANIFEST_NAME} is not understood ({where}: {first['msg']})", remedy
        ) from error


def _refuse_other_files(folder: Path, manifest: Manifest) -> None:
    expected = set(manifest.files) | {MANIFEST_NAME, SIGNATURE_NAME}
    extra = sorted(path.name for path in folder.iterdir() if path.name not in expected)
    if extra:
        raise BundleRefusedError(folder.name, f"it holds {extra[0]}, which its manifest does not name", REINSTALL)


def _checked(folder: Path, name: str, digest: str) -> bytes:
    content = _read(folder, name, MAX_FILE_BYTES)
    if hashlib.sha256(content).hexdigest() != digest:
        raise BundleRefusedError(folder.name, f"{name} was altered (its sha256 differs)", REINSTALL)
    return content
