"""Parts of the training patients, and scores that no part had a say in.

A score that becomes a column of another model (``rad_score``, ``dl_prob``) is out-of-fold for every row that model
learns from. Nested in an outer cross-validation this needs, for the held-out part k, scores of every other part j by
what was learned without j and k. What is learned without {j, k} serves both ways round, so K parts need
K (K - 1) / 2 + K + 1 fits instead of (K + 1) K.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from services.model_factory.handlers.cohort.imaged import ImagedCohort
from services.model_factory.handlers.cohort.typed import Counts, Numbers
from services.model_factory.handlers.folds.fold import Fold, HeldOutRows, Seen, TrainingRows
from services.model_factory.handlers.folds.making import NOBODY, fold_numbers


@dataclass(frozen=True, slots=True, eq=False)
class Opinion:
    """What one fitted step says of every patient of the cohort; it is asked only about whom it has not seen."""

    values: Numbers
    """One per place in the cohort."""
    seen: Seen

    def of(self, rows: HeldOutRows[ImagedCohort]) -> Numbers:
        """Return the scores of ``rows``.

        Raises:
            LeakError: If one of them was learned from.
        """
        self.seen.allow(rows)
        return np.asarray(self.values[rows.index])

    def of_its_own(self, rows: TrainingRows[ImagedCohort]) -> Numbers:
        """Return the scores of the very rows it learned from: in-sample, as the paper has it; never a performance.

        Raises:
            LeakError: If it learned from others, too.
        """
        self.seen.allow(rows)
        return np.asarray(self.values[rows.index])


Fit = Callable[[TrainingRows[ImagedCohort], str], Opinion]
"""Learn from rows; the text names the fit among the checkpoints."""


@dataclass(frozen=True, slots=True, eq=False)
class Partition:
    """The training patients of a fold in ``count`` parts, events spread evenly."""

    fold: Fold[ImagedCohort]
    number: Counts
    """Of every training row of ``fold``: its part."""
    count: int

    @classmethod
    def of(cls, fold: Fold[ImagedCohort], count: int, rng: np.random.Generator) -> Partition:
        """Return a random partition.

        Raises:
            InvalidInputError: If fewer patients have the event than there are parts.
        """
        return cls(fold, fold_numbers(fold.training, count, rng), count)

    def without(self, left: frozenset[int], judged: int | None = None) -> Fold[ImagedCohort]:
        """Return the fold that learns from all parts but ``left`` and holds out the part ``judged``, one of them."""
        index = self.fold.training.index
        out = np.sort(index[self.number == judged]) if judged in left else NOBODY
        parts = ", ".join(str(one + 1) for one in sorted(left)) or "none"
        return Fold(
            self.fold.cohort, index[~np.isin(self.number, list(left))], out, f"{self.fold.name}, without {parts}"
        )


@dataclass(frozen=True, slots=True, eq=False)
class CrossFitted:
    """One step fitted on every set of parts that is asked for, each once."""

    partition: Partition
    fit: Fit
    name: str
    made: dict[frozenset[int], Opinion] = field(default_factory=dict)

    def opinion(self, left: frozenset[int]) -> Opinion:
        """Return what was learned from all parts but ``left``."""
        if left not in self.made:
            key = "-".join([self.name, *(str(one) for one in sorted(left))])
            self.made[left] = self.fit(self.partition.without(left).training, key)
        return self.made[left]

    def training(self, held_out: int | None) -> Numbers:
        """Return out-of-fold scores of the rows learned from when ``held_out`` is judged (None: nobody is)."""
        away = frozenset() if held_out is None else frozenset({held_out})
        values = np.full(self.partition.fold.cohort.n, np.nan)
        for part in set(range(self.partition.count)) - away:
            left = away | {part}
            rows = self.partition.without(left, part).held_out
            values[rows.index] = self.opinion(left).of(rows)
        return np.asarray(values[self.partition.without(away).training.index])

    def judged(self, held_out: int) -> Numbers:
        """Return the scores of the part ``held_out`` by what has not seen it."""
        left = frozenset({held_out})
        return self.opinion(left).of(self.partition.without(left, held_out).held_out)
