"""What erasing a patient needs of catalogue, objects and quarantine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.dicom_listener.ports.records import (
    CommitmentRequested,
    InstanceQuarantined,
    InstanceStored,
    NoticeRaised,
    Record,
)
from shared.domain.governance import ObjectErasure


@dataclass(frozen=True, slots=True)
class Doomed:
    """Everything one erasure removes: UIDs and places, no identity of anybody. On disk until it is done."""

    erasure_id: str
    before: int
    """Journal segments before this one are written anew; later ones tell of what came later."""
    instances: tuple[tuple[str, int, str], ...]
    """SOP Instance UID, version, URI."""
    sops: tuple[str, ...]
    """Every SOP Instance UID that must be named nowhere: instances of which no version stays, our own output."""
    studies: tuple[str, ...]
    """Studies of which nothing is left."""
    touched: tuple[str, ...]
    """Studies that keep instances of somebody else."""
    quarantined: tuple[str, ...]
    notices: tuple[str, ...]
    commitments: tuple[tuple[str, str], ...]
    """Requestor and Transaction UID."""

    def __post_init__(self) -> None:
        """Take pairs as JSON gives them back."""
        for name in self.__slots__:
            value = getattr(self, name)
            if not isinstance(value, str | int):
                parts = (tuple(part) if isinstance(part, list) else part for part in value)
                object.__setattr__(self, name, tuple(parts))


class ErasureCatalogue(Protocol):
    """The part of the catalogue an erasure reads and changes."""

    def record(self, *records: Record) -> None:
        """Return once the records are on disk and visible."""
        ...

    def studies_where(self, chosen: Callable[[str, str], bool]) -> tuple[str, ...]:
        """Return the studies with any version of an instance whose (Patient ID, issuer) is chosen."""
        ...

    def versions(self, study_instance_uid: str) -> tuple[InstanceStored, ...]:
        """Return every version of a study's instances, oldest first."""
        ...

    def own_outputs(self, study_instance_uid: str) -> tuple[str, ...]:
        """Return the SOP Instance UIDs of our own objects that came back in this study."""
        ...

    def all_quarantined(self) -> tuple[InstanceQuarantined, ...]:
        """Return everything in quarantine."""
        ...

    def all_notices(self) -> tuple[NoticeRaised, ...]:
        """Return every notice."""
        ...

    def all_commitments(self) -> tuple[CommitmentRequested, ...]:
        """Return the newest request of every transaction."""
        ...

    def erasure(self, erasure_id: str) -> ObjectErasure | None:
        """Return how far an erasure is."""
        ...

    def unfinished(self) -> tuple[str, ...]:
        """Return the erasures that were asked for and are not finished."""
        ...

    def rotate(self) -> int:
        """Begin a new journal segment; return its number."""
        ...

    def forget(self, doomed: Doomed) -> None:
        """Take what is doomed out of every answer; harmless when repeated."""
        ...

    def purge(self, doomed: Doomed) -> None:
        """Write the journal segments that name it anew, without it, and leave no byte of it in the index."""
        ...


class Worklists(Protocol):
    """Erasures in hand, on disk."""

    def all(self) -> tuple[Doomed, ...]:
        """Return what is not finished."""
        ...

    def keep(self, doomed: Doomed) -> None:
        """Return once it is on disk."""
        ...

    def drop(self, doomed: Doomed) -> None:
        """Forget it, and what it names."""
        ...


class Objects(Protocol):
    """Bytes: in the segments and in the quarantine."""

    def erase(self, uri: str) -> None:
        """Erase an object and its header page; nothing there is nothing to do."""
        ...

    def remove_quarantined(self, name: str) -> None:
        """Remove an object from the quarantine; nothing there is nothing to do."""
        ...

    def patient_of_quarantined(self, name: str) -> tuple[str, str] | None:
        """Return Patient ID and issuer as the object's bytes spell them, or None where they do not."""
        ...

    def quarantined_contains(self, name: str, text: str) -> bool:
        """Tell whether the object's bytes hold a text."""
        ...

    def sweep(self, sops: Sequence[str]) -> None:
        """Erase what lies in the segments and nobody refers to: records of these UIDs, and what a crash tore."""
        ...
