"""Reading objects and their pixels in child processes; what kills a child is an object that cannot be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.dicom_listener.adapters import jailed
from services.dicom_listener.adapters.segment_folder import is_removed
from services.dicom_listener.ports.inbox import Stored
from services.dicom_listener.ports.records import InstanceStored
from services.dicom_listener.ports.stores import Unread
from shared.dicom.fingerprint import Fingerprint, fingerprint_of
from shared.dicom.pixels import PixelCheck, PixelOutcome, check_of
from shared.domain.errors import ForbiddenError, InvalidInputError, NotFoundError, UnavailableError
from shared.jail.codes import JailCode, JailedError
from shared.jail.jail import Jail
from shared.jail.limits import Limits
from shared.storage.blobs import LocalBlobs
from shared.storage.ranges import place_of

READ = f"{jailed.__name__}:{jailed.read_objects.__name__}"
CHECK = f"{jailed.__name__}:{jailed.check_objects.__name__}"
READ_LIMITS = Limits(memory_mb=256, cpu_s=60, wall_s=60.0, niceness=10)
"""A header and its digests; the file is mapped and given back on the way, see ``shared.dicom.fingerprint``."""
CHECK_LIMITS = Limits(memory_mb=1024, cpu_s=30, wall_s=60.0, niceness=15)
"""One frame, encoded and decoded; the largest mammograms take half of it."""
_SLOWEST_BYTES_PER_S = 5_000_000
"""A disk that gives less is not waited for."""
_REASONS = {
    JailCode.DIED: "reading it crashed",
    JailCode.OUT_OF_MEMORY: "reading it takes more memory than an object may",
    JailCode.TOO_SLOW: "reading it takes longer than an object may",
    JailCode.ANSWER_TOO_LARGE: "what it says of itself is longer than an object's header may be",
    JailCode.FORBIDDEN: "reading it tried what no object may",
    JailCode.FAILED: "reading it failed",
}


@dataclass(frozen=True, slots=True)
class JailedReader:
    """Implements ``ports.stores.Reader`` and ``ports.stores.PixelReader``."""

    reading: Jail
    checking: Jail
    blobs: LocalBlobs

    def read(self, objects: Sequence[Stored]) -> tuple[Fingerprint | Unread, ...]:
        """Read a batch in one go.

        Raises:
            UnavailableError: If an object is not there and nothing proves that it was removed.
        """
        there = [self._bytes_there(one.uri) for one in objects]
        tasks = [(one.uri, one.announced.transfer_syntax) for one, size in zip(objects, there, strict=True) if size]
        answers = iter(_asked(self.reading, READ, "objects", tasks, sum(there)))
        return tuple(_read(next(answers)) if size else Unread("it is no longer on disk") for size in there)

    def check(self, instances: Sequence[InstanceStored]) -> tuple[PixelCheck, ...]:
        """Look at the pixels of a batch in one go."""
        there = [self._bytes_there(one.blob_uri) for one in instances]
        tasks = [one.blob_uri for one, size in zip(instances, there, strict=True) if size]
        answers = iter(_asked(self.checking, CHECK, "uris", tasks, sum(there)))
        gone = PixelCheck(PixelOutcome.NOT_LOOKED_AT, "it is no longer on disk")
        return tuple(_checked(next(answers)) if size else gone for size in there)

    def _bytes_there(self, uri: str) -> int:
        """Return the size of an object, 0 where it is proven not to be in the blob store."""
        try:
            return self.blobs.place(uri).size()
        except (ForbiddenError, InvalidInputError):
            return 0
        except NotFoundError as error:
            if is_removed(place_of(uri).path):
                return 0
            raise UnavailableError("the object is not there now") from error
        except OSError as error:
            raise UnavailableError("the object cannot be read now") from error


def _asked(jail: Jail, function: str, name: str, tasks: Sequence[Any], size: int) -> list[Any]:
    """Return one answer per task; a task that kills its child gets the code as its answer.

    A batch that fails is tried again one by one, so that only the guilty one is found so, and each in a fresh child, so
    that a child which died of something else condemns nobody.
    """
    if not tasks:
        return []
    wall_s = READ_LIMITS.wall_s + size / _SLOWEST_BYTES_PER_S
    try:
        answers: list[Any] = jail.call(function, {name: tasks}, wall_s=wall_s)
    except JailedError as error:
        if len(tasks) == 1:
            return [_once_more(jail, function, {name: tasks}, wall_s, error)]
        return [answer for task in tasks for answer in _asked(jail, function, name, [task], size)]
    return answers


def _once_more(jail: Jail, function: str, arguments: dict[str, Any], wall_s: float, error: JailedError) -> Any:
    if error.code not in (JailCode.DIED, JailCode.OUT_OF_MEMORY):  # the kernel may have taken an innocent child
        return error.code
    try:
        return jail.call(function, arguments, wall_s=wall_s)[0]
    except JailedError as again:
        return again.code


def _read(answer: Any) -> Fingerprint | Unread:
    if isinstance(answer, JailCode):
        return Unread(_REASONS[answer])
    if set(answer) == {"absent"}:
        raise UnavailableError("the object is not there now")
    if set(answer) == {"reason"}:
        return Unread(str(answer["reason"]))
    return fingerprint_of(answer)


def _checked(answer: Any) -> PixelCheck:
    if isinstance(answer, JailCode):
        return PixelCheck(PixelOutcome.DANGEROUS, _REASONS[answer])
    if set(answer) == {"absent"}:
        raise UnavailableError("the object is not there now")
    return check_of(answer)
