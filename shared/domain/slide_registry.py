"""Where a slide stands before it is a case: what people see of slide ingestion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.domain.slides import Resolution


class SlideState(StrEnum):
    """Where a slide stands."""

    ARRIVING = "arriving"
    """Its writer has not finished."""
    CHECKING = "checking"
    HELD = "held"
    """A person, or an order, is awaited."""
    SUBMITTED = "submitted"
    """It is a case, or on its way to results to become one."""
    REFUSED = "refused"
    """It is no slide, or none that can be read; without an order nobody else hears of it."""


@dataclass(frozen=True, slots=True)
class SlideSummary:
    """One slide as people see it."""

    slide_id: str
    state: SlideState
    reason: str
    """What it waits for, or why it is refused; without identifying data."""
    door: str
    """The folder or prefix by its place in the configuration, or ``dicom``."""
    format: str
    seen_time: datetime
    state_time: datetime
    case_ids: tuple[str, ...] = ()
    width: int = 0
    """Pixels of level 0; 0 while unknown."""
    height: int = 0
    resolution: Resolution | None = None
    file_sha256: tuple[str, ...] = ()
    """Of each of its files (hex), once they were read: by them a file's slide is found, for names are not told."""
