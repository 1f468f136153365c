"""What results is told, until it has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.study import Study


@dataclass(frozen=True, slots=True)
class Submission:
    """A slide as results shall have it."""

    key: str
    request_id: str
    slide_id: str
    study: Study
    tries: int = 0
    case_ids: tuple[str, ...] = ()
    submitted_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person must see."""

    notice_id: str
    kind: str
    text: str
    tries: int = 0


class Outbox(Protocol):
    """What results does not have yet."""

    def due(self, now: datetime) -> tuple[Submission, ...]:
        """Return due submissions, oldest first."""
        ...

    def submitted(self, submission: Submission, case_ids: Sequence[str], now: datetime) -> None:
        """Settle one; one that changed since stays due."""
        ...

    def postpone(self, submission: Submission, until: datetime) -> None:
        """Try again at ``until``."""
        ...

    def notices_due(self, now: datetime) -> tuple[Notice, ...]:
        """Return due notices, oldest first."""
        ...

    def noticed(self, notice: Notice, now: datetime) -> None:
        """Settle one."""
        ...

    def postpone_notice(self, notice: Notice, until: datetime) -> None:
        """Try again at ``until``."""
        ...

    def waiting(self) -> int:
        """Return how much results does not have."""
        ...


class Results(Protocol):
    """The ledger's door (``shared.rpc.clients.ResultsClient``)."""

    def submit_case(self, request_id: str, study: Study) -> tuple[str, ...]:
        """Hand over a slide; the same request id gets the same answer."""
        ...

    def report_notice(self, request_id: str, kind: str, text: str, case_id: str = "") -> str:
        """Record something a person must see."""
        ...
