"""Make folds: everyone, one random split, cross-validation, bootstrap draws. Patients are the unit everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import numpy as np

from services.model_factory.handlers.cohort.people import People
from services.model_factory.handlers.cohort.typed import Counts
from services.model_factory.handlers.folds.fold import Fold, TrainingRows
from shared.domain.errors import InvalidInputError

C = TypeVar("C", bound=People)
NOBODY: Counts = np.array([], dtype=np.intp)


def everyone(cohort: C) -> Fold[C]:
    """Return the fold that learns from all patients and holds out none: for the model that is kept."""
    return Fold(cohort, np.arange(cohort.n, dtype=np.intp), NOBODY, "everyone")


def split(cohort: C, held_out_share: float, rng: np.random.Generator) -> Fold[C]:
    """Return one random split; the larger side learns."""
    order = rng.permutation(cohort.n)
    out = round(cohort.n * held_out_share)
    return Fold(cohort, np.sort(order[out:]), np.sort(order[:out]), f"split {1 - held_out_share:.0%}")


def stratified_split(cohort: C, held_out_share: float, rng: np.random.Generator) -> Fold[C]:
    """Return one random split with the same share of events on both sides."""
    out = [
        rng.permutation(group)[: round(len(group) * held_out_share)]
        for group in (np.flatnonzero(cohort.events), np.flatnonzero(~cohort.events))
    ]
    left_out = np.sort(np.concatenate(out))
    learned = np.setdiff1d(np.arange(cohort.n, dtype=np.intp), left_out)
    return Fold(cohort, learned, left_out, f"split {1 - held_out_share:.0%}, stratified")


def cross_validation(fold: Fold[C], folds: int, rng: np.random.Generator, name: str = "cv") -> Iterator[Fold[C]]:
    """Yield ``folds`` folds over the training patients of ``fold``, events spread evenly.

    Raises:
        InvalidInputError: If there are fewer events than folds.
    """
    rows = fold.training
    number = fold_numbers(rows, folds, rng)
    for k in range(folds):
        out = np.unique(rows.index[number == k])
        yield Fold(fold.cohort, rows.index[number != k], out, f"{name} {k + 1} of {folds}")


def bootstrap(fold: Fold[C], rng: np.random.Generator, name: str) -> Fold[C]:
    """Return one draw with repeats from the training patients; who was not drawn is held out."""
    index = fold.training.index
    while True:
        drawn = np.sort(rng.choice(index, len(index)))
        # A draw with fewer events than columns can carry would fail later; it is drawn again, which is recorded nowhere
        # because with a handful of events it practically never happens.
        if fold.cohort.events[drawn].sum() >= 2:
            return Fold(fold.cohort, drawn, np.setdiff1d(index, drawn), name)


def fold_numbers(rows: TrainingRows[C], folds: int, rng: np.random.Generator) -> Counts:
    """Return the fold number of every row: events spread evenly, all rows of a patient in one fold.

    Raises:
        InvalidInputError: If fewer patients have the event than there are folds.
    """
    unique = np.unique(rows.index)
    events = rows.cohort.events[unique]
    if events.sum() < folds:
        raise InvalidInputError("cohort", f"{int(events.sum())} patients with the event cannot fill {folds} folds")
    number = np.empty(len(unique), dtype=np.intp)
    start = 0
    for group in (np.flatnonzero(events), np.flatnonzero(~events)):
        shuffled = rng.permutation(group)
        number[shuffled] = (np.arange(len(group)) + start) % folds
        start += len(group)
    places: Counts = number[np.searchsorted(unique, rows.index)]
    return places
