"""STOW-RS (PS3.18 10.5): store the parts of one request, one after the other, as they come in.

One request is to the rest of the listener what an association is: opened, objects in order, released or cut. Every
part is answered by itself; a part counts only once its object is committed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain

from services.dicom_listener.handlers.intake import Intake, Visit
from services.dicom_listener.ports.inbox import Announced, Incoming
from services.dicom_listener.ports.parts import BrokenBodyError, Part
from shared.dicom.opening import study_instance_uid
from shared.dicom.part10 import MAX_META_BYTES, FileMeta, file_meta
from shared.dicom.transfer_syntaxes import is_implicit
from shared.domain.errors import InvalidInputError, OutOfResourcesError
from shared.domain.refusals import Cause

DICOM = "application/dicom"
MAX_HEAD_BYTES = 1 << 20
"""How far Study Instance UID is looked for, where the URL names one: only groups up to 0020 stand before it."""


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
class Taken:
    """The answers to one request."""

    answers: list[PartAnswer] = field(default_factory=list)
    broken: Cause | None = None
    """Why the body could not be read to its end."""
    whole: bool = False


@dataclass(frozen=True, slots=True)
class StoreParts:
    """The use case; one object serves every request."""

    intake: Intake
    accepted: Accepted

    def __call__(self, association: int, sender: str, study: str, parts: Iterable[Part]) -> Taken:
        """Store what comes; ``study`` is the Study Instance UID of the URL, empty where it has none."""
        taken = Taken()
        visit = self.intake.open(association, sender)
        try:
            for part in parts:
                taken.answers.append(_Storing(visit, self.accepted, study).answer(part))
            taken.whole = True
        except BrokenBodyError as error:
            taken.broken = error.cause
            visit.refuse(error.cause)
        finally:
            visit.end(released=taken.whole)
        return taken


@dataclass(frozen=True, slots=True)
class _Storing:
    visit: Visit
    accepted: Accepted
    study: str

    def answer(self, part: Part) -> PartAnswer:
        """Store one part.

        Raises:
            BrokenBodyError: If the body breaks off; nothing of this part was stored.
        """
        announced, cause = None, None
        try:
            content = iter(part.chunks())
            meta, rest = _read_meta(part, content)
            announced = self._announced(meta)
            self._keep(announced, chain((rest,), content))
        except _RefusedError as refused:
            cause = refused.cause
            self.visit.refuse(cause)
        uids = (announced.sop_class_uid, announced.sop_instance_uid) if announced else ("", "")
        return PartAnswer(cause, *uids)

    def _announced(self, meta: FileMeta) -> Announced:
        uids = (meta.sop_class_uid, meta.sop_instance_uid, meta.transfer_syntax)
        return Announced(*uids, self.visit.sender, self.visit.association)

    def _keep(self, announced: Announced, content: Iterable[bytes | memoryview]) -> None:
        incoming = self._begin(announced)
        try:
            size = self._fill(incoming, announced, content)
        except BaseException:
            incoming.discard()
            raise
        cause = self.visit.finish(incoming, announced, size)
        if cause:
            raise _RefusedError(cause)

    def _begin(self, announced: Announced) -> Incoming:
        if announced.transfer_syntax not in self.accepted.transfer_syntaxes:
            raise _RefusedError(Cause.ENCODING_NOT_SUPPORTED)
        if announced.sop_class_uid not in self.accepted.sop_classes:
            raise _RefusedError(Cause.NOT_SUPPORTED)
        incoming = self.visit.begin(announced)
        if isinstance(incoming, Cause):
            raise _RefusedError(incoming)
        return incoming

    def _fill(self, incoming: Incoming, announced: Announced, content: Iterable[bytes | memoryview]) -> int:
        """Take the data set in; return its size."""
        size, head = 0, bytearray()
        for chunk in content:
            size += len(chunk)
            if size > self.accepted.max_object_bytes:
                raise _RefusedError(Cause.TOO_LARGE)
            if self.study:
                head += chunk[: MAX_HEAD_BYTES - len(head)]
            _copy(chunk, incoming)
        if self.study and self._study_of(head, announced) != self.study:
            raise _RefusedError(Cause.DOES_NOT_MATCH)
        return size

    @staticmethod
    def _study_of(head: bytearray, announced: Announced) -> str | None:
        return study_instance_uid(memoryview(bytes(head)), implicit=is_implicit(announced.transfer_syntax))


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
    try:
        while rest:
            room = incoming.room(len(rest))
            count = min(len(room), len(rest))
            room[:count] = rest[:count]
            incoming.filled(count)
            rest = rest[count:]
    except OutOfResourcesError:
        raise _RefusedError(Cause.OUT_OF_SPACE) from None
