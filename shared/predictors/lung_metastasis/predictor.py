"""lung_metastasis as the registry sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.domain.case import Pins
from shared.domain.errors import InvalidInputError
from shared.domain.facts import FactName, PatientFacts
from shared.domain.prediction import NotAnalysed, Prediction, UsedInput
from shared.domain.study import Study
from shared.predictors.contract import Overtaken, Ready, Waiting, used_inputs
from shared.predictors.hazards.values import model_values
from shared.predictors.lung_metastasis.answers import predict, served, values_of
from shared.predictors.lung_metastasis.assessment import assess
from shared.predictors.lung_metastasis.draw import DrawWindow
from shared.predictors.lung_metastasis.endocrine import other_readings
from shared.predictors.lung_metastasis.panel import ANALYTES, ENDOCRINE, ENDOCRINE_LEVELS, INPUTS, LUMINAL, NAME
from shared.predictors.models import Model
from shared.predictors.readings import Refusal

_BY_HAND = "entered by hand: whether the model applies to this patient was not checked"


@dataclass(frozen=True, slots=True)
class LungMetastasis:
    """Risk of lung metastasis within 5 and 10 years (paper 002); a model fitted elsewhere, by its bundle."""

    window: DrawWindow = DrawWindow()  # noqa: RUF009 - frozen

    @property
    def name(self) -> str:
        """Return ``lung_metastasis``."""
        return NAME

    @property
    def takes(self) -> str:
        """Return ``panel``."""
        return "panel"

    @property
    def analytes(self) -> frozenset[FactName]:
        """Return the four laboratory values."""
        return frozenset(one.fact for one in ANALYTES.values())

    @property
    def levels(self) -> Mapping[str, tuple[str, ...]]:
        """Return the levels of endocrine therapy; the measured inputs have none."""
        return {name: ENDOCRINE_LEVELS if name == ENDOCRINE else () for name in INPUTS}

    def assess_panel(self, panel: Study, facts: PatientFacts) -> Ready | Waiting | Overtaken | NotAnalysed:
        """Tell whether the values of this draw suffice, what is missing, or why the question cannot be answered."""
        try:
            return assess(panel, facts, self.window)
        except Refusal as refusal:
            return NotAnalysed(NAME, refusal.reason, refusal.text)

    def answer(self, pins: Pins, model: Model) -> Prediction | NotAnalysed:
        """Answer from pinned inputs only.

        Raises:
            InvalidInputError: If ``model`` is no nomogram of these inputs.
        """
        nomogram = served(model)
        stated = {pinned.name: pinned.value for pinned in pins.inputs if pinned.name != LUMINAL}
        inputs = used_inputs(pins.inputs, pins.facts)
        values = values_of(nomogram, stated)
        if isinstance(values, NotAnalysed):
            return NotAnalysed(NAME, values.reason, values.text, inputs)
        return predict(nomogram, values, other_readings(pins), inputs, pins.notes)

    def answer_levels(self, levels: Mapping[str, str], model: Model) -> Prediction:
        """Answer from values a person typed: yes or no, decimals in the units of the bundle, or limits such as <1.5.

        Raises:
            InvalidInputError: If a value is missing, unknown, unreadable or outside the range the model has seen; or
                ``model`` is no nomogram of these inputs, or gives a probability at no horizon.
        """
        nomogram = served(model)
        values = model_values(nomogram.inputs, levels)
        refused = values_of(nomogram, levels)
        if isinstance(refused, NotAnalysed):
            raise InvalidInputError("bundle", refused.text)
        typed = tuple(UsedInput(name, levels[name]) for name in INPUTS)
        return predict(nomogram, values, (), typed, (_BY_HAND,))
