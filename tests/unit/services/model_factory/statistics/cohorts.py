"""Cohorts the tests of the statistics share."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Flags = NDArray[np.bool_]
DLBCL = Path(__file__).parents[4] / "data" / "survival" / "dlbcl.csv"


@dataclass(frozen=True)
class Lymphoma:
    """The DLBCL cohort; ``index`` is NaN where unknown."""

    time: Vector
    event: Flags
    marker: Vector
    index: Vector


def lymphoma(*, complete: bool = False) -> Lymphoma:
    lines = [line for line in DLBCL.read_text().splitlines() if not line.startswith("#")]
    rows = [row for row in csv.DictReader(lines) if not complete or row["ipi"] != "NA"]
    columns = [np.array([float(row[name].replace("NA", "nan")) for row in rows]) for name in ("months", "mge", "ipi")]
    return Lymphoma(columns[0], np.array([row["died"] == "1" for row in rows]), columns[1], columns[2])


@dataclass(frozen=True)
class Simulated:
    """Exponential times with a known log hazard and independent censoring, years."""

    time: Vector
    event: Flags
    linear: Vector

    def risk(self, horizon: float) -> Vector:
        """The true probability of the event by ``horizon``."""
        found: Vector = -np.expm1(-0.1 * horizon * np.exp(self.linear))
        return found


def simulated(seed: int, n: int = 300, step: float = 0.0) -> Simulated:
    rng = np.random.default_rng(seed)
    linear = rng.normal(0.0, 1.0, n)
    happens, leaves = rng.exponential(10 / np.exp(linear)), rng.uniform(0.5, 12.0, n)
    time = np.minimum(happens, leaves)
    return Simulated(np.ceil(time / step) * step if step else time, happens <= leaves, linear)
