"""Ports to disk: the objects in the inbox, and the catalogue of what is stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.dicom_listener.ports.inbox import Stored
from services.dicom_listener.ports.records import InstanceStored, NoticeRaised, Record, StudyCompleted
from shared.dicom.fingerprint import Fingerprint
from shared.dicom.pixels import PixelCheck


@dataclass(frozen=True, slots=True)
class Unread:
    """An object that cannot be used, and why."""

    reason: str
    """One clause without identifying data."""


class Reader(Protocol):
    """Reads what came, at arm's length: nothing in an object can harm the caller."""

    def read(self, objects: Sequence[Stored]) -> tuple[Fingerprint | Unread, ...]:
        """Return what each object is.

        Raises:
            TemporaryError: If nothing can be read now.
        """
        ...


class PixelReader(Protocol):
    """Looks at pixel data, at arm's length."""

    def check(self, instances: Sequence[InstanceStored]) -> tuple[PixelCheck, ...]:
        """Return for each stored object whether its pixels can be read; errors as ``Reader.read``."""
        ...


class Segments(Protocol):
    """The inbox on disk. One association at a time writes into a segment, in order."""

    def names(self) -> tuple[str, ...]:
        """Return the names of all segments."""
        ...

    def scan(self, segment: str, from_offset: int = 0, known_end: int = 0) -> Iterator[Stored]:
        """Yield the objects from the record boundary ``from_offset`` on, in order; what is torn is passed over.

        What was acknowledged and is damaged says so (``Stored.damage``): all before ``known_end`` was acknowledged.

        Raises:
            UnavailableError: If the inbox is not there.
            OSError: If the segment cannot be read.
        """
        ...


class Ranges(Protocol):
    """The bytes of single objects in the inbox, by URI."""

    def holds(self, uri: str) -> bool:
        """Tell whether the object is still there as it was written; errors as ``is_gone``."""
        ...

    def is_gone(self, uri: str) -> bool:
        """Tell whether it is proven that nothing is there.

        Raises:
            UnavailableError: If nobody can say now.
        """
        ...

    def digest(self, uri: str) -> str:
        """Return the sha256 (hex) of the whole object, for one that cannot be read.

        Raises:
            TemporaryError: If the disk does not give it back.
        """
        ...

    def quarantine(self, uri: str, name: str) -> None:
        """Copy the object to the quarantine; on disk when this returns; errors as ``digest``."""
        ...

    def release(self, uri: str) -> None:
        """Give the space of an object that nobody refers to back to the disk, where the file system can."""
        ...


class Catalogue(Protocol):
    """What is stored. ``record`` is the only way in; everything else reads."""

    def record(self, *records: Record) -> None:
        """Return once the records are on disk and visible to the calls below."""
        ...

    def current(self, sop_instance_uid: str) -> InstanceStored | None:
        """Return the current version of an instance."""
        ...

    def last_version(self, sop_instance_uid: str) -> int:
        """Return the highest version number of an instance, 0 where there is none; the current one may be lower."""
        ...

    def is_quarantined(self, quarantine_id: str) -> bool:
        """Tell whether this very object is in quarantine already."""
        ...

    def is_own_output(self, sop_instance_uid: str) -> bool:
        """Tell whether this instance was recorded as our own output."""
        ...

    def own_output_count(self, study_instance_uid: str) -> int:
        """Return how many of our own objects came back in this study."""
        ...

    def instances(self, study_instance_uid: str) -> tuple[InstanceStored, ...]:
        """Return the current versions of a study's instances, by SOP Instance UID."""
        ...

    def judged(self, segment: str) -> int:
        """Return up to which offset a segment of the inbox was judged."""
        ...

    def unchecked(self, count: int) -> tuple[InstanceStored, ...]:
        """Return up to ``count`` instances whose pixels nobody has looked at."""
        ...

    def last_completion(self, study_instance_uid: str) -> StudyCompleted | None:
        """Return the newest completion of a study."""
        ...

    def unfinished_studies(self) -> tuple[str, ...]:
        """Return the studies whose instances differ from what their last completion named."""
        ...

    def due_submissions(self) -> tuple[StudyCompleted, ...]:
        """Return the newest completions that results has not answered, oldest first."""
        ...

    def due_notices(self) -> tuple[NoticeRaised, ...]:
        """Return the notices that results does not have, oldest first."""
        ...
