"""A content-addressed blob store on a local folder; the same calls over fsspec serve other backends later."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BufferedReader
from pathlib import Path

from shared.domain.errors import ForbiddenError, InvalidInputError, NotFoundError
from shared.storage.ranges import Mapped, Place, place_of


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

    def place(self, uri: str) -> Place:
        """Return where the bytes of ``uri`` lie.

        Raises:
            ForbiddenError: If the URI points outside the store, or is not the URI of a file.
            NotFoundError: If there is nothing at it.
        """
        try:
            place = place_of(uri)
        except InvalidInputError as error:
            raise ForbiddenError(str(error)) from error
        path = place.path.resolve()
        if not path.is_relative_to(self.root.resolve()):
            raise ForbiddenError("a blob URI outside the blob store was refused")
        if not path.is_file():
            raise NotFoundError("blob", path.name)
        return replace(place, path=path)

    def path(self, uri: str) -> Path:
        """Return the local path of a blob that is a file of its own.

        Raises:
            ForbiddenError: As ``place``, and for a range: its file holds other objects as well.
            NotFoundError: As ``place``.
        """
        place = self.place(uri)
        if place.length is not None:
            raise ForbiddenError("a range of a file has no path of its own")
        return place.path

    def open(self, uri: str) -> BufferedReader:
        """Open the bytes of ``uri``, and nothing around them, for reading; the caller closes it.

        Raises:
            ForbiddenError: As ``place``.
            NotFoundError: As ``place``, and where the file ends before the range does.
        """
        with _whole():
            return self.place(uri).open()

    def read(self, uri: str) -> bytes:
        """Return the bytes of ``uri``; errors as ``open``."""
        with self.open(uri) as stream:
            return stream.read()

    @contextmanager
    def mapped(self, uri: str) -> Iterator[Mapped]:
        """Map the bytes of ``uri`` into memory; errors as ``open``, and where there are none."""
        with _whole(), self.place(uri).mapped() as mapped:
            yield mapped


@contextmanager
def _whole() -> Iterator[None]:
    try:
        yield
    except InvalidInputError as error:
        raise NotFoundError("blob", f"({error.reason})") from error


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
