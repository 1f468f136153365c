"""Scanners that exist only here: how three vendors' studies differ in geometry, timing, contrast and storing."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from shared.domain.identity import Side
from shared.imaging.volume import Spacing
from shared.phantoms.dce.kinetics import Echo


class Storing(StrEnum):
    """How the phases of a dynamic series are stored."""

    ENHANCED = "enhanced"
    """One Enhanced MR Image with all phases."""
    TEMPORAL_POSITIONS = "temporal_positions"
    """One series of single frames with Temporal Position Identifier."""
    SERIES_PER_PHASE = "series_per_phase"
    """One series of single frames per phase, told apart by acquisition time."""
    TRIGGER_TIME = "trigger_time"
    """One series of single frames with Trigger Time."""


@dataclass(frozen=True, slots=True)
class Scanner:
    """One protocol on one machine."""

    manufacturer: str
    """As that vendor's objects spell it; the model name says that the machine is simulated."""
    field_tesla: float
    storing: Storing
    shape: tuple[int, int, int]
    """(slices, rows, columns)."""
    spacing: Spacing
    phase_seconds: tuple[float, ...]
    """Middle of each phase after the injection; the first lies before it (negative)."""
    phase_duration: float = 60.0
    """Seconds one phase takes."""
    fat_suppressed: bool = True
    bilateral: bool = False
    echo: Echo = field(default_factory=Echo)
    noise: float = 0.018
    """Standard deviation of the noise in each channel, relative to the signal of an enhancing tumour."""
    bias: float = 0.12
    """Largest deviation of the coil's sensitivity, relative."""


_PHASES = (-60.0, 90.0, 180.0, 270.0, 360.0)
_SMALL = (32, 96, 96)

COHORT_SCANNERS: tuple[Scanner, ...] = (
    Scanner("SIEMENS", 1.5, Storing.ENHANCED, _SMALL, Spacing(2.2, 1.6, 1.6), _PHASES),
    Scanner("SIEMENS", 3.0, Storing.ENHANCED, _SMALL, Spacing(2.0, 1.5, 1.5), (-55.0, 100.0, 190.0, 280.0, 370.0)),
    Scanner("GE MEDICAL SYSTEMS", 1.5, Storing.ENHANCED, _SMALL, Spacing(2.4, 1.6, 1.6),
            (-70.0, 110.0, 210.0, 310.0, 410.0), 80.0, noise=0.022),
    Scanner("GE MEDICAL SYSTEMS", 3.0, Storing.ENHANCED, _SMALL, Spacing(2.0, 1.6, 1.6),
            (-60.0, 95.0, 185.0, 275.0, 365.0)),
    Scanner("Philips Medical Systems", 1.5, Storing.ENHANCED, _SMALL, Spacing(2.2, 1.5, 1.5),
            (-65.0, 105.0, 200.0, 295.0, 390.0), 75.0, fat_suppressed=False),
    Scanner("Philips Medical Systems", 3.0, Storing.ENHANCED, _SMALL, Spacing(2.0, 1.5, 1.5), _PHASES),
)  # fmt: skip
"""Small studies of one breast: what a cohort is drawn from."""

NATIVE: dict[Storing, str] = {
    Storing.ENHANCED: "Philips Medical Systems",
    Storing.TEMPORAL_POSITIONS: "Philips Medical Systems",
    Storing.SERIES_PER_PHASE: "SIEMENS",
    Storing.TRIGGER_TIME: "GE MEDICAL SYSTEMS",
}
"""Which vendor is known for which way."""


def small_scanner(storing: Storing, shape: tuple[int, int, int] = (16, 48, 48)) -> Scanner:
    """Return a scanner for tests: one breast, few voxels, the vendor known for this way of storing."""
    spacing = Spacing(64.0 / shape[0], 144.0 / shape[1], 144.0 / shape[2])
    return Scanner(NATIVE[storing], 1.5, storing, shape, spacing, _PHASES)


def full_scanner(storing: Storing = Storing.TEMPORAL_POSITIONS, *, slices: int = 120, matrix: int = 256) -> Scanner:
    """Return a scanner for full-size studies of both breasts."""
    spacing = Spacing(156.0 / slices, 340.0 / matrix, 340.0 / matrix)
    return Scanner(NATIVE[storing], 3.0, storing, (slices, matrix, matrix), spacing, _PHASES, bilateral=True)


def middle_mm(scanner: Scanner, side: Side) -> float:
    """Return where the middle of the image lies from left to right (LPS x): 0 for both breasts."""
    if scanner.bilateral:
        return 0.0
    return 85.0 if side is Side.LEFT else -85.0
