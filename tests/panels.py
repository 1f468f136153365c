"""Findings about laboratory values of one draw, for tests: two horizons, one refused, not analysed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from services.results.ledger.findings import Finding
from shared.domain.case import FindingKind, PinnedInput, Pins, ReviewState
from shared.domain.facts import Fact, FactName, FactStatus, Tumour
from shared.domain.identity import Demographics, PatientIdentity, Sex
from shared.domain.prediction import (
    Alternative,
    BundleReference,
    Flag,
    HorizonRisk,
    InputPoints,
    IntendedUse,
    NotAnalysed,
    NotAnalysedReason,
    Outcome,
    Prediction,
    UsedInput,
)
from shared.domain.study import Completeness, CompletenessEvidence, Panel, Study
from shared.predictors.hazards.nomogram import explain
from shared.predictors.hazards.values import model_values
from shared.testing.cox_model import lung_hazards, lung_inputs

MADE = datetime(2026, 2, 28, 9, 26, 53, tzinfo=UTC)
DRAWN = date(2026, 2, 26)
IDENTITY = PatientIdentity("hospital", "PAT-0042")
PANEL_UID = "2.25.31415926535897932384626433832795028841"
FIVE, TEN = 0.1234567890123, 0.2718281828459
OUTCOME = Outcome(
    "lung_metastasis", "Lung metastasis", "no_lung_metastasis", "No lung metastasis", favourable=False,
)  # fmt: skip
BOTH = (HorizonRisk(5, FIVE, (0.081, 0.184)), HorizonRisk(10, TEN, (0.2, 0.36)))
ONLY_FIVE = (BOTH[0], HorizonRisk(10, None, refused="Fewer than 10 patients were followed for 10 years."))
POINTS = (
    InputPoints("endocrine_therapy_received", 0.0), InputPoints("hscrp", 41.25), InputPoints("il6", 38.5),
    InputPoints("ifn_alpha", 12.0), InputPoints("tnf_alpha", 7.75),
)  # fmt: skip
BUNDLE = BundleReference("lung-test", "1.0.0", "7a" * 32, IntendedUse.DEMONSTRATION)
VALUES = (
    ("endocrine_therapy_received", FactName.ENDOCRINE_THERAPY_RECEIVED, "yes", ""),
    ("hscrp", FactName.HSCRP, "12.4", "mg/L"),
    ("il6", FactName.IL6, "18.3", "pg/mL"),
    ("ifn_alpha", FactName.IFN_ALPHA, "1.8", "pg/mL"),
    ("tnf_alpha", FactName.TNF_ALPHA, "2.5", "pg/mL"),
)


def answered_by_the_model(panels: Panels, *, ten_years: bool = True) -> Panels:
    """Return the panels with the points and risks that the invented model gives, instead of round numbers."""
    values = model_values(lung_inputs(), {name: value for name, _, value, _ in VALUES})
    found = explain(lung_inputs(), lung_hazards(ten_years=ten_years), values)
    return replace(panels, horizons=found.horizons, points=found.points)


@dataclass(frozen=True, slots=True)
class Panels:
    """Builds findings about one patient's laboratory values."""

    identity: PatientIdentity = IDENTITY
    case_id: str = "case-lung-1"
    key: str = "e5" * 32
    horizons: tuple[HorizonRisk, ...] = BOTH
    points: tuple[InputPoints, ...] = POINTS
    bundle: BundleReference = BUNDLE

    def study(self) -> Study:
        """Return the panel."""
        complete = Completeness(CompletenessEvidence.FIRST_VALUE, "first value", MADE)
        panel = Panel(("hscrp", "ifn_alpha", "il6", "tnf_alpha"), DRAWN)
        demographics = Demographics(date(1971, 4, 5), Sex.FEMALE)
        return Study(PANEL_UID, self.identity, demographics, DRAWN, "", None, (), complete, panel=panel)

    def prediction(self, *, use: IntendedUse = IntendedUse.DEMONSTRATION) -> Finding:
        """Return a first revision that answers."""
        study = self.study()
        return Finding(
            "l1", self.case_id, "lung_metastasis", 1, FindingKind.PREDICTION, self.key, MADE, self.identity, study,
            None, ReviewState.NOT_REQUIRED, self._pins(study), self.answer(use),
        )  # fmt: skip

    def not_analysed(self, reason: NotAnalysedReason = NotAnalysedReason.NOT_ONE_DRAW) -> Finding:
        """Return a first revision that could not answer."""
        text = "IL-6 of 2026-02-10 and hsCRP of 2026-02-26 are not of one draw: more than 7 days apart."
        refusal = NotAnalysed("lung_metastasis", reason, text, self.answer().inputs[1:3])
        return replace(
            self.prediction(), kind=FindingKind.NOT_ANALYSED, result_key=self.key[::-1], pins=None, prediction=None,
            not_analysed=refusal,
        )  # fmt: skip

    def later(self, earlier: Finding) -> Finding:
        """Return the next revision, after a corrected value."""
        number = earlier.revision + 1
        return replace(
            self.prediction(), finding_id=f"l{number}", revision=number, result_key=f"{number:02}{self.key[2:]}",
            created_time=earlier.created_time + timedelta(hours=1), reason="hsCRP was corrected by the laboratory.",
            review=earlier.review,
        )  # fmt: skip

    def withdrawal(self, earlier: Finding) -> Finding:
        """Return the next revision, which takes the earlier one back."""
        number = earlier.revision + 1
        return replace(
            earlier, finding_id=f"l{number}", revision=number, result_key=f"{number:02}{self.key[2:]}",
            kind=FindingKind.WITHDRAWN, pins=None, prediction=None, not_analysed=None,
            reason="The laboratory cancelled its values.",
        )  # fmt: skip

    def answer(self, use: IntendedUse = IntendedUse.DEMONSTRATION) -> Prediction:
        """Return a typed answer with horizons, points, a flag and an alternative."""
        first = next(row.probability for row in self.horizons if row.probability is not None)
        inputs = tuple(
            UsedInput(name, value, f"Observation/{name}", "1", DRAWN.isoformat()) for name, _, value, _ in VALUES
        )
        return Prediction(
            "lung_metastasis", "nomogram", replace(self.bundle, intended_use=use), OUTCOME,
            first, inputs, (Flag("sampling_time", "The source does not say when its patients' blood was drawn."),),
            (Alternative("endocrine therapy is read as luminal status (no)", 0.2012),), runtime="onnxruntime 1.20 CPU",
            precision="float64", horizons=self.horizons, points=self.points,
        )  # fmt: skip

    def _pins(self, study: Study) -> Pins:
        tumour = Tumour("Condition/tumour")
        facts = tuple(
            Fact(key, name, value, unit, None, DRAWN, MADE, FactStatus.FINAL, f"Observation/{key}", "1", tumour)
            for key, name, value, unit in VALUES
        )
        inputs = tuple(PinnedInput(key, value, (key,)) for key, _, value, _ in VALUES)
        return Pins(
            self.identity, study.study_instance_uid, study.study_date, None, "nomogram", self.bundle.bundle_id,
            self.bundle.digest, inputs, facts, (), MADE,
        )  # fmt: skip
