"""STOW-RS (PS3.18 10.5): store the parts of one request, one after the other, as they come in.

One request is to the rest of the listener what an association is: opened, objects in order, released or cut. Every
part is answered by itself; a part counts only once its object is committed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain

from services.dicom_listener.handlers.announced import AnnouncedCheck
from services.dicom_listener.ports.inbox import Announced, Arrivals, Inbox, Incoming, Inlet
from services.dicom_listener.ports.parts import BrokenBodyError, Part
from shared.dicom.part10 import MAX_META_BYTES, FileMeta, file_meta
from shared.domain.errors import InvalidInputError, OutOfResourcesError, TemporaryError
from shared.domain.refusals import Cause

DICOM = "application/dicom"


@dataclass(frozen=True, slots=True)
class PartAnswer:
    """What became of one part."""

    cause: Cause | None = None
    """Why it was not stored; None: it is stored."""
    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    """Empty where the part never said."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What this door takes."""

    sop_classes: frozenset[str]
    transfer_syntaxes: frozenset[str]
    max_object_bytes: int


class _RefusedError(Exception):
    def __init__(self, cause: Cause) -> None:
        super().__init__(cause)
        self.cause = cause


@dataclass(slots=True)
class StoreParts:
    """The use case; one object serves every request."""

    inbox: Inbox
    arrivals: Arrivals
    accepted: Accepted

    def __call__(self, association: int, sender: str, study: str, parts: Iterable[Part]) -> Taken:
        """Store what comes; ``study`` is the Study Instance UID of the URL, empty where it has none."""
        taken = Taken()
        self.arrivals.opened(association, sender)
        try:
            self._store_all(taken, association, sender, study, parts)
        finally:
            self.arrivals.ended(association, released=taken.whole)
        return taken

    def _store_all(self, taken: Taken, association: int, sender: str, study: str, parts: Iterable[Part]) -> None:
        inlet: Inlet | None = None
        try:
            inlet = self.inbox.open(association, sender)
            for part in parts:
                request = _Request(self, inlet, association, sender, study)
                taken.answers.append(request.answer(part))
            taken.whole = True
        except BrokenBodyError as error:
            taken.broken = error.cause
            self.arrivals.refused(association, error.cause)
        except TemporaryError as error:
            taken.broken = _temporary(error)
            self.arrivals.refused(association, taken.broken)
        finally:
            if inlet:
                inlet.close()


@dataclass(slots=True)
class Taken:
    """The answers to one request."""

    answers: list[PartAnswer] = field(default_factory=list)
    broken: Cause | None = None
    """Why the body could not be read to its end."""
    whole: bool = False


@dataclass(frozen=True, slots=True)
class _Request:
    store: StoreParts
    inlet: Inlet
    association: int
    sender: str
    study: str

    def answer(self, part: Part) -> PartAnswer:
        """Store one part.

        Raises:
            BrokenBodyError: If the body breaks off; nothing of this part was stored.
        """
        announced = None
        try:
            content = iter(part.chunks())
            meta, rest = _read_meta(part, content)
            announced = self._announced(meta)
            self._keep(announced, chain((rest,), content))
            cause = None
        except _RefusedError as refused:
            cause = refused.cause
        except TemporaryError as error:
            cause = _temporary(error)
        if cause:
            self.store.arrivals.refused(self.association, cause)
        uids = (announced.sop_class_uid, announced.sop_instance_uid) if announced else ("", "")
        return PartAnswer(cause, *uids)

    def _announced(self, meta: FileMeta) -> Announced:
        return Announced(meta.sop_class_uid, meta.sop_instance_uid, meta.transfer_syntax, self.sender, self.association)

    def _keep(self, announced: Announced, content: Iterable[bytes | memoryview]) -> None:
        if announced.transfer_syntax not in self.store.accepted.transfer_syntaxes:
            raise _RefusedError(Cause.ENCODING_NOT_SUPPORTED)
        if announced.sop_class_uid not in self.store.accepted.sop_classes:
            raise _RefusedError(Cause.NOT_SUPPORTED)
        incoming = self.inlet.begin(announced)
        try:
            self._fill(incoming, announced, content)
            stored = incoming.commit()
        except BaseException:
            incoming.discard()
            raise
        self.store.arrivals.stored(stored)

    def _fill(self, incoming: Incoming, announced: Announced, content: Iterable[bytes | memoryview]) -> None:
        check, size = AnnouncedCheck(announced, self.study), 0
        for chunk in content:
            size += len(chunk)
            if size > self.store.accepted.max_object_bytes:
                raise _RefusedError(Cause.TOO_LARGE)
            check.feed(chunk)
            _copy(chunk, incoming)
        cause = check.cause()
        if cause:
            raise _RefusedError(cause)


def _read_meta(part: Part, content: Iterable[bytes | memoryview]) -> tuple[FileMeta, memoryview]:
    """Return the file meta information, and what was read beyond it."""
    if part.media_type != DICOM:
        raise _RefusedError(Cause.NOT_SUPPORTED)
    head = bytearray()
    try:
        for chunk in content:
            head += chunk
            meta = file_meta(memoryview(bytes(head[:MAX_META_BYTES])))
            if meta:
                return meta, memoryview(head)[meta.end :]
    except InvalidInputError:
        pass
    raise _RefusedError(Cause.UNREADABLE)


def _copy(chunk: bytes | memoryview, incoming: Incoming) -> None:
    rest = memoryview(chunk)
    while rest:
        room = incoming.room(len(rest))
        count = min(len(room), len(rest))
        room[:count] = rest[:count]
        incoming.filled(count)
        rest = rest[count:]


def _temporary(error: TemporaryError) -> Cause:
    return Cause.OUT_OF_SPACE if isinstance(error, OutOfResourcesError) else Cause.STORE_UNREACHABLE
