"""Prepare, select, fit: the whole pipeline on the training rows of one fold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.model_factory.handlers.cohort.preparing import Prepared
from services.model_factory.handlers.folds.fold import TrainingRows
from services.model_factory.handlers.selection.selector import Selected
from services.model_factory.handlers.survival.cox import CoxModel, fit_cox
from services.model_factory.handlers.training.presets import Recipe


@dataclass(frozen=True, slots=True)
class Fitted:
    """What one fold gave."""

    prepared: Prepared
    selected: Selected | None
    """None where the variables were named beforehand and nothing was selected."""
    variables: tuple[str, ...]
    model: CoxModel


def fit_pipeline(
    rows: TrainingRows, recipe: Recipe, rng: np.random.Generator, variables: tuple[str, ...] = ()
) -> Fitted:
    """Run the pipeline; ``variables`` named beforehand skip the selection.

    Raises:
        LeakError: If ``rows`` are not the training rows of a fold.
        InvalidInputError: If there are too few events.
    """
    prepared = recipe.preparation.fit(rows)
    selected = None if variables else recipe.selector.fit(rows, prepared, rng)
    chosen = variables or (selected.intersection if selected else ())
    return Fitted(prepared, selected, chosen, fit_cox(rows, prepared, chosen))
