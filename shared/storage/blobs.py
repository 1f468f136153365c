"""A content-addressed blob store on a local folder; the same calls over fsspec serve other backends later."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from shared.domain.errors import ForbiddenError, NotFoundError


@dataclass(frozen=True, slots=True)
class LocalBlobs:
    """Blobs below one folder; nothing outside it is ever opened."""

    root: Path

    def put(self, content: bytes) -> tuple[str, str]:
        """Store ``content`` durably (file and directory synced); return its URI and sha256 (hex)."""
        digest = hashlib.sha256(content).hexdigest()
        target = self.root / digest[:2] / digest
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            write_durably(target, content)
        return target.absolute().as_uri(), digest

    def path(self, uri: str) -> Path:
        """Return the local path of ``uri``.

        Raises:
            ForbiddenError: If the URI points outside the store.
            NotFoundError: If there is nothing at it.
        """
        parts = urlsplit(uri)
        path = Path(unquote(parts.path)).resolve()
        if parts.scheme != "file" or not path.is_relative_to(self.root.resolve()):
            raise ForbiddenError("a blob URI outside the blob store was refused")
        if not path.is_file():
            raise NotFoundError("blob", path.name)
        return path


def write_durably(target: Path, content: bytes) -> None:
    """Write ``target`` so that it is whole and on disk when this returns, or not there at all."""
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Flush a directory entry to disk (a rename is durable only after this)."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
