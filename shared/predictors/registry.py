"""Which predictors this build has, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from shared.predictors.contract import Predictor
from shared.predictors.ln_pcr.predictor import LnPcr

_INSTALLED: tuple[Predictor, ...] = (LnPcr(),)

REGISTRY: Mapping[str, Predictor] = MappingProxyType({predictor.name: predictor for predictor in _INSTALLED})
"""Name -> predictor."""
