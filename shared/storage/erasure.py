"""Removing stored objects: a whole file, or one range of a file that others share."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from shared.domain.errors import ForbiddenError, InvalidInputError
from shared.storage.artefacts import SCHEME, artefact_store
from shared.storage.blobs import sync_folder
from shared.storage.ranges import Place


@dataclass(frozen=True, slots=True)
class BlobEraser:
    """Erases blobs below one folder; nothing outside it is ever touched."""

    root: Path

    def __call__(self, uri: str) -> None:
        """Erase what lies at ``uri``, durably; nothing there is nothing to do.

        ``file:///x`` is unlinked. Of ``file:///x?offset=O&length=L`` the range reads as zeros afterwards, because the
        rest of the file belongs to other patients. ``artefacts:CASE_ID`` is everything stored beside a case's answers.

        Raises:
            ForbiddenError: If the URI points outside the store.
            InvalidInputError: If its range is none.
        """
        parts = urlsplit(uri)
        if parts.scheme == SCHEME:
            _remove_folder(artefact_store(self.root, parts.path).root)
            return
        path = Path(unquote(parts.path)).resolve()
        if parts.scheme != "file" or not path.is_relative_to(self.root.resolve()):
            raise ForbiddenError("a blob URI outside the blob store was refused")
        if not path.is_file():
            return
        if parts.query:
            _overwrite(path, *_range(parts.query))
            return
        path.unlink()
        sync_folder(path.parent)


def _remove_folder(folder: Path) -> None:
    if folder.is_dir():
        shutil.rmtree(folder)
        sync_folder(folder.parent)


def _range(query: str) -> tuple[int, int]:
    stated = parse_qs(query)
    try:
        offset, length = int(stated["offset"][0]), int(stated["length"][0])
    except (KeyError, ValueError):
        offset = length = -1
    if offset < 0 or length < 0:
        raise InvalidInputError("blob URI", "its range is not offset and length")
    return offset, length


def _overwrite(path: Path, offset: int, length: int) -> None:
    left = min(length, path.stat().st_size - offset)
    if left > 0:
        Place(path, offset, left).erase()
