"""From the features of all patients under all alterations to ICC and the change of the AUC, per feature."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.stability.alterations import Kind
from services.model_factory.handlers.stability.measuring import AlteredFeatures
from services.model_factory.handlers.statistics.delong import compare_aucs
from services.model_factory.handlers.statistics.estimates import Estimate
from services.model_factory.handlers.statistics.icc import Iccs, iccs

STABLE_FROM = 0.75
"""ICC(2,1) from which agreement is called good (Koo & Li, J Chiropr Med 2016;15:155-163), as in the screening."""
FEWEST = 3
"""Patients below which no ICC is given."""

Patient = Sequence[AlteredFeatures]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FeatureStability:
    """One feature under one alteration."""

    feature: str
    alteration: str
    kind: Kind
    patients: int
    """Measured both as they are and altered."""
    agreement: Estimate | None
    """ICC(2,1) of as it is and altered; None where nothing varies or too few were measured."""
    consistency: Estimate | None
    """ICC(3,1): an alteration that moves all patients alike is no matter."""
    auc: float | None
    """Of the feature alone, as it is, turned so that it is at least .5; None with fewer than two patients of a side."""
    change: Estimate | None
    """AUC altered less AUC as it is, the feature turned as before, on the same patients."""

    @property
    def stable(self) -> bool:
        """Tell whether the altered values agree with those as they are."""
        return self.agreement is not None and self.agreement.value >= STABLE_FROM


def assessed(
    features: tuple[str, ...], patients: Sequence[Patient], event: NDArray[np.bool_]
) -> tuple[FeatureStability, ...]:
    """Return every feature under every alteration any patient allowed, in the order they first appear.

    Args:
        features: Names, in the order of ``AlteredFeatures.values``.
        patients: One entry per patient; the first alteration is the measurement as it is.
        event: Whether the event happened, per patient; only the AUC asks.
    """
    kinds: dict[str, Kind] = {one.alteration: one.kind for patient in patients for one in patient[1:]}
    return tuple(row for name, kind in kinds.items() for row in _rows(name, kind, features, patients, event))


def _rows(
    name: str, kind: Kind, features: tuple[str, ...], patients: Sequence[Patient], event: NDArray[np.bool_]
) -> Iterator[FeatureStability]:
    pairs = np.array([[_values(one, patient) for one in (patient[0].alteration, name)] for patient in patients])
    measured = np.isfinite(pairs).all(axis=(1, 2))
    both, happened = pairs[measured], event[measured]
    enough = len(both) >= FEWEST
    found = (iccs(both, "2,1"), iccs(both, "3,1")) if enough else None
    for place, feature in enumerate(features):
        agreement, consistency = (_estimate(one, place) for one in found) if found else (None, None)
        auc, change = _auc(both[:, 0, place], both[:, 1, place], happened)
        yield FeatureStability(feature, name, kind, len(both), agreement, consistency, auc, change)


def _values(alteration: str, patient: Patient) -> tuple[float, ...]:
    for one in patient:
        if one.alteration == alteration:
            return one.values
    return (np.nan,) * len(patient[0].values)


def _estimate(found: Iccs, place: int) -> Estimate | None:
    value, low, high = (float(one[place]) for one in (found.values, found.low, found.high))
    if not np.isfinite([value, low, high]).all():
        return None
    return Estimate(value, (low, high), "interval by F (Shrout & Fleiss 1979)")


def _auc(plain: Floats, altered: Floats, event: NDArray[np.bool_]) -> tuple[float | None, Estimate | None]:
    if min(event.sum(), (~event).sum()) < 2:
        return None, None
    found = compare_aucs(event, plain, altered)
    if found.first < 0.5:
        found = compare_aucs(event, -plain, -altered)
    return found.first, found.difference
