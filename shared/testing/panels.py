"""A panel, its facts, its answer, and a small predictor that is asked about panels: for tests of what carries them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from shared.domain.case import PinnedInput, Pins
from shared.domain.facts import Fact, FactName, PatientFacts
from shared.domain.identity import Demographics
from shared.domain.prediction import (
    BundleReference,
    HorizonRisk,
    IntendedUse,
    NotAnalysed,
    NotAnalysedReason,
    Outcome,
    Prediction,
)
from shared.domain.study import Completeness, CompletenessEvidence, Panel, Study
from shared.predictors.contract import Overtaken, Ready, Waiting
from shared.predictors.models import Model
from shared.testing.cases import PATIENT, START, a_fact, a_prediction, some_facts

NAME = "lung_metastasis"
DRAWN = date(2026, 2, 20)
ANALYTES = frozenset({FactName.HSCRP, FactName.IL6, FactName.IFN_ALPHA, FactName.TNF_ALPHA})
PANEL_UID = "2.25.305828488182831875890203105390285383139"
PANEL_BUNDLE = BundleReference("lung_metastasis-demonstration", "1.0.0", "1" * 64, IntendedUse.DEMONSTRATION)
PANEL_OUTCOME = Outcome(
    "lung_metastasis", "Lung metastasis", "no_lung_metastasis", "No lung metastasis", favourable=False
)


def a_panel(**changes: Any) -> Study:
    """Return a panel of ``PATIENT``."""
    first = Completeness(CompletenessEvidence.FIRST_VALUE, f"first value of the draw of {DRAWN} received", START)
    panel = Panel(tuple(sorted(name.value for name in ANALYTES)), DRAWN)
    study = Study(PANEL_UID, PATIENT, Demographics(), DRAWN, "", None, (), first, "lab_consumer", panel=panel)
    return replace(study, **changes)


def taken_back(reason: str = "the laboratory took back every value of this draw", **changes: Any) -> Study:
    """Return the word that a panel is no more."""
    panel = a_panel(**changes)
    return replace(panel, panel=replace(panel.panel or Panel((), DRAWN), taken_back=reason))


def panel_facts(**values: str) -> PatientFacts:
    """Return facts of a draw; ``hscrp="12"``."""
    facts = tuple(a_fact(FactName(name), value, unit="mg/L", effective_date=DRAWN) for name, value in values.items())
    return replace(some_facts(), facts=facts)


def panel_pins(*facts: Fact, **changes: Any) -> Pins:
    """Return pins of ``a_panel`` over facts."""
    inputs = tuple(PinnedInput(fact.name.value, fact.value, (fact.fact_id,)) for fact in facts)
    pins = Pins(
        PATIENT, PANEL_UID, DRAWN, None, "inflammation", PANEL_BUNDLE.bundle_id, PANEL_BUNDLE.digest, inputs, facts,
        (), START,
    )  # fmt: skip
    return replace(pins, **changes)


def a_panel_prediction(probability: float = 0.21, **changes: Any) -> Prediction:
    """Return an answer with two horizons, the second refused."""
    horizons = (HorizonRisk(5, probability, (0.1, 0.4)), HorizonRisk(10, None, refused="too few were followed so long"))
    return replace(
        a_prediction(probability), predictor=NAME, variant="inflammation", bundle=PANEL_BUNDLE, outcome=PANEL_OUTCOME,
        horizons=horizons, **changes,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PanelDouble:
    """Waits for every analyte of the draw, then answers with the first of them: for wiring, not for medicine."""

    name: str = NAME
    takes: str = "panel"
    analytes: frozenset[FactName] = field(default=ANALYTES)

    def assess_panel(self, panel: Study, facts: PatientFacts) -> Ready | Waiting | Overtaken | NotAnalysed:
        """Tell whether every analyte is there."""
        mine = [one for one in facts.facts if one.name in self.analytes and _of(panel, one)]
        missing = tuple(sorted(self.analytes - {one.name for one in mine}))
        if missing:
            text = f"missing: {', '.join(missing)}"
            return Waiting(missing, NotAnalysed(self.name, NotAnalysedReason.MISSING_INPUT, text))
        inputs = tuple(PinnedInput(one.name.value, one.value, (one.fact_id,)) for one in mine)
        return Ready("inflammation", inputs, tuple(mine), None)

    def answer(self, pins: Pins, model: Model) -> Prediction | NotAnalysed:  # noqa: ARG002
        """Answer the same to all."""
        return a_panel_prediction()


def _of(panel: Study, fact: Fact) -> bool:
    last = panel.panel.last_date if panel.panel else DRAWN
    return (panel.study_date or DRAWN) <= fact.effective_date <= last
