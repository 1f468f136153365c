"""The transition table and the two keys."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.results.ledger.keys import Keys, pin_digest, study_version
from services.results.ledger.machines import FINAL_INFERENCE, TRANSITIONS, check
from shared.domain.case import Currency, DeliveryState, InferenceState, ReviewState
from shared.domain.errors import ConflictError
from shared.domain.facts import FactName
from shared.domain.identity import Demographics, PatientIdentity, Side
from shared.domain.images import Artefact, ArtefactKind
from shared.domain.prediction import UsedInput
from shared.domain.slides import Cropping, Exclusion, PinnedSlide, Point, Rounding, SlideCalibration, SlidePolicy
from shared.testing.cases import START, a_fact, a_prediction, a_refusal, a_study, an_instance, some_pins
from shared.testing.panels import a_panel
from shared.testing.slides import a_slide, a_slide_study, slide_pins

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


BEFORE = Keys("test-site", b"k" * 32)
ER = UsedInput("er", "positive", "Observation/1", "1", "2026-02-10")
COUNT = a_fact(FactName.NEUTROPHILS, "3.2", unit="10*3/uL")


@pytest.mark.parametrize(
    ("now", "then"),
    [
        (study_version(a_study()), "6bc2d4fd6dc5dc21362408ca2017c23c0837fb7d299491d597170c57081dee31"),
        (pin_digest(some_pins()), "64b64dc3b71322a968c08126ea34d243dea1b4071f590e427724a6f175d86988"),
        (pin_digest(some_pins(facts=(COUNT,))), "770ad47e233d26223b85e58653ef3e352d52cfa1f45d6693432f5c87458b7f61"),
        (
            BEFORE.result_key(some_pins(), a_prediction()),
            "ab5b3126cb7e358ca7a42fddf75d0cbc253e5cb7b0e9ef4f3926144dee798ed2",
        ),
        (
            BEFORE.result_key(some_pins(), a_refusal(inputs=(ER,))),
            "de93cda5f2b1904fb5c45a8fd30b88cb756a5a07a8097fd6f264805bfefe4f4f",
        ),
        (
            BEFORE.refusal_key(a_study(), a_refusal()),
            "d5c4066057570338b6ef11a0badd44e2c84375963521b4097002ac86da0c83b9",
        ),
        (BEFORE.case_id("ln_pcr", a_study()), "411ccab1f012a544450b8edd7f7225cc"),
    ],
)
def test_what_was_pinned_and_answered_by_the_first_release_keeps_its_keys(now: str, then: str) -> None:
    """Computed before facts knew comparators and before there were panels: another digest answers every case anew."""
    assert now == then


@pytest.mark.parametrize(
    "said", [{"comparator": "<"}, {"collected_time": START}, {"reference_high": "5"}, {"intent": "adjuvant"}]
)
def test_what_facts_have_learned_to_say_counts_once_it_is_said(said: dict[str, object]) -> None:
    fuller = replace(COUNT, **said)  # type: ignore[arg-type]

    assert pin_digest(some_pins(facts=(fuller,))) != pin_digest(some_pins(facts=(COUNT,)))


def test_another_birth_date_in_the_record_of_a_panel_is_another_answer() -> None:
    born = some_pins(demographics=Demographics(date(1970, 1, 2), None))

    assert pin_digest(some_pins(demographics=Demographics())) == pin_digest(some_pins())
    assert pin_digest(born) != pin_digest(some_pins())


def test_a_panel_is_another_version_once_its_draw_grew_or_was_taken_back() -> None:
    panel = a_panel().panel
    assert panel is not None
    grown = a_panel(panel=replace(panel, last_date=panel.last_date + timedelta(days=1)))
    gone = a_panel(panel=replace(panel, taken_back="none is left"))

    assert len({study_version(one) for one in (a_panel(), grown, gone)}) == 3


@pytest.mark.parametrize(
    "changed",
    [
        {"policy": SlidePolicy(rounding=Rounding.CEIL)},
        {"policy": SlidePolicy(cropping=Cropping.PAPER)},
        {"slide": a_slide(tissue="")},
        {"calibration": SlideCalibration("r", "d" * 64, "Leica", "Aperio AT2", 0.01, 30, "site.pem", "c" * 64)},
        {"exclusions": (Exclusion((Point(0, 0), Point(1, 0), Point(0, 1)), "dr", "in situ", START),)},
    ],
)
def test_whatever_the_answer_about_a_slide_rests_on_is_pinned(changed: dict[str, Any]) -> None:
    pinned = PinnedSlide(a_slide(), SlidePolicy())

    assert pin_digest(slide_pins(pinned)) != pin_digest(slide_pins(replace(pinned, **changed)))


def test_patches_of_an_earlier_answer_spare_the_network_and_make_no_other_question() -> None:
    pinned = PinnedSlide(a_slide(), SlidePolicy())
    kept = replace(pinned, patches=(Artefact(ArtefactKind.PATCHES, "x", "a" * 64),))

    assert pin_digest(slide_pins(pinned)) == pin_digest(slide_pins(kept))


def test_each_slide_of_a_study_is_a_question_of_its_own_and_each_reading_of_it_a_version() -> None:
    other = a_slide(specimen=replace(a_slide().specimen, slide="A1-2"))

    assert KEYS.case_id("her2", a_slide_study()) != KEYS.case_id("her2", a_slide_study(other))
    assert study_version(a_slide_study()) != study_version(a_slide_study(a_slide(stain="")))
