"""Storage commitment (PS3.4 annex J): what its use cases need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from services.dicom_listener.ports.records import CommitmentRequested, InstanceStored, Record
from shared.domain.refusals import Cause


@dataclass(frozen=True, slots=True)
class Reference:
    """An instance a requestor asks about."""

    sop_class_uid: str
    sop_instance_uid: str


@dataclass(frozen=True, slots=True)
class CommitmentReport:
    """The answer to one request."""

    transaction_uid: str
    committed: tuple[Reference, ...]
    failed: tuple[tuple[Reference, Cause], ...]


class CommitmentCatalogue(Protocol):
    """The part of the catalogue that commitment rests on."""

    def record(self, *records: Record) -> None:
        """Return once the records are on disk and visible to the calls below."""
        ...

    def current(self, sop_instance_uid: str) -> InstanceStored | None:
        """Return the current version of an instance."""
        ...

    def has_clash(self, sop_instance_uid: str) -> bool:
        """Tell whether another object of this UID lies in quarantine."""
        ...

    def commitment(self, requestor: str, transaction_uid: str) -> tuple[CommitmentRequested, bool] | None:
        """Return the newest request of a transaction, and whether its report is settled."""
        ...

    def due_commitments(self) -> tuple[CommitmentRequested, ...]:
        """Return the requests that are not settled, oldest first."""
        ...


class Reporter(Protocol):
    """The requestor's own door."""

    def report(self, requestor: str, report: CommitmentReport) -> None:
        """Return once it has taken the report, on a new association.

        Raises:
            OncoRelayError: If it has not.
        """
        ...
