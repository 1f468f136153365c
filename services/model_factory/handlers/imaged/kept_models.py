"""The models a run keeps, as its results state them."""

from __future__ import annotations

from itertools import product

import numpy as np

from services.model_factory.handlers.cohort.imaged import ImagedCohort
from services.model_factory.handlers.cohort.typed import Numbers
from services.model_factory.handlers.folds.fold import TrainingRows
from services.model_factory.handlers.imaged.classifiers import (
    FEATURES_PER_SPLIT,
    FittedForest,
    FittedLogistic,
    fit_forest,
)
from services.model_factory.handlers.imaged.families import DL_PROB, RAD_SCORE, Family, Scores, columns_of, table
from services.model_factory.handlers.imaged.order import ImagedOrder
from services.model_factory.handlers.imaged.predicting import Fitted
from services.model_factory.handlers.imaged.results import FamilyModel, GoldenRow, Tuned
from services.model_factory.handlers.statistics.discrimination import auc
from services.model_factory.ports import ForestGraph, Graphs
from shared.predictors.ln_pcr.clinical import HER2_UNSPLIT, LEVELS, features

PARITY = 5e-6
"""Largest difference of probability between the forest and its graph that is let through (single precision)."""
TREES_TRIED = (50, 100, 250, 500)


def forest_file(family: str) -> str:
    """Return the name of a family's forest among the run's graphs."""
    return f"{family}-forest.onnx"


def family_models(
    models: list[Fitted], rows: TrainingRows[ImagedCohort], scores: Scores, order: ImagedOrder, make: ForestGraph,
    graphs: Graphs,
) -> tuple[FamilyModel, ...]:  # fmt: skip
    """State every family and keep its forest's graph.

    Raises:
        ValueError: If a graph does not say what its forest says.
    """
    families = dict.fromkeys(one.family for one in models)
    found = []
    for family in families:
        pair = {one.algorithm: one for one in models if one.family == family}
        x = table(family, rows, scores)
        found.append(_family(family, pair["logistic"], pair["forest"], x, rows, order, make, graphs))
    return tuple(found)


def _family(
    family: Family, plain: Fitted, grown: Fitted, x: Numbers, rows: TrainingRows[ImagedCohort], order: ImagedOrder,
    make: ForestGraph, graphs: Graphs,
) -> FamilyModel:  # fmt: skip
    logistic, forest = plain.classifier, grown.classifier
    if not (isinstance(logistic, FittedLogistic) and isinstance(forest, FittedForest)):  # pragma: no cover
        raise TypeError(family)
    levels, golden = _golden(family, x)
    both = np.vstack([x, golden])
    graph, said = make(f"ln_pcr-{family}-forest", forest.trees, both)
    parity = float(np.abs(said - forest.probability(both)).max())
    if parity > PARITY:
        raise ValueError(f"the graph of the forest {family} differs from it by {parity:.2g}")
    graphs.put(forest_file(family), graph)
    return FamilyModel(
        family, columns_of(family), rows.n, int(rows.events.sum()), logistic.intercept,
        tuple(float(one) for one in logistic.coefficients),
        tuple(tuple(float(one) for one in row) for row in logistic.covariance), logistic.penalised, plain.cut,
        grown.cut, order.trees, FEATURES_PER_SPLIT, parity, _rows(levels, golden, logistic, said[len(x) :]),
    )  # fmt: skip


def _golden(family: Family, x: Numbers) -> tuple[list[dict[str, str]], Numbers]:
    """Return every combination of levels for the clinical family, a few with low and high scores for the others."""
    every = [dict(zip(LEVELS, row, strict=True)) for row in product(*LEVELS.values())]
    levels = [one for one in every if one["her2"] != HER2_UNSPLIT]
    columns = columns_of(family)
    clinical = np.array([list(features(one).values()) for one in levels])
    scores = [columns.index(name) for name in (RAD_SCORE, DL_PROB) if name in columns]
    if not scores:
        return levels, clinical
    # Rounded, so that a bundle's golden rows can be read and typed.
    low, high = (np.round(np.quantile(x[:, scores], share, axis=0), 4) for share in (0.1, 0.9))
    few = levels[::4]
    plain = clinical[::4]
    rows = [np.column_stack([plain, np.tile(one, (len(few), 1))]) for one in (low, high)]
    return [*few, *few], np.vstack(rows)


def _rows(
    levels: list[dict[str, str]], golden: Numbers, logistic: FittedLogistic, forest: Numbers
) -> tuple[GoldenRow, ...]:
    said = logistic.probability(golden)
    return tuple(
        GoldenRow(tuple(one.items()), tuple(float(v) for v in row), float(a), float(b))
        for one, row, a, b in zip(levels, golden, said, forest, strict=True)
    )


def tuned(
    family: Family, rows: TrainingRows[ImagedCohort], scores: Scores, order: ImagedOrder, steps: int = 4
) -> tuple[Tuned, ...]:
    """Return the tuning curve of the forest (the paper's supplementary figure 1), by its own out-of-bag votes.

    Raises:
        LeakError: If ``rows`` are not training rows.
    """
    x = table(family, rows, scores)
    splits = sorted({1, *np.linspace(1, x.shape[1], steps).astype(int).tolist()})
    seed = order.number("tuning")
    settings = [(order.trees, split) for split in splits] + [(trees, FEATURES_PER_SPLIT) for trees in TREES_TRIED]
    return tuple(
        Tuned(trees, split, auc(rows.events, _out_of_bag(rows, x, seed, trees, split)).value)
        for trees, split in dict.fromkeys(settings)
        if trees <= order.trees
    )


def _out_of_bag(rows: TrainingRows[ImagedCohort], x: Numbers, seed: int, trees: int, split: int) -> Numbers:
    forest = fit_forest(rows, x, seed, trees, split).trees
    votes, count = np.zeros(rows.n), np.zeros(rows.n)
    for tree, drawn in zip(forest.estimators_, forest.estimators_samples_, strict=True):
        out = np.setdiff1d(np.arange(rows.n), drawn)
        votes[out] += tree.predict_proba(x[out].astype(np.float32))[:, 1]
        count[out] += 1
    return np.asarray(np.where(count > 0, votes / np.maximum(count, 1), rows.events.mean()))
