"""Panels and records of a woman with breast cancer, complete unless a test takes something away."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest

from shared.domain.case import Pins
from shared.domain.facts import Fact, FactName, FactStatus, PatientFacts, Tumour
from shared.domain.identity import Demographics, PatientIdentity, Sex, Side
from shared.domain.prediction import NotAnalysed, Prediction
from shared.domain.study import Completeness, CompletenessEvidence, Panel, Study
from shared.predictors.contract import Overtaken, Ready, Waiting
from shared.predictors.lung_metastasis.draw import DrawWindow
from shared.predictors.lung_metastasis.predictor import LungMetastasis
from shared.predictors.models import Model
from shared.testing.cox_model import PrintedModel

F = FactName
Assessed = Ready | Waiting | Overtaken | NotAnalysed
DRAW = date(2024, 5, 2)
ARRIVED = datetime(2024, 5, 3, 9, 0, tzinfo=UTC)
IDENTITY = PatientIdentity("hospital", "P1")
UNITS = {F.HSCRP: "mg/L", F.IL6: "pg/mL", F.IFN_ALPHA: "pg/mL", F.TNF_ALPHA: "pg/mL"}
VALUES = {F.HSCRP: "12", F.IL6: "9", F.IFN_ALPHA: "2.1", F.TNF_ALPHA: "1.2"}


@dataclass
class Ward:
    """Makes what a test asks about; every fact gets a number of its own."""

    numbers: count[int] = field(default_factory=count)
    window: DrawWindow = DrawWindow()  # noqa: RUF009 - frozen

    def fact(self, name: FactName, value: str, *, day: date = DRAW, **more: object) -> Fact:
        identifier = str(more.pop("fact_id", "")) or f"fact-{next(self.numbers)}"
        fact = Fact(
            identifier, name, value, UNITS.get(name, ""), None, day, ARRIVED, FactStatus.FINAL,
            f"Observation/{identifier}", "1",
        )  # fmt: skip
        return replace(fact, **more)  # type: ignore[arg-type]  # names of Fact's fields

    def labs(self, *, without: tuple[FactName, ...] = (), day: date = DRAW) -> list[Fact]:
        return [self.fact(name, value, day=day) for name, value in VALUES.items() if name not in without]

    def complete(self, *, without: tuple[FactName, ...] = ()) -> list[Fact]:
        """Return four values of one draw, and endocrine therapy stated as received."""
        stated = self.fact(F.ENDOCRINE_THERAPY_RECEIVED, "yes", day=DRAW - timedelta(days=40))
        return self.labs(without=without) + ([] if F.ENDOCRINE_THERAPY_RECEIVED in without else [stated])

    def panel(self, *, last: date = DRAW, day: date | None = DRAW, arrived: datetime = ARRIVED) -> Study:
        complete = Completeness(CompletenessEvidence.FIRST_VALUE, "first value", arrived)
        draw = Panel(tuple(sorted(UNITS)), last)
        return Study("2.25.1", IDENTITY, Demographics(), day, "", None, (), complete, panel=draw)

    def record(self, *facts: Fact, sex: Sex | None = Sex.FEMALE, tumours: int = 1, **more: datetime) -> PatientFacts:
        cancers = (Tumour("Condition/left", Side.LEFT), Tumour("Condition/right", Side.RIGHT))[:tumours]
        return PatientFacts(
            IDENTITY, more.get("as_of", ARRIVED), Demographics(None, sex), "Patient/1", cancers, facts
        )  # fmt: skip

    def assess(self, *facts: Fact, panel: Study | None = None, **record: object) -> Assessed:
        known = self.record(*facts, **record)  # type: ignore[arg-type]  # passed through
        return LungMetastasis(self.window).assess_panel(panel or self.panel(), known)

    def ready(self, *facts: Fact, panel: Study | None = None, **record: object) -> Ready:
        found = self.assess(*facts, panel=panel, **record)
        assert isinstance(found, Ready), found
        return found

    def waiting(self, *facts: Fact, panel: Study | None = None, **record: object) -> Waiting:
        found = self.assess(*facts, panel=panel, **record)
        assert isinstance(found, Waiting), found
        return found

    def refused(self, *facts: Fact, panel: Study | None = None, **record: object) -> NotAnalysed:
        found = self.assess(*facts, panel=panel, **record)
        assert isinstance(found, NotAnalysed), found
        return found

    def pins(self, *facts: Fact) -> Pins:
        ready = self.ready(*facts)
        return Pins(
            IDENTITY, "2.25.1", DRAW, None, ready.variant, "lung-test", "0" * 64, ready.inputs, ready.facts, (),
            ARRIVED, ready.notes,
        )  # fmt: skip

    def answer(self, *facts: Fact, model: Model | None = None) -> Prediction | NotAnalysed:
        return LungMetastasis().answer(self.pins(*facts), model or PrintedModel())

    def predicted(self, *facts: Fact, model: Model | None = None) -> Prediction:
        found = self.answer(*facts, model=model)
        assert isinstance(found, Prediction), found
        return found


@pytest.fixture
def ward() -> Ward:
    return Ward()
