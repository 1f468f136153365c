"""A fold: patients to learn from, patients held out, and never a patient on both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic

import numpy as np
from typing_extensions import TypeVar

from services.model_factory.handlers.cohort.people import People
from services.model_factory.handlers.cohort.typed import Counts, Flags, Numbers, TypedCohort
from shared.domain.errors import PermanentError

_FOLD_ONLY = object()
C_co = TypeVar("C_co", bound=People, default=TypedCohort, covariant=True)
"""The kind of cohort: by default one with a time to the event."""


class LeakError(PermanentError):
    """Something was, or would be, learned from patients it must not have seen."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows(Generic[C_co]):
    """Some patients of a cohort, one row each; a bootstrap draw repeats them. Made by a :class:`Fold`."""

    cohort: C_co
    index: Counts
    """Places in the cohort."""
    fold: str
    made_by: object

    def __post_init__(self) -> None:
        if self.made_by is not _FOLD_ONLY:
            raise LeakError("rows are made by a fold, from its own patients")

    @property
    def n(self) -> int:
        """Return the number of rows."""
        return len(self.index)

    @property
    def patients(self) -> frozenset[str]:
        """Return who is in these rows."""
        return frozenset(self.cohort.patients[i] for i in np.unique(self.index))

    @property
    def years(self: Rows[TypedCohort]) -> Numbers:
        """Return the time to the event or the end of follow-up."""
        return self.cohort.years[self.index]

    @property
    def events(self) -> Flags:
        """Return who had the event."""
        events: Flags = self.cohort.events[self.index]
        return events

    def measured(self, name: str) -> Numbers:
        """Return a measured candidate; NaN missing, -inf below the detection limit."""
        return self.cohort.measured[name][self.index]

    def categorical(self, name: str) -> Counts:
        """Return the level numbers of a categorical candidate; -1 missing."""
        return self.cohort.categorical[name][self.index]


class TrainingRows(Rows[C_co]):
    """The patients of a fold that steps learn from."""

    __slots__ = ()

    def among(self, places: Counts) -> TrainingRows[C_co]:
        """Return some of these rows, by their places among them: for steps within the fold's own learning."""
        return TrainingRows(self.cohort, self.index[places], self.fold, _FOLD_ONLY)


class HeldOutRows(Rows[C_co]):
    """The patients of a fold that nothing has learned from."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False)
class Fold(Generic[C_co]):
    """Patients to learn from and patients held out."""

    cohort: C_co
    learned_from: Counts
    """Places in the cohort; repeated in a bootstrap draw."""
    left_out: Counts
    name: str

    def __post_init__(self) -> None:
        if not len(self.learned_from):
            raise LeakError(f"fold {self.name} has nobody to learn from")
        both = self.training.patients & self.held_out.patients
        if both:
            raise LeakError(f"fold {self.name} holds out {len(both)} patients it also learns from")

    @property
    def training(self) -> TrainingRows[C_co]:
        """Return the patients to learn from."""
        return TrainingRows(self.cohort, self.learned_from, self.name, _FOLD_ONLY)

    @property
    def held_out(self) -> HeldOutRows[C_co]:
        """Return the patients held out."""
        return HeldOutRows(self.cohort, self.left_out, self.name, _FOLD_ONLY)


@dataclass(frozen=True, slots=True)
class Seen:
    """Which patients something was learned from; every fitted step carries one."""

    patients: frozenset[str]
    fold: str

    def allow(self, rows: Rows[Any]) -> None:
        """Let what was learned be applied to ``rows``.

        Raises:
            LeakError: If ``rows`` are held out and were learned from, or are learned from while others were too.
        """
        if isinstance(rows, HeldOutRows):
            known = self.patients & rows.patients
            if known:
                raise LeakError(
                    f"fold {rows.fold} would be judged by what fold {self.fold} learned from {len(known)} of its own "
                    "held-out patients"
                )
            return
        more = self.patients - rows.patients
        if more:
            raise LeakError(
                f"fold {rows.fold} would learn through what fold {self.fold} learned from {len(more)} patients "
                "outside its training rows"
            )


def learning_from(rows: object) -> Seen:
    """Return what a step that is being fitted on ``rows`` will have seen; the first line of every ``fit``.

    Raises:
        LeakError: If ``rows`` are not the training rows of a fold: a cohort, an array, or the held-out rows.
    """
    if not isinstance(rows, TrainingRows):
        raise LeakError(f"fitting takes the training rows of a fold, not {type(rows).__name__}")
    return Seen(rows.patients, rows.fold)
