"""Ports to disk: object files, and the catalogue of what is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from services.dicom_listener.ports.records import InstanceStored, NoticeRaised, Record, StudyCompleted
from shared.dicom.fingerprint import Fingerprint


class ObjectFiles(Protocol):
    """Whole objects on disk. A spooled file lies in a folder of its own until one of these calls takes it."""

    def read(self, spooled: Path, transfer_syntax: str) -> Fingerprint:
        """Return the fingerprint of a spooled object.

        Raises:
            InvalidInputError: If it is not a DICOM object we can place; says why.
        """
        ...

    def digest(self, spooled: Path) -> str:
        """Return the sha256 (hex) of the whole file, for an object that cannot be read."""
        ...

    def keep(self, spooled: Path, name: str) -> str:
        """Move the object to its place; return its URI once file and directory are on disk."""
        ...

    def holds(self, uri: str) -> bool:
        """Tell whether the object that ``keep`` put there still lies at this URI."""
        ...

    def quarantine(self, spooled: Path, name: str) -> None:
        """Copy the object to the quarantine; on disk when this returns."""
        ...

    def free_bytes(self) -> int:
        """Return the free space of the file system the objects lie on."""
        ...


class Catalogue(Protocol):
    """What is stored. ``record`` is the only way in; everything else reads."""

    def record(self, *records: Record) -> None:
        """Return once the records are on disk and visible to the calls below."""
        ...

    def current(self, sop_instance_uid: str) -> InstanceStored | None:
        """Return the current version of an instance."""
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
