"""The empty nomogram of the run's model, by the pictures room."""

from __future__ import annotations

from services.model_factory.handlers.training.modelled import CoxTerm, FinalModel
from services.model_factory.handlers.training.results import RunResults
from services.model_factory.handlers.training.targets import TARGETS
from shared.pictures.answers import LABELS, TITLES
from shared.pictures.caption import Caption
from shared.pictures.chart import chart_of
from shared.pictures.nomogram import nomogram_scene
from shared.pictures.scene import Scene
from shared.predictors.hazards.model import Column, Hazards, Horizon, MeasuredRange, ModelInput


def run_nomogram(results: RunResults, banner: str) -> Scene | None:
    """Return the nomogram; None where the model has no variable or gives no horizon."""
    hazards = hazards_of_run(results.model)
    if not hazards.columns or not hazards.given:
        return None
    recipe = results.provenance.recipe
    order = TARGETS[recipe].inputs if recipe in TARGETS else ()
    names = dict.fromkeys([*order, *(term.candidate for term in results.model.terms)])
    inputs = tuple(_input(name, results.model.terms) for name in names if name in {c.input for c in hazards.columns})
    labels = LABELS.get(recipe, {name: name.replace("_", " ") for name in names})
    title = TITLES.get(recipe, f"Risk of {results.cohort.event_display.lower()}")
    return nomogram_scene(chart_of(inputs, hazards, labels), Caption(title, (results.cohort.name,), banner))


def hazards_of_run(model: FinalModel) -> Hazards:
    """Return the Cox model as predictors and pictures see it."""
    columns = (
        Column(t.feature, t.candidate, t.transform, t.level, t.log_hazard_ratio, t.centre) for t in model.terms
    )  # fmt: skip
    horizons = (
        Horizon(h.years, h.baseline_cumulative_hazard, h.covariance, h.at_risk, h.refused) for h in model.horizons
    )
    return Hazards(tuple(columns), tuple(horizons))


def _input(name: str, terms: tuple[CoxTerm, ...]) -> ModelInput:
    own = [term for term in terms if term.candidate == name]
    first = own[0]
    if first.transform == "indicator":
        levels = [term.level for term in own]
        others = ["no"] if levels == ["yes"] else ["yes"] if levels == ["no"] else ["reference"]
        return ModelInput(name, name, (*levels, *others))
    return ModelInput(name, name, (), MeasuredRange(first.unit, first.low, first.high, first.detection_limit))
