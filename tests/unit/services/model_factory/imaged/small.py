"""Patients with images in numbers: small, synthetic, with a known truth; a network that learns in a moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.model_factory.formats.forest_graph import asked, forest_graph
from services.model_factory.handlers.cohort.facts import FlowBox
from services.model_factory.handlers.cohort.imaged import FollowUp, ImagedCohort, StudyFiles
from services.model_factory.handlers.cohort.typed import Categorical, Column, Measured, Source
from services.model_factory.handlers.imaged.measured import MeasuredImages
from services.model_factory.handlers.imaged.order import ImagedOrder
from services.model_factory.handlers.imaged.results import ImagedResults
from services.model_factory.handlers.imaged.run import ImagedRun
from services.model_factory.handlers.selection.screening import PAPER_FEATURES
from services.model_factory.ports import ExportedNetwork, Steps
from shared.predictors.imaging import RadiomicsSettings

N, FEATURES, SIDE = 150, 40, 4
COLUMNS: tuple[Column, ...] = (
    Measured("age", "Age", "a"),
    Categorical("er", "ER", ("negative", "positive")),
    Categorical("her2", "HER2", ("0", "low", "3")),
    Categorical("t", "T", ("1", "2", "3", "4")),
    Categorical("m", "M", ("0", "1")),
)


def cohort(n: int = N, seed: int = 1, signal: float = 1.2) -> tuple[ImagedCohort, MeasuredImages]:
    """Return patients whose axillary pCR follows from ER, one radiomic feature and what the crop's mean is."""
    rng = np.random.default_rng(seed)
    er, her2, t = rng.integers(0, 2, n), rng.integers(0, 3, n), rng.integers(0, 4, n)
    features = rng.normal(size=(n, FEATURES))
    features[:, 1] = features[:, 0] + 0.05 * rng.normal(size=n)
    inside = rng.normal(size=n)
    log_odds = 0.8 - 1.2 * er + 0.5 * (her2 == 2) + signal * features[:, 0] + signal * inside
    events = rng.random(n) < 1 / (1 + np.exp(-log_odds))
    crops = rng.normal(size=(n, 1, SIDE, SIDE, SIDE)).astype(np.float32) * 0.1
    crops[:, 0] += inside[:, None, None, None].astype(np.float32)
    years = rng.exponential(np.where(events, 9.0, 4.0)) + 0.1
    later = FollowUp(np.minimum(years, 5.0), years < 5.0)
    flow = (FlowBox("patients in the sheet", 0, n, int(events.sum())),)
    patients = ImagedCohort(
        "small", "Synthetic.", True, "axillary_pcr", "Axillary pCR", tuple(f"P{i:04d}" for i in range(n)), COLUMNS,
        {"age": rng.normal(50, 10, n)},
        {"er": er, "her2": her2, "t": t, "m": (rng.random(n) < 0.05).astype(np.intp)},
        events, later, tuple(StudyFiles(Path("study"), None, None) for _ in range(n)), flow,
        (Source("manifest.toml", "0" * 64),),
    )  # fmt: skip
    names = (*PAPER_FEATURES, *(f"original_firstorder_{i}" for i in range(FEATURES - len(PAPER_FEATURES))))
    quantities = {
        "spacing_slices_mm": np.full(n, 2.0),
        "phase_seconds": rng.normal(120, 5, n),
        "volume_mm3": rng.lognormal(8, 0.5, n),
        "ln_volume_mm3": rng.normal(8, 0.5, n),
        "field_tesla": np.full(n, np.nan),
    }
    measured = MeasuredImages(
        names, features, None, crops, quantities, ("A",) * n, RadiomicsSettings(), "0" * 64, "synthetic 1"
    )
    return patients, measured


class MeanNetwork:
    """A network whose probability is a logistic function of the crop's mean, fitted by its sign alone."""

    def __init__(self, crops: NDArray[np.float32], event: NDArray[np.bool_]) -> None:
        means = crops.mean(axis=(1, 2, 3, 4))
        self.middle = float(means.mean())
        self.slope = float(np.sign(means[event].mean() - means[~event].mean()))

    def probability(self, crops: NDArray[np.float32]) -> NDArray[np.float64]:
        means = crops.astype(np.float64).mean(axis=(1, 2, 3, 4))
        return np.asarray(1 / (1 + np.exp(-self.slope * (means - self.middle))))

    def exported(self, golden: NDArray[np.float32], crops: NDArray[np.float32]) -> ExportedNetwork:
        probability = float(self.probability(golden[None])[0])
        return ExportedNetwork(
            b"graph", "mean", 2, (1, SIDE, SIDE, SIDE), 0.25, "layer4", (1, 1, 1), 1, ((0.7, 0.7),), probability,
            (0, 0, 0), 1e-5,
        )  # fmt: skip


class MeanTrainer:
    """Trains one, and counts."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(
        self, crops: NDArray[np.float32], event: NDArray[np.bool_], seed: int, name: str, steps: Steps
    ) -> MeanNetwork:
        self.names.append(name)
        return MeanNetwork(crops, event)


class Kept:
    """Checkpoints and graphs in memory."""

    def __init__(self) -> None:
        self.pieces: dict[str, Any] = {}

    def get(self, key: str) -> Any | None:
        return self.pieces.get(key)

    def put(self, key: str, piece: Any) -> None:
        self.pieces[key] = piece


class Quiet:
    """Nobody watches."""

    @contextmanager
    def stage(self, name: str, pieces: int) -> Iterator[Steps]:
        yield lambda: None


def make_forest(name: str, forest: Any, rows: NDArray[np.float64]) -> tuple[bytes, NDArray[np.float64]]:
    graph = forest_graph(name, forest, rows.shape[1])
    return graph, asked(graph, rows, np.float32)


def run(
    order: ImagedOrder,
    patients: tuple[ImagedCohort, MeasuredImages] | None = None,
    kept: Kept | None = None,
    graphs: Kept | None = None,
    trainer: MeanTrainer | None = None,
) -> ImagedResults:
    """Train on ``patients``."""
    found, measured = patients or cohort()
    provenance = order.provenance(found.sources, (("python", "3"),), {})
    return ImagedRun(
        found, measured, order, provenance, trainer or MeanTrainer(), make_forest, kept or Kept(), graphs or Kept(),
        Quiet(),
    )()  # fmt: skip


def small(preset: Any = "corrected", **sizes: Any) -> ImagedOrder:
    """Return an order that takes a moment."""
    return ImagedOrder(preset, **{"folds": 3, "split_folds": 3, "resamples": 20, "trees": 20, **sizes})
