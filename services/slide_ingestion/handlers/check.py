"""Look into the slide that waits longest: its content's digest, what it says of itself, its label's barcode."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from services.slide_ingestion.handlers.judging import JudgeSlides
from services.slide_ingestion.handlers.studies import DICOM_DOOR
from services.slide_ingestion.handlers.verdict import HELD_KIND
from services.slide_ingestion.handlers.whose import names_of, of_file, of_order
from services.slide_ingestion.ports.doors import Door
from services.slide_ingestion.ports.looking import DicomFiles, Looker
from services.slide_ingestion.ports.slides import SlideRow
from services.slide_ingestion.ports.store import Store
from shared.domain.errors import ConflictError, NotFoundError, TemporaryError
from shared.domain.slide_orders import OrderStatus
from shared.domain.slide_registry import SlideState
from shared.pathology.trouble import SlideProblem, SlideTrouble
from shared.slides.port import SlideDescription

log = structlog.get_logger("oncorelay.slide_ingestion")

MOST_CONTAINERS = 50
"""The newest orders without a slide whose containers a barcode is compared with."""
AT_ONCE = 4
"""So many of them in one turn: then the slide stands at the end of the line, and holds no other one up."""
COMPARING = "its barcode is compared with the containers of orders"
_LOOKED_INTO = "it is looked into"
_BROKE = "looking into it failed, the log says where; it is tried again"
_TOO_LARGE = "too-large-"
"""Begins what stands for the digest of a slide that is not read: nothing else is known to be the same."""
_WRITTEN_TO = (SlideProblem.CHANGED, SlideProblem.GONE)
Digests = Callable[[Sequence[Path], int], Sequence[str]]
"""Paths and most bytes -> sha256 (hex) of each file."""


def whole(digests: Sequence[str]) -> str:
    """Return the digest of a slide: of its only file that file's own, else the sha256 (hex) over theirs, sorted."""
    return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()


class SlideChangedError(ConflictError):
    """A slide was written to, or replaced, while it was looked into: it is looked at again once it stands still."""


class SlideClosedError(ConflictError):
    """This service may not read a file of a slide; the text says what a person can do, and names no file."""


@dataclass(frozen=True, slots=True)
class CheckSlides:
    """Looks into one slide per call; returns False where none waits."""

    store: Store
    doors: Mapping[str, Door]
    looker: Looker
    digests: Digests
    dicom: DicomFiles
    judge: JudgeSlides
    most_bytes: int

    def __call__(self) -> bool:
        """Look into one.

        Raises:
            TemporaryError: If its files, a child process or the database cannot be had now; it is tried again.
        """
        row = self.store.to_check()
        if row is None:
            return False
        try:
            self._keep(row, self._looked(row))
        except (SlideChangedError, NotFoundError):
            self._keep(row, _to_wait(row))
        except SlideClosedError as error:
            self._hold(row, str(error))
        except Exception as error:  # whatever it is, the slides behind it are looked into first
            self._last_in_line(row, f"{error}; it is tried again" if isinstance(error, TemporaryError) else _BROKE)
            raise
        return True

    def _looked(self, row: SlideRow) -> SlideRow:
        door, row = self.doors.get(row.door), replace(row, closed=False)
        if door is None:
            gone = "the site's configuration has no such door any more"
            return replace(row, state=SlideState.HELD, reason=gone, gone=True)
        if sum(one.size for one in row.files) > self.most_bytes:
            large = SlideTrouble(SlideProblem.TOO_LARGE, "The slide is larger than this site takes in.")
            return replace(row, trouble=large, state=SlideState.REFUSED, digest=f"{_TOO_LARGE}{row.slide_id}")
        with door.taken(row.slide_id, row.files) as paths:
            row = replace(row, uncached=False) if row.digest else self._digested(row, door, paths)
            row = row if row.trouble else self._described(row, paths)
            if not door.unchanged(row.slide_id, row.files):
                raise SlideChangedError("the slide changed while it was read")
        return row

    def _digested(self, row: SlideRow, door: Door, paths: Sequence[Path]) -> SlideRow:
        """Digest the bytes; of stored DICOM objects the listener has digested what they show, their identity apart."""
        shown: tuple[str, ...] = ()
        if row.place.endswith("/"):
            row, shown = self._as_dicom(row, paths)
        known = [one.digest for one in row.files if one.digest]
        each = known if len(known) == len(row.files) else self.digests(paths, self.most_bytes)
        uris = door.uris(row.slide_id, row.files)
        files = [replace(one, digest=digest, uri=uri) for one, digest, uri in zip(row.files, each, uris, strict=True)]
        return replace(row, files=tuple(files), digest=whole(shown or each))

    def _as_dicom(self, row: SlideRow, paths: Sequence[Path]) -> tuple[SlideRow, tuple[str, ...]]:
        """Return a folder of DICOM files with the UIDs and the patient they name, and digests of what each shows.

        The slide's digest is made of these, so that it is known again when it is sent as well; a file's own digest is
        of its bytes, as of any file, and it has no SOP class: it is no stored object.
        """
        found = self.dicom(paths)
        if isinstance(found, SlideTrouble):
            return replace(row, trouble=found, header=None), ()
        files = [
            replace(
                one, digest="", identity_digest=said.identity_digest, sop_instance_uid=said.header.sop_instance_uid,
                series_instance_uid=said.header.series_instance_uid,
            )
            for one, said in zip(row.files, found.files, strict=True)
        ]  # fmt: skip
        return replace(row, header=found.header, files=tuple(files)), tuple(one.content_digest for one in found.files)

    def _described(self, row: SlideRow, paths: Sequence[Path]) -> SlideRow:
        row = replace(row, reason=_LOOKED_INTO)
        container = self._container(row)
        if row.description and not container and not row.stated:
            return self._by_barcode(row, paths)
        found = self._ask(paths, container)
        if isinstance(found, SlideTrouble):
            return replace(row, trouble=found, description=None, compared=container)
        row = replace(row, trouble=None, description=found, compared=container)
        if container or not found.associated:
            return row
        container = self._container(row)  # which a DICOM slide says itself, or an order for what it says
        if container:
            return self._compared(row, paths, container)
        return row if row.stated else self._by_barcode(row, paths)

    def _compared(self, row: SlideRow, paths: Sequence[Path], container: str) -> SlideRow:
        found = self._ask(paths, container)
        if isinstance(found, SlideTrouble):
            return replace(row, trouble=found, description=None, compared=container)
        return replace(row, description=found, compared=container)

    def _container(self, row: SlideRow) -> str:
        """Return what the barcode is to be compared with: what is said beside the file, in it, or by its order."""
        said = [of_order(one).container for one in row.stated] + [of_file(row).container]
        with self.store.writing() as writing:
            order = writing.order(row.order_id) if row.order_id else None
            orders = [*([order] if order else ()), *writing.orders_for(tuple(dict.fromkeys(names_of(row))))]
        said += [one.container for one in orders if one.status is OrderStatus.ACTIVE]
        return next(filter(None, said), "")

    def _by_barcode(self, row: SlideRow, paths: Sequence[Path]) -> SlideRow:
        """Compare the barcode with the containers of orders that have no slide yet."""
        open_orders = self.store.open_containers(MOST_CONTAINERS)
        untried = [one for one in open_orders if one[0] not in row.tried]
        for order_id, container in untried[:AT_ONCE]:
            found = self._ask(paths, container)
            if isinstance(found, SlideTrouble) or found.barcode_agrees is None:
                return row  # no barcode can be read: there is nothing to compare
            if found.barcode_agrees:
                return replace(row, barcode_order=order_id, description=found, compared=container)
            row = replace(row, tried=(*row.tried, order_id))
        still_open = {order_id for order_id, _ in open_orders}
        row = replace(row, tried=tuple(one for one in row.tried if one in still_open))
        return replace(row, reason=COMPARING) if len(untried) > AT_ONCE else row

    def _ask(self, paths: Sequence[Path], container: str) -> SlideDescription | SlideTrouble:
        found = self.looker.describe(paths, container)
        if isinstance(found, SlideTrouble) and found.problem in _WRITTEN_TO:
            raise SlideChangedError(found.text)
        return found

    def _keep(self, before: SlideRow, after: SlideRow) -> None:
        """Write it, unless somebody else changed the slide meanwhile: then it is looked into again."""
        with self.store.writing() as writing:
            now = writing.slide(before.slide_id)
            if now is None or now != before:
                return
            writing.keep(replace(after, state_time=writing.now))
            unfinished = after.state is not SlideState.CHECKING or after.reason == COMPARING
            if after.trouble or not unfinished:
                self.judge(writing, [after.slide_id])

    def _hold(self, row: SlideRow, why: str) -> None:
        """Hold a slide nobody may read; a person is told once, and ``TryClosed`` looks whether that has changed."""
        notice = f"{HELD_KIND} {why}"
        with self.store.writing() as writing:
            if writing.slide(row.slide_id) != row:
                return
            if row.told != notice:
                writing.tell(HELD_KIND, f"Slide {row.slide_id[:8]}: {why}.")
            writing.keep(replace(
                row, state=SlideState.HELD, reason=why, state_time=writing.now, closed=True, told=notice
            ))  # fmt: skip

    def _last_in_line(self, row: SlideRow, why: str) -> None:
        with self.store.writing() as writing:
            now = writing.slide(row.slide_id)
            if now == row:
                writing.keep(replace(row, reason=why, state_time=writing.now))


def _to_wait(row: SlideRow) -> SlideRow:
    """Return a slide that was not as it was seen: a file may stand still again, a stored object is gone."""
    if row.door == DICOM_DOOR:
        return replace(row, state=SlideState.HELD, reason="its stored objects are not there any more", gone=True)
    why = "it was written to while it was read"
    return replace(row, state=SlideState.ARRIVING, reason=why, digest="", description=None)
