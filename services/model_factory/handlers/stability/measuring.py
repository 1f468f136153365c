"""One patient's features under every alteration."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from services.model_factory.handlers.stability.alterations import Alteration, Kind, alterations
from shared.domain.errors import InvalidInputError
from shared.imaging.region import BreastImages
from shared.imaging.volume import Mask
from shared.predictors.contract import RadiomicsEngine
from shared.predictors.imaging import RadiomicsSettings


@dataclass(frozen=True, slots=True)
class AlteredFeatures:
    """What was measured under one alteration; NaN for each feature where the altered region cannot be measured."""

    alteration: str
    kind: Kind
    values: tuple[float, ...]


def altered_features(
    images: BreastImages,
    engine: RadiomicsEngine,
    settings: RadiomicsSettings,
    names: tuple[str, ...],
    automatic: Mask | None = None,
) -> tuple[AlteredFeatures, ...]:
    """Return the features ``names`` as they are and under every alteration (``alterations``)."""
    return tuple(
        AlteredFeatures(one.name, one.kind, _values(_measured(engine, one, names), names))
        for one in alterations(images, settings, automatic)
    )


def _measured(engine: RadiomicsEngine, one: Alteration, names: tuple[str, ...]) -> Mapping[str, float]:
    """Return nothing where the alteration leaves nothing measurable, which is an answer too."""
    try:
        return engine.measure(one.image, one.mask, one.settings, names)
    except InvalidInputError:
        return {}


def _values(found: Mapping[str, float], names: tuple[str, ...]) -> tuple[float, ...]:
    return tuple(found.get(name, math.nan) for name in names)
