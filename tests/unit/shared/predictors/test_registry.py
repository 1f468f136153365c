"""Which predictors there are, and a site's own limits of a draw."""

from __future__ import annotations

from shared.predictors import REGISTRY
from shared.predictors.contract import PanelPredictor
from shared.predictors.lung_metastasis.draw import DrawWindow
from shared.predictors.lung_metastasis.predictor import LungMetastasis
from shared.predictors.registry import PANEL_PREDICTORS, SLIDE_PREDICTORS, STUDY_PREDICTORS, registry_with


def test_every_predictor_stands_under_its_own_name_and_says_what_it_takes() -> None:
    assert {name: one.name for name, one in REGISTRY.items()} == {name: name for name in REGISTRY}
    assert {one.takes for one in PANEL_PREDICTORS.values()} == {"panel"}
    assert {one.takes for one in STUDY_PREDICTORS.values()} == {"study"}
    assert {one.takes for one in SLIDE_PREDICTORS.values()} == {"slide"}
    assert set(REGISTRY) == set(PANEL_PREDICTORS) | set(STUDY_PREDICTORS) | set(SLIDE_PREDICTORS)


def test_a_site_s_limits_reach_the_predictor_and_change_nothing_else() -> None:
    ours = registry_with(DrawWindow(apart_days=3, oldest_days=10))

    assert ours["lung_metastasis"] == LungMetastasis(DrawWindow(3, 10))
    assert isinstance(ours["lung_metastasis"], PanelPredictor)
    assert {name for name in REGISTRY if ours[name] is not REGISTRY[name]} == {"lung_metastasis"}
