"""How the variables of a model were chosen, as a run states it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Importance:
    """What one method says of one candidate."""

    candidate: str
    importance: float
    """Sum over the candidate's columns: absolute standardised coefficient, mean impurity decrease, or gain."""
    chosen: bool


@dataclass(frozen=True, slots=True)
class MethodSelection:
    """One selector on the training patients."""

    method: str
    """``lasso``, ``random_forest``, ``xgboost``."""
    rule: str
    """How an importance becomes a choice, in words."""
    importances: tuple[Importance, ...]
    """All candidates, most important first."""


@dataclass(frozen=True, slots=True)
class LassoPath:
    """Cross-validated deviance along the penalty."""

    lambdas: tuple[float, ...]
    """Largest first."""
    deviance: tuple[float, ...]
    """Mean over the folds, per patient; empty where the method does not keep it."""
    standard_error: tuple[float, ...]
    chosen: float
    coefficients: tuple[tuple[float, ...], ...]
    """[lambda, column], columns as in ``columns``."""
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Frequency:
    """How often a candidate was chosen when the training patients were drawn again."""

    candidate: str
    lasso: float
    random_forest: float
    xgboost: float
    intersection: float
    """Fraction of the draws."""


@dataclass(frozen=True, slots=True)
class VennFrequency:
    """How often exactly these methods chose the candidate: one region of the Venn diagram, over the draws."""

    candidate: str
    methods: tuple[str, ...]
    share: float
    """Fraction of the draws; above 0."""


@dataclass(frozen=True, slots=True)
class Steadiness:
    """Whether a method chooses the same candidates when the patients are drawn again (Nogueira's index)."""

    method: str
    """A method, or ``intersection``."""
    index: float | None
    """1: always the same; 0: no better than chance; None where it always takes all candidates or none."""


@dataclass(frozen=True, slots=True)
class VennCount:
    """Candidates chosen by exactly these methods."""

    methods: tuple[str, ...]
    count: int
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which candidates became the model's variables."""

    prespecified: bool
    """True where the variables were named beforehand; the selectors' opinion is then shown and not followed."""
    chosen: tuple[str, ...]
    methods: tuple[MethodSelection, ...]
    path: LassoPath
    venn: tuple[VennCount, ...]
    draws: int
    """Bootstraps behind ``frequencies``; 0 where none were made."""
    frequencies: tuple[Frequency, ...]
    fold_choices: tuple[tuple[str, ...], ...]
    """What the intersection was in each fold of the cross-validation."""
    regions: tuple[VennFrequency, ...] = ()
    steadiness: tuple[Steadiness, ...] = ()


@dataclass(frozen=True, slots=True)
class SelectionGap:
    """The same pipeline cross-validated twice: candidates chosen on all patients, and inside every fold."""

    metric: str
    outside: float
    """Selection saw the patients it is judged on: optimism, not performance."""
    inside: float
    folds: int
    repeats: int

    @property
    def gap(self) -> float:
        """Return what selecting outside pretends."""
        return self.outside - self.inside
