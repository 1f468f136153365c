"""Pinned slides as files a reader may open: where they lie, that they are what was pinned, and the jail."""

from __future__ import annotations

import errno
import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from shared.domain.case import PinnedInstance, Pins
from shared.domain.errors import (
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    OutOfResourcesError,
    UnavailableError,
)
from shared.pathology.trouble import SlideTrouble, SlideTroubleError
from shared.slides.identity import changed, identity
from shared.storage.blobs import LocalBlobs
from shared.storage.ranges import place_of
from shared.storage.regular import GONE, pieces

if TYPE_CHECKING:
    from shared.jail.slide_session import SlideSession
    from shared.jail.slides import JailedSlides

_STEP = 1 << 22
_TOGETHER = "slide-"
_LEAST_FREE = 256 << 20
"""Bytes of disk that are left alone when a DICOM slide is put together."""
REPLACED = "the slide was replaced, or written to, since it was submitted"


class Reader:
    """The jail, started when the first slide comes; one slide at a time, its children ended after each."""

    def __init__(self) -> None:
        self._jailed: JailedSlides | None = None

    def __call__(self, paths: Sequence[Path]) -> SlideSession:
        """Return a session; its owner closes it."""
        if self._jailed is None:
            from shared.jail.slides import JailedSlides  # only a worker that reads slides loads it

            self._jailed = JailedSlides()
        return self._jailed.open(paths)

    def close(self) -> None:
        """End its children."""
        if self._jailed is not None:
            self._jailed.close()


@dataclass(frozen=True, slots=True)
class PinnedSlides:
    """``Slides`` over the scanners' folders, the cache, and the blob store; nothing outside these is opened."""

    folders: tuple[Path, ...]
    """Where slides that came as files may lie: ``Site.slide_folders`` and ``Site.slide_cache``."""
    blobs: LocalBlobs
    scratch: Path
    """DICOM slides are put together below it, and removed after reading."""
    reader: Reader = field(default_factory=Reader)

    @contextmanager
    def opened(self, pins: Pins) -> Iterator[SlideSession]:
        """Give the slide, once its files were found to be those that were pinned.

        Raises:
            UnavailableError: If a file was replaced, is gone, or cannot be read now.
            OutOfResourcesError: If there is no room to put a DICOM slide together.
            ForbiddenError: If a file lies outside the folders of slides.
            SlideTroubleError: If a file is gone, or is none.
            TemporaryError: If no child can be started.
        """
        self._clear()
        with ExitStack() as stack:
            stored = all(one.sop_class_uid for one in pins.instances)  # as Study.in_dicom: else they came as files
            if stored:
                paths = stack.enter_context(self._together(pins.instances))
            else:
                paths = tuple(self._within(one) for one in pins.instances)
            before = identity(paths)
            if isinstance(before, SlideTrouble):
                raise SlideTroubleError(before)
            for one, path in zip(pins.instances, paths, strict=True):
                if not stored and _sha256(path) != one.content_digest:
                    raise UnavailableError(f"{REPLACED}: it is read again once it is submitted again")
            session = stack.enter_context(self.reader(paths))
            if changed(paths, before):  # between its digest and its session, which watches it from now on
                raise UnavailableError(REPLACED)
            yield session

    def _clear(self) -> None:
        """Remove what a worker that was killed had put together: who opens a slide is the only one who reads any."""
        for left in self.scratch.glob(f"{_TOGETHER}*"):
            shutil.rmtree(left, ignore_errors=True)

    def _within(self, one: PinnedInstance) -> Path:
        """Return the place of a file that lies where slides may lie."""
        path = place_of(one.blob_uri).path
        within = [folder for folder in self.folders if path.resolve().is_relative_to(folder.resolve())]
        if not within:
            raise ForbiddenError("a slide outside the site's folders of slides was refused")
        return path

    @contextmanager
    def _together(self, instances: Sequence[PinnedInstance]) -> Iterator[tuple[Path, ...]]:
        """Put the instances of a pyramid into one folder, the largest first; they are gone afterwards."""
        try:
            self.scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryDirectory(prefix=_TOGETHER, dir=self.scratch) as folder:
                paths = [self._copied(one, Path(folder) / f"{at:04d}.dcm") for at, one in enumerate(instances)]
                yield tuple(sorted(paths, key=lambda path: -path.stat().st_size))
        except OSError as error:
            raise _translated(error) from None

    def _copied(self, one: PinnedInstance, target: Path) -> Path:
        try:
            place = self.blobs.place(one.blob_uri)
            size = place.size()
        except (NotFoundError, InvalidInputError):
            raise NotFoundError("stored object", "of the slide") from None
        if shutil.disk_usage(self.scratch).free - size < _LEAST_FREE:
            raise OutOfResourcesError("too little disk is free to put a DICOM slide together")
        with place.open() as source, target.open("xb") as copy:
            shutil.copyfileobj(source, copy, _STEP)
        return target


def _sha256(path: Path) -> str:
    """Return the digest of a regular file; a link is none.

    Raises:
        UnavailableError: If it is not there, or cannot be read now.
    """
    digest = hashlib.sha256()
    try:
        for piece in pieces(path):
            digest.update(piece)
    except OSError as error:
        raise _translated(error) from None
    return digest.hexdigest()


def _translated(error: OSError) -> Exception:
    """Return our error; the text of the system's names the file, and a slide's name may name a patient."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return OutOfResourcesError("the disk is full: a DICOM slide cannot be put together")
    if error.errno in GONE:
        return UnavailableError("a file of the slide is not there any more")
    return UnavailableError(f"a file of the slide cannot be read now ({errno.errorcode.get(error.errno or 0, 'EIO')})")
