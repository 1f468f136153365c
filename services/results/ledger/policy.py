"""What the site decided about time, tries and sinks: the ledger's own, frozen view of the settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from shared.domain.case import FindingKind
from shared.domain.study import Study


@dataclass(frozen=True, slots=True)
class SinkPolicy:
    """How results reach one sink."""

    name: str
    kind: str
    hold_until_reviewed: bool = False
    images_only: bool = False
    """Its objects belong into a DICOM study: it takes nothing about a panel, or a slide that came as another file."""
    slides_only: bool = False
    """A laboratory system: it takes nothing but findings about slides."""

    def takes(self, study: Study) -> bool:
        """Tell whether findings about this study are for this sink."""
        if self.slides_only and study.slide is None:
            return False
        return study.in_dicom or not self.images_only


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

    def needs_review(self, kind: FindingKind, study: Study) -> bool:
        """Tell whether a person must accept such a finding: where a sink holds, refusals too; never withdrawals.

        A sink that takes nothing about panels, or about slides only, holds none of the others.
        """
        if kind is FindingKind.WITHDRAWN:
            return False
        held = any(sink.hold_until_reviewed for sink in self.sinks if sink.takes(study))
        return held or (self.review_required and kind is FindingKind.PREDICTION)
