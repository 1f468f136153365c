"""Ports to the ledger and to senders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from shared.domain.errors import OncoRelayError
from shared.domain.study import Study


class Results(Protocol):
    """The ledger's door (``shared.rpc.clients.ResultsClient``)."""

    def submit_case(self, request_id: str, study: Study) -> tuple[str, ...]:
        """Hand over a complete study; the same request id gets the same answer.

        Raises:
            TemporaryError: The same call may succeed later.
            PermanentError: It cannot.
        """
        ...

    def report_notice(self, request_id: str, kind: str, text: str, case_id: str = "") -> str:
        """Record something a person must see; errors as above."""
        ...


class Slides(Protocol):
    """Slide ingestion's door (``shared.rpc.slide_ingestion_client.SlideIngestionClient``)."""

    def submit_study(self, request_id: str, study: Study) -> int:
        """Hand over a complete study with slide microscopy; return the number of slides; errors as above."""
        ...


class SlidesAbsentError(OncoRelayError):
    """Slide ingestion cannot be reached: only studies with slides wait for it."""


@dataclass(frozen=True, slots=True)
class CountAtSender:
    """What a sender holds of one study."""

    total: int
    """Number of Study Related Instances (0020,1208)."""
    ours: int
    """How many of them are in series that we wrote (Series Instance UID under the site's root)."""


class InstanceCount(Protocol):
    """A sender that can be asked."""

    def count(self, study_instance_uid: str, held: int) -> CountAtSender:
        """Return what the sender holds; ``ours`` may stay 0 where ``total`` equals ``held`` already.

        Raises:
            UnavailableError: If it does not answer.
        """
        ...
