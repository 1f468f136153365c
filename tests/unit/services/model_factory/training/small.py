"""Small simulated cohorts on disk, with few candidates, so that a whole run takes a moment."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.model_factory.formats.cohort_reading import read_cohort
from services.model_factory.handlers.cohort.typed import TypedCohort
from services.model_factory.handlers.training import order
from services.model_factory.handlers.training.presets import PRESETS
from services.model_factory.ports import Steps
from shared.phantoms.cohort.simulate import FOLLOW_UPS, simulate_cohort
from shared.phantoms.cohort.writing import MANIFEST_FILE, cohort_files

FIVE = ("endocrine_therapy_received", "hscrp", "il6", "ifn_alpha", "tnf_alpha")
FEW = (*FIVE, "ca125", "er", "subtype")
SIZES = {"seed": 3, "bootstraps": 2, "folds": 3, "repeats": 1, "resamples": 10}


def write_cohort(
    folder: Path, n: int = 200, seed: int = 1, follow_up: str = "long", columns: tuple[str, ...] = FEW
) -> Path:
    """Write a cohort whose manifest declares only ``columns``; return the manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in cohort_files(simulate_cohort(n, seed, FOLLOW_UPS[follow_up])).items():
        (folder / name).write_bytes(content)
    manifest = folder / MANIFEST_FILE
    head, *parts = re.split(r"(?=^\[\[column\]\])", manifest.read_text(), flags=re.MULTILINE)
    kept = [part for part in parts if any(f'name = "{name}"' in part for name in columns)]
    manifest.write_text(head + "".join(kept))
    return manifest


def cohort(folder: Path, n: int = 200, seed: int = 1, columns: tuple[str, ...] = FEW) -> TypedCohort:
    """Return a small typed cohort."""
    return read_cohort(write_cohort(folder, n, seed, columns=columns))


class Quiet:
    """Nobody watches."""

    @contextmanager
    def stage(self, name: str, pieces: int) -> Iterator[Steps]:
        yield lambda: None


class Nowhere:
    """Nothing is kept."""

    def get(self, key: str) -> None:
        return None

    def put(self, key: str, piece: object) -> None:
        """Forget it."""


def few_trees(patch: pytest.MonkeyPatch, trees: int = 40, folds: int = 5) -> None:
    """Give both presets small forests and few inner folds for as long as ``patch`` lasts."""
    small = {
        name: dataclasses.replace(one, selector=dataclasses.replace(one.selector, trees=trees, folds=folds))
        for name, one in PRESETS.items()
    }
    patch.setattr(order, "PRESETS", small)
