"""The selector of the paper: what LASSO, random forest and gradient boosting all choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from services.model_factory.handlers.cohort.design import Design
from services.model_factory.handlers.cohort.preparing import Prepared
from services.model_factory.handlers.cohort.typed import Numbers
from services.model_factory.handlers.folds.fold import Seen, TrainingRows, learning_from
from services.model_factory.handlers.folds.making import fold_numbers
from services.model_factory.handlers.selection.lasso import binomial_lasso, cox_lasso
from services.model_factory.handlers.selection.trees import Target, boosting_gain, forest_importance
from services.model_factory.handlers.training.selected import Importance, LassoPath, MethodSelection, VennCount

METHODS = ("lasso", "random_forest", "xgboost")


@dataclass(frozen=True, slots=True)
class Selector:
    """How candidates are chosen; ``fit`` chooses on the training rows of a fold."""

    lasso: Literal["binomial_min", "cox_1se"]
    target: Target
    """What the trees look at."""
    trees: int = 500
    folds: int = 10

    def fit(self, rows: TrainingRows, prepared: Prepared, rng: np.random.Generator) -> Selected:
        """Choose; what is prepared must have been learned on these rows too.

        Raises:
            LeakError: If ``rows`` are not training rows, or ``prepared`` has seen other patients.
            InvalidInputError: If there are fewer events than folds.
        """
        seen = learning_from(rows)
        design = prepared.design(rows).varying()
        number = fold_numbers(rows, self.folds, rng)
        if self.lasso == "binomial_min":
            lasso = binomial_lasso(design, rows.events, number)
        else:
            lasso = cox_lasso(design, rows.years, rows.events, number)
        forest = forest_importance(design.x, rows.years, rows.events, self.target, self.trees, rng)
        boosting = boosting_gain(design.x, rows.years, rows.events, number, self.target, rng)
        methods = (
            _method(design, "lasso", f"coefficient not 0 ({self._lasso_words})", np.abs(lasso.coefficients), 0.0),
            _method(design, "random_forest", f"importance above the mean ({self._forest_words})", forest, None),
            _method(design, "xgboost", f"gain above 0 ({self._boosting_words})", boosting, 0.0),
        )
        return Selected(methods, lasso.path, seen)

    @property
    def _lasso_words(self) -> str:
        if self.lasso == "binomial_min":
            return f"binomial deviance, {self.folds}-fold cross-validation, lambda.min"
        return f"Cox partial likelihood, {self.folds}-fold cross-validation, lambda.1se"

    @property
    def _forest_words(self) -> str:
        kind = "classification" if self.target == "event" else "regression of martingale residuals"
        return f"{self.trees} trees, {kind}, mean decrease in impurity"

    @property
    def _boosting_words(self) -> str:
        kind = "logistic" if self.target == "event" else "Cox"
        return f"{kind} loss, depth 3, rate 0.1, rounds by early-stopped cross-validation"


@dataclass(frozen=True, slots=True)
class Selected:
    """What each method chose, and on whom."""

    methods: tuple[MethodSelection, ...]
    path: LassoPath
    seen: Seen

    @property
    def by_method(self) -> Mapping[str, frozenset[str]]:
        """Return each method's candidates."""
        return {one.method: frozenset(row.candidate for row in one.importances if row.chosen) for one in self.methods}

    @property
    def intersection(self) -> tuple[str, ...]:
        """Return what all methods chose, in alphabetical order; may be empty."""
        return tuple(sorted(frozenset.intersection(*self.by_method.values())))

    @property
    def venn(self) -> tuple[VennCount, ...]:
        """Return the seven fields of the diagram: chosen by exactly these methods."""
        sets = self.by_method
        fields = []
        for size in range(1, len(METHODS) + 1):
            for inside in combinations(METHODS, size):
                both = frozenset.intersection(*(sets[name] for name in inside))
                others = frozenset().union(*(sets[name] for name in METHODS if name not in inside))
                only = tuple(sorted(both - others))
                fields.append(VennCount(inside, len(only), only))
        return tuple(fields)


def _method(design: Design, name: str, rule: str, columns: Numbers, above: float | None) -> MethodSelection:
    """Sum over a candidate's columns; chosen above ``above``, or above the mean of the candidates."""
    sums = {
        candidate: float(sum(columns[i] for i, c in enumerate(design.columns) if c.candidate == candidate))
        for candidate in design.candidates
    }
    limit = above if above is not None else sum(sums.values()) / len(sums)
    ordered = sorted(sums.items(), key=lambda item: (-item[1], item[0]))
    return MethodSelection(name, rule, tuple(Importance(c, value, value > limit) for c, value in ordered))
