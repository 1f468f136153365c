"""What one variant's bundle needs of the images: its features, its rad-score, its network's look at the crop."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.domain.errors import InvalidInputError
from shared.imaging.crops import take_crop
from shared.imaging.heat import heat_volume
from shared.imaging.quantities import quantities
from shared.imaging.region import BreastImages
from shared.imaging.volume import Volume
from shared.predictors.contract import RadiomicsEngine
from shared.predictors.imaging import ImagingContract, Look, NetworkContract, RadiomicsSettings, RadScore
from shared.predictors.ln_pcr.variants import DL_PROB, RAD_SCORE
from shared.predictors.models import ImageModel


class UnmeasuredError(Exception):
    """A variant cannot be answered from these images; the text says why, in a clause."""


@dataclass(frozen=True, slots=True)
class VariantNumbers:
    """Everything measured for one variant."""

    columns: Mapping[str, float]
    """The graph's columns behind the clinical ones."""
    features: Mapping[str, float]
    """Of the rad-score, by the engine's names."""
    look: Look | None
    heatmap: Volume | None


@dataclass
class Measuring:
    """Measures one study for several variants; what two of them share is measured once."""

    images: BreastImages
    engine: RadiomicsEngine | None
    wanted: Mapping[RadiomicsSettings, frozenset[str]]
    """Features every variant together needs, by the settings they are measured with."""
    study: Mapping[str, float] = field(init=False)
    """``shared.imaging.quantities``."""
    _known: dict[RadiomicsSettings, Mapping[str, float]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.study = quantities(self.images)

    def of(self, model: ImageModel) -> VariantNumbers:
        """Return what this bundle needs.

        Raises:
            UnmeasuredError: If it cannot be measured here, or not in this region.
        """
        contract = model.imaging
        if contract is None:
            raise UnmeasuredError("its bundle does not say what it measures")
        features = self._features(contract.rad_score) if contract.rad_score else {}
        columns = {RAD_SCORE: contract.rad_score.of(features)} if contract.rad_score else {}
        if contract.network is None:
            return VariantNumbers(columns, features, None, None)
        look, heatmap = self._look(model, contract.network)
        return VariantNumbers({**columns, DL_PROB: look.probability}, features, look, heatmap)

    def _features(self, score: RadScore) -> Mapping[str, float]:
        if not score.terms:
            return {}
        if self.engine is None:
            raise UnmeasuredError("radiomics is not installed on the worker that answers")
        if score.settings not in self._known:
            names = self.wanted[score.settings]
            try:
                measured = self.engine.measure(self.images.early, self.images.region.mask, score.settings, names)
            except InvalidInputError as error:
                raise UnmeasuredError(f"the features of the region cannot be measured ({error})") from error
            self._known[score.settings] = measured
        known = self._known[score.settings]
        return _finite({one.feature: known[one.feature] for one in score.terms})

    def _look(self, model: ImageModel, network: NetworkContract) -> tuple[Look, Volume]:
        if network.input_shape[0] != 1:
            raise UnmeasuredError(f"its network takes {network.input_shape[0]} channels, and one phase is measured")
        crop = take_crop([self.images.early], self.images.region.mask, network.input_shape, network.margin)
        look = model.look(crop.voxels)
        _finite({"the network's probability": look.probability})
        return look, heat_volume(look.heat, crop.grid)


def _finite(values: Mapping[str, float]) -> Mapping[str, float]:
    """Return the values; one that is none is never taken for a number on its way to a chart."""
    for name, value in values.items():
        if not math.isfinite(value):
            raise UnmeasuredError(f"{name} has no value in this region")
    return values


def features_wanted(contracts: tuple[ImagingContract, ...]) -> dict[RadiomicsSettings, frozenset[str]]:
    """Return the features all of these need, by settings: an engine is asked once for each."""
    wanted: dict[RadiomicsSettings, frozenset[str]] = {}
    for score in (one.rad_score for one in contracts if one.rad_score):
        names = frozenset(term.feature for term in score.terms)
        wanted[score.settings] = wanted.get(score.settings, frozenset()) | names
    return wanted
