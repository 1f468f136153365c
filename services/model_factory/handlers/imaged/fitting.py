"""The two steps that turn images into a column: each fit is kept, so that a run that was cut goes on where it was."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from services.model_factory.handlers.cohort.imaged import ImagedCohort
from services.model_factory.handlers.folds.fold import TrainingRows, learning_from
from services.model_factory.handlers.imaged.measured import MeasuredImages
from services.model_factory.handlers.imaged.order import ImagedOrder
from services.model_factory.handlers.imaged.partition import Opinion
from services.model_factory.handlers.imaged.rad_score import FittedRadScore, as_kept, fit_rad_score
from services.model_factory.ports import Checkpoints, NetworkFit, NetworkTrainer, Steps


@dataclass(frozen=True, slots=True, eq=False)
class RadScoring:
    """Screen and fit; every fit is remembered by its name."""

    measured: MeasuredImages
    order: ImagedOrder
    kept: Checkpoints
    steps: Steps
    fitted: dict[str, FittedRadScore] = field(default_factory=dict)

    def __call__(self, rows: TrainingRows[ImagedCohort], name: str) -> Opinion:
        """Return the score of everybody by what ``rows`` teach."""
        piece = self.kept.get(name)
        if piece is None:
            one = fit_rad_score(rows, self.measured, self.order.named, self.order.random(name))
            self.kept.put(name, one.kept())
        else:
            one = as_kept(piece, rows)
        self.fitted[name] = one
        self.steps()
        return one.opinion(self.measured)


@dataclass(frozen=True, slots=True, eq=False)
class NetworkScoring:
    """Train the network; what it says of everybody is kept."""

    measured: MeasuredImages
    order: ImagedOrder
    trainer: NetworkTrainer
    kept: Checkpoints
    steps: Steps

    def __call__(self, rows: TrainingRows[ImagedCohort], name: str) -> Opinion:
        """Return the probability of everybody by what ``rows`` teach."""
        seen = learning_from(rows)
        piece = self.kept.get(name)
        if piece is None:
            piece = [float(value) for value in self.network(rows, name).probability(self.measured.crops)]
            self.kept.put(name, piece)
        self.steps()
        return Opinion(np.array(piece, dtype=np.float64), seen)

    def network(self, rows: TrainingRows[ImagedCohort], name: str) -> NetworkFit:
        """Return the network itself; trained again, or read from where the trainer keeps it."""
        learning_from(rows)
        crops, event = self.measured.crops[rows.index], np.asarray(rows.events)
        return self.trainer(crops, event, self.order.number(name), name, lambda: None)


@dataclass(frozen=True, slots=True, eq=False)
class NoScoring:
    """Where images give no such column: the same number for everybody, which no model uses."""

    n: int

    def __call__(self, rows: TrainingRows[ImagedCohort], name: str) -> Opinion:
        """Return zeros."""
        del name
        return Opinion(np.zeros(self.n), learning_from(rows))
