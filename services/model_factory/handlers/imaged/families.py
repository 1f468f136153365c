"""The three families of models and their columns: six clinical ones, then ``rad_score``, then ``dl_prob``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from services.model_factory.handlers.cohort.facts import FlowBox
from services.model_factory.handlers.cohort.imaged import ImagedCohort
from services.model_factory.handlers.cohort.typed import Categorical, Counts, Numbers
from services.model_factory.handlers.folds.fold import Rows
from shared.domain.errors import InvalidInputError
from shared.predictors.ln_pcr.clinical import FEATURES, HER2_UNSPLIT, LEVELS, features

Family = Literal["clinical", "clinical_radiomics", "clinical_dlr"]
FAMILIES: tuple[Family, ...] = ("clinical", "clinical_radiomics", "clinical_dlr")
"""By the name of the variant a bundle of the family is."""
RAD_SCORE, DL_PROB = "rad_score", "dl_prob"


def columns_of(family: Family) -> tuple[str, ...]:
    """Return the columns in the order of the graph's input."""
    return (*FEATURES, RAD_SCORE, DL_PROB)[: len(FEATURES) + FAMILIES.index(family)]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Both image scores of some rows, in their order."""

    rad_score: Numbers
    dl_prob: Numbers


def table(family: Family, rows: Rows[ImagedCohort], scores: Scores) -> Numbers:
    """Return (rows, columns) of ``family``."""
    clinical = np.stack([_indicators(rows.cohort, int(place)) for place in rows.index])
    return np.column_stack([clinical, scores.rad_score, scores.dl_prob])[:, : len(columns_of(family))]


def levels_of(cohort: ImagedCohort, place: int) -> dict[str, str]:
    """Return ER, HER2 and T of one patient; an empty text where it is not known."""
    found = {}
    for name in LEVELS:
        column, code = cohort.column(name), int(cohort.categorical[name][place])
        known = isinstance(column, Categorical) and code >= 0
        found[name] = column.levels[code] if known and isinstance(column, Categorical) else ""
    return found


def _indicators(cohort: ImagedCohort, place: int) -> Numbers:
    return np.array(list(features(levels_of(cohort, place)).values()))


def answerable(cohort: ImagedCohort) -> ImagedCohort:
    """Return the patients whose ER, HER2 (told apart into 0, low, 3) and T are known; nothing is filled in.

    Raises:
        InvalidInputError: If the cohort declares one of them otherwise, or nobody is left.
    """
    for name, allowed in LEVELS.items():
        column = cohort.column(name) if name in cohort.categorical else None
        strange = sorted(set(column.levels) - {*allowed, column.unknown}) if isinstance(column, Categorical) else [""]
        if strange:
            raise InvalidInputError("cohort", f"column {name} has to have the levels {', '.join(allowed)}")
    kept: Counts = np.array([i for i in range(cohort.n) if _known(levels_of(cohort, i))], dtype=np.intp)
    if not len(kept):
        raise InvalidInputError("cohort", "ER, HER2 and T together are known of nobody")
    left = FlowBox(
        "ER, HER2 (0, low, 3) or T not known", cohort.n - len(kept), len(kept), int(cohort.events[kept].sum())
    )
    return cohort.only(kept, left) if len(kept) < cohort.n else cohort


def _known(levels: dict[str, str]) -> bool:
    return all(level in LEVELS[name] for name, level in levels.items()) and levels["her2"] != HER2_UNSPLIT
