"""The transition table and the two keys."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.results.ledger.keys import Keys, pin_digest, study_version
from services.results.ledger.machines import FINAL_INFERENCE, TRANSITIONS, check
from shared.domain.case import Currency, DeliveryState, InferenceState, ReviewState
from shared.domain.errors import ConflictError
from shared.domain.identity import PatientIdentity, Side
from shared.testing.cases import a_prediction, a_study, an_instance, some_pins

KEYS = Keys("site", b"s" * 32)
STATES = {"inference": InferenceState, "review": ReviewState, "delivery": DeliveryState, "currency": Currency}


@pytest.mark.parametrize("machine", TRANSITIONS)
def test_every_state_can_be_reached_and_every_named_state_exists(machine: str) -> None:
    named = {state for pair in TRANSITIONS[machine] for state in pair} - {""}
    assert named == {state.value for state in STATES[machine]}

    reached, edge = {""}, {""}
    while edge:
        edge = {to for start, to in TRANSITIONS[machine] if start in edge} - reached
        reached |= edge
    assert named <= reached


def test_no_state_of_the_inference_machine_is_a_trap() -> None:
    starts = {start for start, _ in TRANSITIONS["inference"]}

    assert {state.value for state in InferenceState} <= starts
    assert set(InferenceState) >= FINAL_INFERENCE


@given(st.sampled_from(sorted(InferenceState)), st.sampled_from(sorted(InferenceState)))
def test_only_what_the_table_has_is_allowed(start: InferenceState, end: InferenceState) -> None:
    if (start, end) in TRANSITIONS["inference"]:
        check("inference", start, end)
    else:
        with pytest.raises(ConflictError):
            check("inference", start, end)


def test_a_case_is_the_same_question_whoever_asks_again() -> None:
    assert KEYS.case_id("ln_pcr", a_study()) == KEYS.case_id("ln_pcr", a_study(sender="OTHER"))


@pytest.mark.parametrize(
    "other",
    [
        a_study(identity=PatientIdentity("hospital", "OTHER")),
        a_study(side=Side.LEFT),
        a_study(study_instance_uid="1.2.3"),
    ],
)
def test_another_patient_side_or_study_is_another_case(other: object) -> None:
    assert KEYS.case_id("ln_pcr", a_study()) != KEYS.case_id("ln_pcr", other)  # type: ignore[arg-type]


def test_keys_cannot_be_computed_without_the_secret() -> None:
    assert Keys("site", b"t" * 32).case_id("ln_pcr", a_study()) != KEYS.case_id("ln_pcr", a_study())


def test_the_time_of_asking_is_not_in_the_result_key() -> None:
    later = some_pins(as_of=some_pins().as_of + timedelta(days=1))

    assert KEYS.result_key(later, a_prediction()) == KEYS.result_key(some_pins(), a_prediction())


@pytest.mark.parametrize(
    "changed",
    [
        some_pins(facts=(replace(some_pins().facts[0], version="2"), *some_pins().facts[1:])),
        some_pins(bundle_digest="1" * 64),
        some_pins(side=Side.RIGHT),
        some_pins(notes=("start of therapy unknown",)),
        some_pins(instances=(replace(some_pins().instances[0], content_digest="x"),)),
    ],
)
def test_whatever_the_answer_rests_on_is_in_the_result_key(changed: object) -> None:
    assert pin_digest(changed) != pin_digest(some_pins())  # type: ignore[arg-type]
    assert KEYS.result_key(changed, a_prediction()) != KEYS.result_key(some_pins(), a_prediction())  # type: ignore[arg-type]


def test_runtime_and_precision_are_in_the_result_key() -> None:
    other = a_prediction(precision="float32")

    assert KEYS.result_key(some_pins(), other) != KEYS.result_key(some_pins(), a_prediction())


def test_the_order_of_images_does_not_matter() -> None:
    first, second = an_instance(1), an_instance(2)

    assert study_version(a_study(instances=(first, second))) == study_version(a_study(instances=(second, first)))
