"""Which slides are learned from and which are judged: whole patients, never a patient on both sides."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from services.model_factory.handlers.cohort.slides import SlideCohort
from services.model_factory.handlers.cohort.typed import Counts, Flags
from services.model_factory.handlers.folds.fold import Fold
from services.model_factory.handlers.slides.order import HELD_OUT_SHARE, SlidesOrder
from shared.domain.errors import InvalidInputError

ALL = "all"


def internal(cohort: SlideCohort) -> Counts:
    """Return the slides of the patients that are learned from, and no treated ones that only the NAT arm has."""
    return np.flatnonzero(cohort.learned_from)


def folds_of(cohort: SlideCohort, order: SlidesOrder) -> Iterator[Fold[SlideCohort]]:
    """Yield the folds that judge: K under ``corrected``, one split of 80 % under ``paper``.

    Raises:
        InvalidInputError: If a class has too few patients to fill them.
    """
    rows = internal(cohort)
    if order.preset == "paper":
        out = _dealt(cohort, rows, round(1 / HELD_OUT_SHARE), order) == 0
        yield Fold(cohort, rows[~out], rows[out], "split")
        return
    number = _dealt(cohort, rows, order.folds, order)
    for k in range(1 if order.single else order.folds):
        yield Fold(cohort, rows[number != k], rows[number == k], f"fold {k + 1}")


def everybody(cohort: SlideCohort) -> Fold[SlideCohort]:
    """Return the fold that learns from every slide that may be learned from; the external ones are held out.

    A patient on both sides is refused by the fold itself.
    """
    rows = internal(cohort)
    return Fold(cohort, rows, np.setdiff1d(np.arange(cohort.n), rows), ALL)


def _dealt(cohort: SlideCohort, rows: Counts, folds: int, order: SlidesOrder) -> Counts:
    """Return the fold of every row: patients dealt within their class, in a random order."""
    names = [cohort.patients[row] for row in rows]
    positive = _positive(cohort, rows)
    found: dict[str, int] = {}
    start = 0
    rng = order.random("folds")
    for wanted in (True, False):
        group = sorted({name for name, one in zip(names, positive, strict=True) if bool(one) == wanted})
        if len(group) < folds:
            kind = cohort.event if wanted else f"no {cohort.event}"
            raise InvalidInputError("cohort", f"{len(group)} patients with {kind} cannot fill {folds} folds")
        for place, name in enumerate(rng.permutation(len(group))):
            found[group[int(name)]] = (place + start) % folds
        start += len(group)
    return np.array([found[name] for name in names], dtype=np.intp)


def _positive(cohort: SlideCohort, rows: Counts) -> Flags:
    """Return whether each row's patient has a positive slide: two slides of one patient may differ."""
    some = {cohort.patients[row] for row in rows if cohort.events[row]}
    return np.array([cohort.patients[row] in some for row in rows], dtype=np.bool_)
