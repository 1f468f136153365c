"""Which slides the model was made for, and what is said where nobody knows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.domain.facts import FactName, PatientFacts
from shared.domain.prediction import NotAnalysed, NotAnalysedReason
from shared.predictors.contract import Ready, Waiting
from shared.predictors.her2.predictor import Her2
from shared.testing.cases import a_fact, a_study, some_facts
from shared.testing.slides import a_slide, a_slide_study


def facts(*known: Any) -> PatientFacts:
    return replace(some_facts(), facts=known)


def assessed(about: PatientFacts | None = None, **changes: Any) -> Ready | Waiting | NotAnalysed:
    return Her2().assess(a_slide_study(a_slide(**changes)), about or facts())


def test_a_slide_is_its_business_and_a_study_is_not() -> None:
    assert Her2().not_applicable(a_slide_study()) == ""
    assert Her2().not_applicable(a_study()) == "no whole-slide image"


def test_a_slide_that_states_everything_is_ready_without_notes() -> None:
    ready = assessed()

    assert isinstance(ready, Ready)
    assert (ready.variant, ready.notes) == ("tl_pa", ())
    assert ("microns_per_pixel", "0.5 x 0.5 (tiff)") in {(one.name, one.value) for one in ready.inputs}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"stain": "ihc"}, NotAnalysedReason.NOT_HE),
        ({"stain": "other"}, NotAnalysedReason.NOT_HE),
        ({"tissue": "lymph_node"}, NotAnalysedReason.LYMPH_NODE),
        ({"tissue": "other"}, NotAnalysedReason.UNUSABLE_INPUT),
        ({"after_therapy": True}, NotAnalysedReason.AFTER_THERAPY),
        ({"resolution": None}, NotAnalysedReason.RESOLUTION_UNKNOWN),
        ({"refused": "resolution_too_low", "refused_text": "4 um"}, NotAnalysedReason.RESOLUTION_TOO_LOW),
    ],
)
def test_what_the_model_was_not_made_for_is_refused(changes: dict[str, Any], reason: NotAnalysedReason) -> None:
    refused = assessed(**changes)

    assert isinstance(refused, NotAnalysed)
    assert refused.reason is reason


def test_what_nobody_says_is_named_and_not_guessed() -> None:
    ready = assessed(stain="", tissue="", after_therapy=None)

    assert isinstance(ready, Ready)
    assert len(ready.notes) == 3
    assert any("lymph node" in note for note in ready.notes)


def test_a_therapy_on_record_is_named_where_the_order_does_not_say() -> None:
    ready = assessed(facts(a_fact(FactName.THERAPY, "chemotherapy")), after_therapy=None)

    assert isinstance(ready, Ready)
    assert "2026-02-10" in ready.notes[0]
