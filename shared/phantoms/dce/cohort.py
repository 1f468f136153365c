"""A cohort of simulated women with images: who they are, what happened to them, and how each was scanned."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from shared.domain.identity import Side
from shared.phantoms.dce.clinic import Clinic, Levels, Numbers, draw_clinic
from shared.phantoms.dce.patient import Setting, SimulatedStudy, make_patient
from shared.phantoms.dce.scanners import COHORT_SCANNERS, Scanner
from shared.phantoms.dce.truth import Outcomes, draw_outcomes
from shared.phantoms.dce.tumour import Lesion, draw_lesion

DIAMETERS_MM = {"1": (14.0, 18.0), "2": (18.0, 36.0), "3": (38.0, 44.0), "4": (20.0, 44.0)}
"""Of the ball with the same volume, by clinical T (AJCC: longest diameter to 20 mm, to 50 mm, above, any)."""


@dataclass(frozen=True, slots=True)
class DrawnCohort:
    """Everything that is drawn before an image is made."""

    seed: int
    clinic: Clinic
    image: Numbers
    """Image factor, standard normal."""
    diameter_mm: Numbers
    outcomes: Outcomes

    @property
    def n(self) -> int:
        """Return the number of patients."""
        return self.clinic.n


@dataclass(frozen=True, slots=True, eq=False)
class ScannedPatient:
    """One row of the cohort with its images."""

    row: int
    lesion: Lesion
    setting: Setting
    study: SimulatedStudy


def draw_cohort(n: int, seed: int = 1) -> DrawnCohort:
    """Draw ``n`` patients; the same numbers give the same cohort.

    Raises:
        ValueError: If ``n`` is not positive.
    """
    if n < 1:
        raise ValueError(f"a cohort has at least one patient, not {n}")
    rng = np.random.default_rng(seed)
    clinic = draw_clinic(rng, n)
    image = rng.standard_normal(n)
    return DrawnCohort(seed, clinic, image, _diameters(rng, clinic.factors["t"]), draw_outcomes(rng, clinic, image))


def scan(
    cohort: DrawnCohort, row: int, scanners: tuple[Scanner, ...] = COHORT_SCANNERS, phases: int | None = None
) -> ScannedPatient:
    """Simulate the images of one patient; each has a generator of her own, whoever else is in the cohort.

    Args:
        cohort: As drawn.
        row: Of the patient, from 0.
        scanners: One of them is drawn.
        phases: Keep only so many, the pre-contrast phase included.
    """
    rng = np.random.default_rng((cohort.seed, row))
    scanner = scanners[int(rng.integers(len(scanners)))]
    lesion = draw_lesion(rng, float(cohort.image[row]), float(cohort.diameter_mm[row]))
    setting = _setting(rng)
    return ScannedPatient(row, lesion, setting, make_patient(rng, shortened(scanner, phases), lesion, setting))


def shortened(scanner: Scanner, phases: int | None) -> Scanner:
    """Return the scanner with only the first ``phases`` phases."""
    return scanner if phases is None else replace(scanner, phase_seconds=scanner.phase_seconds[:phases])


def _diameters(rng: np.random.Generator, t: Levels) -> Numbers:
    low = np.array([DIAMETERS_MM[str(one)][0] for one in t])
    high = np.array([DIAMETERS_MM[str(one)][1] for one in t])
    return np.asarray(low + (high - low) * rng.beta(1.2, 1.6, len(t)), dtype=np.float64)


def _setting(rng: np.random.Generator) -> Setting:
    return Setting(
        side=Side.LEFT if rng.random() < 0.52 else Side.RIGHT,
        density=float(rng.uniform(0.1, 0.5)),
        background=float(np.exp(0.5 * rng.standard_normal())),
        gain=float(np.clip(np.exp(0.15 * rng.standard_normal()), 0.7, 1.4)),
        motion_mm=float(rng.uniform(0.1, 0.7)),
    )
