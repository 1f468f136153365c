"""What the models say of patients they have not learned from, with the thresholds frozen before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from services.model_factory.handlers.cohort.imaged import ImagedCohort
from services.model_factory.handlers.cohort.typed import Counts, Flags, Numbers
from services.model_factory.handlers.folds.fold import Rows, TrainingRows, learning_from
from services.model_factory.handlers.folds.making import fold_numbers
from services.model_factory.handlers.imaged.classifiers import ALGORITHMS, Algorithm, Classifier, fit, machine_scores
from services.model_factory.handlers.imaged.families import Family, Scores, table
from services.model_factory.handlers.imaged.order import ImagedOrder
from services.model_factory.handlers.imaged.partition import CrossFitted
from services.model_factory.handlers.statistics.at_threshold import youden

Kind = Literal["apparent", "out_of_fold", "held_out", "after_selection"]
CUT_FOLDS = 5
"""Of the cross-validation that gives a threshold its predictions."""
MACHINE = "machine"
"""The support vector machine, which ranks and is not served."""


@dataclass(frozen=True, slots=True, eq=False)
class Predicted:
    """One model on some patients."""

    model: str
    """``family.algorithm``."""
    kind: Kind
    index: Counts
    """Places in the cohort."""
    event: Flags
    probability: Numbers
    """Of the event; of the machine a decision value."""
    called: Flags
    """At or above the threshold of the patient's own fold."""
    cut: float
    """The threshold; the median where every fold has its own."""
    fold: Counts
    """Number of the patient's fold."""


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """One family's model with its frozen threshold."""

    family: Family
    algorithm: Algorithm
    classifier: Classifier
    cut: float


@dataclass(frozen=True, slots=True, eq=False)
class Trainer:
    """Fits and asks the models of the families at hand."""

    families: tuple[Family, ...]
    order: ImagedOrder

    def fitted(self, rows: TrainingRows[ImagedCohort], scores: Scores, name: str) -> list[Fitted]:
        """Fit every family by every algorithm on ``rows``, thresholds by Youden on predictions out-of-fold."""
        number = fold_numbers(rows, CUT_FOLDS, self.order.random(f"cut {name}"))
        found = []
        for family in self.families:
            x = table(family, rows, scores)
            for algorithm in ALGORITHMS:
                seed = self.order.number(f"{name} {family}")
                cut = youden(rows.events, self._crossed(rows, x, number, algorithm, seed))
                classifier = fit(algorithm, rows, x, seed, self.order.trees)
                found.append(Fitted(family, algorithm, classifier, cut))
        return found

    def _crossed(
        self, rows: TrainingRows[ImagedCohort], x: Numbers, number: Counts, algorithm: Algorithm, seed: int
    ) -> Numbers:
        """Return cross-validated probabilities of the training rows themselves; they give thresholds, never numbers."""
        learning_from(rows)
        values = np.empty(rows.n)
        for k in range(int(number.max()) + 1):
            out = number == k
            inner = rows.among(np.flatnonzero(~out))
            values[out] = fit(algorithm, inner, x[~out], seed, self.order.trees).probability(x[out])
        return values

    def after_selection(self, rows: TrainingRows[ImagedCohort], scores: Scores, cuts: list[Fitted]) -> list[Predicted]:
        """Cross-validate on columns that were made from all rows: as the paper prints it, and optimistic."""
        number = fold_numbers(rows, CUT_FOLDS, self.order.random("after selection"))
        found = []
        for one in cuts:
            x = table(one.family, rows, scores)
            seed = self.order.number(f"after selection {one.family}")
            values = self._crossed(rows, x, number, one.algorithm, seed)
            found.append(_predicted(one, "after_selection", rows, values, number))
        return found

    def machines(
        self, rows: TrainingRows[ImagedCohort], scores: Scores, others: Rows[ImagedCohort], asked: Scores, kind: Kind
    ) -> list[Predicted]:
        """Return the support vector machine's ranking of ``others``, per family."""
        found = []
        for family in self.families:
            values = machine_scores(rows, table(family, rows, scores), table(family, others, asked))
            zero = np.zeros(others.n, dtype=np.intp)
            found.append(
                Predicted(f"{family}.{MACHINE}", kind, others.index, others.events, values, values >= 0, 0.0, zero)
            )
        return found


def asked(models: list[Fitted], kind: Kind, rows: Rows[ImagedCohort], scores: Scores, fold: int = 0) -> list[Predicted]:
    """Ask fitted models about ``rows``.

    Raises:
        LeakError: If ``rows`` are held out and a model has seen them.
    """
    found = []
    for one in models:
        one.classifier.seen.allow(rows)
        values = one.classifier.probability(table(one.family, rows, scores))
        found.append(_predicted(one, kind, rows, values, np.full(rows.n, fold, dtype=np.intp)))
    return found


def _predicted(one: Fitted, kind: Kind, rows: Rows[ImagedCohort], values: Numbers, fold: Counts) -> Predicted:
    name = f"{one.family}.{one.algorithm}"
    return Predicted(name, kind, rows.index, rows.events, values, np.asarray(values >= one.cut), one.cut, fold)


def joined(folds: list[list[Predicted]]) -> list[Predicted]:
    """Return the folds' predictions as one set per model."""
    return [_joined(same) for same in zip(*folds, strict=True)]


def _joined(same: tuple[Predicted, ...]) -> Predicted:
    one = same[0]
    return Predicted(
        one.model, one.kind, np.concatenate([part.index for part in same]),
        np.concatenate([part.event for part in same]), np.concatenate([part.probability for part in same]),
        np.concatenate([part.called for part in same]), float(np.median([part.cut for part in same])),
        np.concatenate([part.fold for part in same]),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Both image scores of the same partition."""

    rad: CrossFitted
    network: CrossFitted

    def training(self, held_out: int | None = None) -> Scores:
        """Return out-of-fold scores of the rows learned from."""
        return Scores(self.rad.training(held_out), self.network.training(held_out))

    def judged(self, held_out: int) -> Scores:
        """Return the scores of the part ``held_out``."""
        return Scores(self.rad.judged(held_out), self.network.judged(held_out))

    def whole(self) -> tuple[TrainingRows[ImagedCohort], Scores]:
        """Return all rows of the partition's fold with their scores in-sample, as the paper has it."""
        nobody: frozenset[int] = frozenset()
        rows = self.rad.partition.without(nobody).training
        rad, network = self.rad.opinion(nobody).of_its_own(rows), self.network.opinion(nobody).of_its_own(rows)
        return rows, Scores(rad, network)

    def others(self) -> Scores:
        """Return the scores of whom the partition's fold holds out."""
        rows, nobody = self.rad.partition.fold.held_out, frozenset[int]()
        return Scores(self.rad.opinion(nobody).of(rows), self.network.opinion(nobody).of(rows))
