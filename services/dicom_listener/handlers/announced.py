"""Is the data set that comes in the instance that was announced? Decided from its first bytes, before it is stored."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.dicom_listener.ports.inbox import Announced
from shared.dicom.opening import Opening, opening
from shared.dicom.transfer_syntaxes import is_implicit
from shared.domain.errors import InvalidInputError
from shared.domain.refusals import Cause

MAX_HEAD_BYTES = 1 << 20
"""How far the three UIDs are looked for: only groups up to 0020 stand before them."""
_FIRST_LOOK = 4096


@dataclass(slots=True)
class AnnouncedCheck:
    """Fed with the data set as it comes; holds at most ``MAX_HEAD_BYTES`` of it."""

    announced: Announced
    study: str = ""
    """Study Instance UID it must have; empty: any."""
    _head: bytearray = field(default_factory=bytearray)
    _look_at: int = _FIRST_LOOK
    _size: int = 0
    _found: Opening = field(default_factory=Opening)

    def feed(self, chunk: bytes | memoryview) -> None:
        """Look at the next bytes of the data set."""
        self._size += len(chunk)
        if self._found.settled or len(self._head) >= MAX_HEAD_BYTES:
            return
        self._head += chunk[: MAX_HEAD_BYTES - len(self._head)]
        if len(self._head) >= self._look_at:
            self._look_at *= 16  # every look begins at the first byte
            self._look(whole=False)

    def cause(self) -> Cause | None:
        """Return why the object, now whole, is refused, or None."""
        try:
            if not self._found.settled:
                self._look(whole=self._size == len(self._head))
        except InvalidInputError:
            return Cause.UNREADABLE
        return self._mismatch()

    def _look(self, *, whole: bool) -> None:
        implicit = is_implicit(self.announced.transfer_syntax)
        self._found = opening(memoryview(bytes(self._head)), implicit=implicit, whole=whole)

    def _mismatch(self) -> Cause | None:
        found, announced = self._found, self.announced
        if not (found.sop_instance_uid and found.sop_class_uid):
            return Cause.UNREADABLE
        same = (found.sop_class_uid, found.sop_instance_uid) == (announced.sop_class_uid, announced.sop_instance_uid)
        right_study = not self.study or found.study_instance_uid == self.study
        return None if same and right_study else Cause.DOES_NOT_MATCH
