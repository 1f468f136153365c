"""Storage commitment (PS3.4 annex J): what its use cases need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from services.dicom_listener.ports.records import CommitmentRequested, InstanceStored, Record
from shared.domain.errors import UnavailableError
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


class ReportRefusedError(UnavailableError):
    """The requestor answered, and did not take this report: it says nothing about its other reports."""

    def __init__(self, message: str, *, for_good: bool) -> None:
        super().__init__(message)
        self.for_good = for_good


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

    def due_commitment_keys(self) -> tuple[tuple[str, str, int], ...]:
        """Return requestor, transaction and turn of the requests that are not settled, oldest first."""
        ...

    def count_due_commitments(self, requestor: str) -> int:
        """Return how many requests of one requestor are not settled."""
        ...


class Reporter(Protocol):
    """The requestor's own door."""

    def report(self, requestor: str, report: CommitmentReport) -> None:
        """Return once it has taken the report, on a new association.

        Raises:
            ReportRefusedError: If it answered that it does not take this one.
            OncoRelayError: If it could not be told.
        """
        ...
