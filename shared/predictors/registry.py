"""Which predictors this build has, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from shared.predictors.contract import PanelPredictor, Predictor, SlidePredictor
from shared.predictors.her2.predictor import Her2
from shared.predictors.ln_pcr.predictor import LnPcr
from shared.predictors.lung_metastasis.draw import DrawWindow
from shared.predictors.lung_metastasis.predictor import LungMetastasis

_OF_STUDIES: tuple[Predictor, ...] = (LnPcr(),)
_OF_PANELS: tuple[PanelPredictor, ...] = (LungMetastasis(),)
_OF_SLIDES: tuple[SlidePredictor, ...] = (Her2(),)

AnyPredictor = Predictor | PanelPredictor | SlidePredictor
"""Whatever it is asked about."""

STUDY_PREDICTORS: Mapping[str, Predictor] = MappingProxyType({one.name: one for one in _OF_STUDIES})
"""Name -> predictor that is asked about images."""
PANEL_PREDICTORS: Mapping[str, PanelPredictor] = MappingProxyType({one.name: one for one in _OF_PANELS})
"""Name -> predictor that is asked about laboratory values."""
SLIDE_PREDICTORS: Mapping[str, SlidePredictor] = MappingProxyType({one.name: one for one in _OF_SLIDES})
"""Name -> predictor that is asked about whole-slide images."""
REGISTRY: Mapping[str, AnyPredictor] = MappingProxyType({**STUDY_PREDICTORS, **PANEL_PREDICTORS, **SLIDE_PREDICTORS})
"""Name -> predictor."""


def registry_with(window: DrawWindow) -> Mapping[str, AnyPredictor]:
    """Return the registry of a site that has its own limits of what one draw of blood is."""
    panel = LungMetastasis(window)
    return MappingProxyType({**REGISTRY, panel.name: panel})
