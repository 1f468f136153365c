"""The demonstration bundle of lung metastasis: a simulated cohort, trained and sealed by the factory itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.model_factory.app.training import bundle_of_run, train
from services.model_factory.handlers.training.bundle_draft import Label
from services.model_factory.ports import Progress
from shared.phantoms.cohort.simulate import LONG, SimulatedCohort, simulate_cohort
from shared.phantoms.cohort.writing import MANIFEST_FILE, cohort_files

BUNDLE_ID = "lung_metastasis-demonstration"
PATIENTS = 1500
"""Enough for the selection to find the five variables that are true; 326 find three or four of them."""
SEED = 1
SIZES: Mapping[str, int] = {"seed": SEED, "bootstraps": 20, "folds": 5, "repeats": 1, "resamples": 500}


def demonstration_cohort() -> SimulatedCohort:
    """Return the cohort the demonstration bundle is trained on."""
    return simulate_cohort(PATIENTS, SEED, LONG)


def build_demonstration(
    out: Path, key: Ed25519PrivateKey, progress: Progress, sizes: Mapping[str, int] = SIZES
) -> Path:
    """Simulate, train under ``corrected`` and seal, all below ``out``; return the bundle's folder.

    The same sizes give the same ``bundle.json``, byte for byte, with the same software.

    Raises:
        ConflictError: If ``out`` holds a run already; an interrupted one is resumed.
    """
    cohort = out / "cohort"
    cohort.mkdir(parents=True, exist_ok=True)
    for name, content in cohort_files(demonstration_cohort()).items():
        (cohort / name).write_bytes(content)
    run = out / "run"
    train("lung_metastasis", cohort / MANIFEST_FILE, "corrected", run, progress, sizes, resume=True)
    return bundle_of_run(run, out, key, Label(BUNDLE_ID))
