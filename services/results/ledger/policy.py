"""What the site decided about time, tries and sinks: the ledger's own, frozen view of the settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from shared.domain.case import FindingKind


@dataclass(frozen=True, slots=True)
class SinkPolicy:
    """How results reach one sink."""

    name: str
    kind: str
    hold_until_reviewed: bool = False
    images_only: bool = False
    """Its objects belong into a DICOM study: it takes nothing about a panel, or a slide that came as another file."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Deadlines and numbers; every non-final state has one of them."""

    sinks: tuple[SinkPolicy, ...] = ()
    collect: timedelta = timedelta(hours=6)
    """How long missing inputs are waited for."""
    state_deadline: timedelta = timedelta(hours=24)
    """After this time in any other non-final state a person is told."""
    lease: timedelta = timedelta(seconds=30)
    max_attempts: int = 3
    redispatch: timedelta = timedelta(seconds=60)
    review_required: bool = False
    keep_findings: timedelta | None = None
    """How long what superseded or withdrawn findings said is kept; None: for ever."""
    keep_requests: timedelta | None = None
    """How long answers to requests are remembered."""
    keep_notices: timedelta | None = None
    sink_patience: timedelta = timedelta(minutes=15)
    """A sink that is down for longer is told to a person."""

    def needs_review(self, kind: FindingKind, *, in_dicom: bool = True) -> bool:
        """Tell whether a person must accept such a finding: where a sink holds, refusals too; never withdrawals.

        A sink that takes only what belongs into a DICOM study holds nothing else.
        """
        if kind is FindingKind.WITHDRAWN:
            return False
        held = any(sink.hold_until_reviewed for sink in self.sinks if in_dicom or not sink.images_only)
        return held or (self.review_required and kind is FindingKind.PREDICTION)
