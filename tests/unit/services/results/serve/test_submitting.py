"""Who is asked about a study, and who about a panel."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from services.results.serve.handlers import SubmitCase
from shared.domain.study import Panel, Study
from shared.predictors.contract import PanelPredictor, Predictor
from shared.predictors.registry import STUDY_PREDICTORS
from shared.testing.cases import START, a_study
from shared.testing.panels import DRAWN, NAME, PanelDouble, a_panel, taken_back


@dataclass
class Told:
    """The ledger's intake, remembering what it was told."""

    submitted: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def submit(self, request_id: str, study: Study, predictors: tuple[str, ...], now: datetime) -> tuple[str, ...]:
        self.submitted.append((study.study_instance_uid, predictors))
        return tuple(f"case of {name}" for name in predictors)

    def notice(self, request_id: str, kind: str, text: str, case_id: str, now: datetime) -> str:
        self.notices.append(text)
        return kind


def submit(study: Study) -> Told:
    told = Told()
    predictors: dict[str, Predictor | PanelPredictor] = {**STUDY_PREDICTORS, NAME: PanelDouble()}
    SubmitCase(told, told, predictors, lambda: START)("request", study)
    return told


def test_images_are_asked_of_predictors_of_studies_only() -> None:
    assert submit(a_study()).submitted == [(a_study().study_instance_uid, ("ln_pcr",))]


def test_a_panel_is_asked_of_predictors_of_panels_only_also_when_it_is_taken_back() -> None:
    for panel in (a_panel(), taken_back()):
        assert submit(panel).submitted == [(panel.study_instance_uid, (NAME,))]


def test_a_panel_of_other_analytes_is_not_applicable_and_a_person_reads_so() -> None:
    told = submit(replace(a_panel(), panel=Panel(("neutrophils",), DRAWN)))

    assert told.submitted == []
    assert "panel of other analytes" in told.notices[0]
