"""Builders of the values that travel: studies, facts, pins, answers; each with one typical form and room to vary it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from shared.domain.case import PinnedInput, PinnedInstance, Pins
from shared.domain.facts import Fact, FactName, FactStatus, PatientFacts, Tumour
from shared.domain.identity import Demographics, PatientIdentity, Sex, Side
from shared.domain.prediction import BundleReference, IntendedUse, NotAnalysed, NotAnalysedReason, Outcome, Prediction
from shared.domain.study import Completeness, CompletenessEvidence, Instance, Study

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PATIENT = PatientIdentity("hospital", "MRN-TEST-1")
BUNDLE = BundleReference("ln_pcr-clinical-published", "1.0.0", "0" * 64, IntendedUse.DEMONSTRATION)
OUTCOME = Outcome(
    "axillary_pcr", "No residual axillary nodal disease", "residual_nodal_disease", "Residual axillary nodal disease",
    favourable=True,
)  # fmt: skip


def an_instance(number: int = 1, **changes: Any) -> Instance:
    """Return one MR image."""
    uid = f"1.2.826.0.1.3680043.8.498.1.{number}"
    return replace(Instance(uid, "1.2.840.10008.5.1.4.1.1.4", "1.2.826.0.1.3680043.8.498.2", "MR", f"c{number}", "i", "file:///x"),
                   **changes)  # fmt: skip


def a_study(**changes: Any) -> Study:
    """Return a complete breast MRI study of ``PATIENT``."""
    study = Study(
        "1.2.826.0.1.3680043.8.498.3", PATIENT, Demographics(date(1965, 1, 1), Sex.FEMALE), date(2026, 2, 20), "BREAST",
        None, (an_instance(1), an_instance(2)),
        Completeness(CompletenessEvidence.ASSOCIATION_RELEASED, "association released, 2 instances", START), "PACS",
    )  # fmt: skip
    return replace(study, **changes)


def a_fact(name: FactName, value: str, **changes: Any) -> Fact:
    """Return a final fact, bound to no tumour, dated before the study."""
    fact = Fact(
        f"Observation/{name}#{name}", name, value, "", None, date(2026, 2, 10), START, FactStatus.FINAL,
        f"Observation/{name}", "1",
    )  # fmt: skip
    return replace(fact, **changes)


def some_facts(er: str = "positive", her2: str = "low", t: str = "T2", n: str = "N1", **changes: Any) -> PatientFacts:
    """Return the facts the clinical LN-pCR model needs; an empty value leaves the fact out."""
    rows = {
        FactName.ESTROGEN_RECEPTOR: er, FactName.HER2_INTERPRETATION: her2, FactName.CLINICAL_T: t,
        FactName.CLINICAL_N: n,
    }  # fmt: skip
    facts = tuple(a_fact(name, value) for name, value in rows.items() if value)
    known = PatientFacts(
        PATIENT,
        START,
        Demographics(date(1965, 1, 1), Sex.FEMALE),
        "Patient/1",
        (Tumour("Condition/1", Side.LEFT),),
        facts,
    )
    return replace(known, **changes)


def some_pins(**changes: Any) -> Pins:
    """Return pins of ``a_study`` and ``some_facts``."""
    facts = some_facts().facts
    inputs = tuple(
        PinnedInput(name, value, (fact.fact_id,))
        for (name, value), fact in zip((("er", "positive"), ("her2", "low"), ("t", "2")), facts, strict=False)
    )
    images = tuple(
        PinnedInstance(
            i.sop_instance_uid, i.sop_class_uid, i.series_instance_uid, i.content_digest, i.identity_digest, i.blob_uri
        )
        for i in a_study().instances
    )  # fmt: skip
    pins = Pins(
        PATIENT, a_study().study_instance_uid, a_study().study_date, Side.LEFT, "clinical", BUNDLE.bundle_id,
        BUNDLE.digest, inputs, facts, images, START, bundle_version=BUNDLE.version,
    )  # fmt: skip
    return replace(pins, **changes)


def a_prediction(probability: float = 0.4321, **changes: Any) -> Prediction:
    """Return an answer of the demonstration bundle."""
    answer = Prediction(
        "ln_pcr", "clinical", BUNDLE, OUTCOME, probability, (), runtime="onnxruntime", precision="float64"
    )
    return replace(answer, **changes)


def a_refusal(text: str = "missing: HER2", **changes: Any) -> NotAnalysed:
    """Return a coded refusal."""
    return replace(NotAnalysed("ln_pcr", NotAnalysedReason.MISSING_INPUT, text), **changes)
