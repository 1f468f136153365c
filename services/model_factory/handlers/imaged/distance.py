"""What the kept models have seen: ranges for people, mean and covariance for the distance of a new patient."""

from __future__ import annotations

import numpy as np

from services.model_factory.handlers.cohort.imaged import ImagedCohort
from services.model_factory.handlers.cohort.typed import Numbers
from services.model_factory.handlers.folds.fold import TrainingRows, learning_from
from services.model_factory.handlers.imaged.measured import MeasuredImages
from services.model_factory.handlers.imaged.results import SeenFacts

SHARES = (0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
DISTANT = ("ln_volume_mm3", "spacing_slices_mm", "spacing_rows_mm", "phase_seconds", "region_median")
"""Quantities that enter the distance beside the rad-score's features; one that does not vary, or is missing in a
training patient, is only a range."""


def seen_by(rows: TrainingRows[ImagedCohort], measured: MeasuredImages, features: tuple[str, ...]) -> SeenFacts:
    """Return what ``rows`` were like; ``features``: those of the rad-score.

    Raises:
        LeakError: If ``rows`` are not training rows.
    """
    learning_from(rows)
    values = {name: column[rows.index] for name, column in measured.quantities.items()}
    places = {name: place for place, name in enumerate(measured.names)}
    chosen = {name: measured.values[rows.index, places[name]] for name in features}
    known = {name: column[np.isfinite(column)] for name, column in (*values.items(), *chosen.items())}
    ranges = tuple((name, *_range(column)) for name, column in known.items() if len(column))
    entering = {name: values[name] for name in DISTANT if name in values} | chosen
    kept = {name: column for name, column in entering.items() if np.isfinite(column).all() and np.ptp(column) > 0}
    makers = sorted({measured.manufacturers[place] for place in rows.index} - {""})
    return SeenFacts(ranges, tuple(makers), tuple(kept), *_distribution(np.column_stack(list(kept.values()))))


def _range(column: Numbers) -> tuple[float, float]:
    low, high = np.quantile(column, [0.01, 0.99])
    return float(low), float(high)


_Distribution = tuple[tuple[float, ...], tuple[tuple[float, ...], ...], tuple[tuple[float, float], ...]]


def _distribution(x: Numbers) -> _Distribution:
    """Return mean, inverse of the covariance (shrunken: Ledoit & Wolf, J Multivar Anal 2004;88:365-411), quantiles.

    Shrinkage works on standardised columns, so that a feature in large units does not outweigh the others.
    """
    from sklearn.covariance import LedoitWolf

    mean, spread = x.mean(axis=0), x.std(axis=0)
    shrunken = LedoitWolf(assume_centered=True).fit((x - mean) / spread)
    precision = np.linalg.inv(shrunken.covariance_) / np.outer(spread, spread)
    away = x - mean
    distances = np.sqrt(np.einsum("ij,jk,ik->i", away, precision, away))
    quantiles = tuple((share, float(np.quantile(distances, share))) for share in SHARES)
    return tuple(float(one) for one in mean), tuple(tuple(float(v) for v in row) for row in precision), quantiles
