"""Looking only at what one resource states gives what looking at the whole record gives, and costs no more later."""

from __future__ import annotations

import random
from typing import Any

import pytest

from services.lab_consumer.adapters.store import SqlWriting
from services.lab_consumer.handlers.keep import update
from services.lab_consumer.handlers.projection import changes, project
from services.lab_consumer.handlers.submission import Submission
from shared.codes import loinc, snomed
from shared.domain.identity import PatientIdentity
from shared.testing.fhir_resources import (
    BREAST_CANCER,
    ER,
    HOSPITAL_SYSTEM,
    concept,
    condition,
    medication_request,
    observation,
    patient,
    quantity,
    specimen,
)  # fmt: skip
from tests.contract.lab_consumer.conftest import MRN1, Laboratory

pytestmark = pytest.mark.contract

MRN2 = PatientIdentity("hospital", "MRN2")
BREAST = snomed.code("76752008", "Breast structure")
LUNG = snomed.code("39607008", "Lung structure")
NEUTROPHILS = loinc.NEUTROPHILS[0]


def some_resource(dice: random.Random) -> dict[str, Any]:
    """Any of a few resources in any of a few states, so that they meet, contradict and replace each other."""
    number, whose = dice.randrange(3), {"reference": f"Patient/p{dice.choice([1, 1, 1, 2])}"}
    by_identifier = {"identifier": {"system": HOSPITAL_SYSTEM, "value": dice.choice(["MRN1", "MRN2"])}}
    receptor = {
        "focus": [{"reference": f"Condition/c{dice.randrange(2)}"}],
        "specimen": {"reference": f"Specimen/s{dice.randrange(2)}"},
        "status": dice.choice(["final", "final", "entered-in-error"]),
    }
    makers = (
        lambda: observation(f"n{number}", NEUTROPHILS, quantity(dice.choice([3, 4, 9000]), "10*3/uL"),
                            subject=dice.choice([whose, by_identifier])),
        lambda: observation(f"e{number}", ER, dice.choice([loinc.POSITIVE, loinc.NEGATIVE]), subject=whose,
                            **{name: receptor[name] for name in dice.sample(sorted(receptor), dice.randrange(3))}),
        lambda: medication_request(f"m{number}", subject=whose),
        lambda: specimen(f"s{dice.randrange(2)}", dice.choice([BREAST, LUNG])) | {"subject": whose},
        lambda: condition(f"c{dice.randrange(2)}", dice.choice([BREAST_CANCER, snomed.code("38341003", "x")]),
                          subject=whose, bodySite=[concept(BREAST)]),
        patient,
        lambda: patient("MRN2", found="p2", **dice.choice(
            [{}, {"link": [{"other": {"reference": "Patient/p1"}, "type": "replaced-by"}]}])),
    )  # fmt: skip
    return dice.choices(makers, [6, 6, 3, 2, 2, 1, 1])[0]()


def deleted(dice: random.Random) -> Submission:
    kind, name = dice.choice([("Observation", "n0"), ("Observation", "e1"), ("Condition", "c0"), ("Specimen", "s0")])
    return Submission(kind, name, None)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_arrives_in_whatever_order_nothing_is_left_that_the_whole_record_would_say(
    lab: Laboratory, seed: int
) -> None:
    dice = random.Random(seed)
    for _ in range(40):
        if dice.random() < 0.1:
            lab.receive([deleted(dice)])
        else:
            lab.post(some_resource(dice))
        with lab.store.writing() as writing:
            for identity in (MRN1, MRN2):
                whole = project(writing.about(identity), lab.receive.identities, writing.now, identity)
                stated = writing.stated(identity)
                assert not stated or changes(stated, whole) == ()


def test_a_resource_states_what_it_states_however_long_the_record_is(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.post(patient(), condition())
    for number in range(30):
        lab.post(observation(f"n{number}", NEUTROPHILS, quantity(3, "10*3/uL")))
    looked_at: list[int] = []
    about, stated = SqlWriting.about, SqlWriting.stated
    for name, original in (("about", about), ("stated", stated)):

        def counted(self: SqlWriting, *given: Any, original: Any = original) -> Any:
            found = original(self, *given)
            looked_at.append(len(found))
            return found

        monkeypatch.setattr(SqlWriting, name, counted)

    lab.post(observation("n7", NEUTROPHILS, quantity(4, "10*3/uL")))

    assert looked_at
    assert max(looked_at) <= 4  # Patient, Condition and the resource itself; what they state
    assert sorted(lab.values(lab.facts().facts[0].name)) == sorted(["3"] * 29 + ["4"])


def test_who_was_never_looked_at_is_looked_at_as_a_whole(lab: Laboratory) -> None:
    stranger = {"identifier": {"system": HOSPITAL_SYSTEM, "value": "MRN2"}}
    lab.post(observation("n1", NEUTROPHILS, quantity(3, "10*3/uL"), subject=stranger))

    with lab.store.writing() as writing:
        assert update(writing, MRN2, lab.receive.identities) == ()
        kinds = {row.kind.value for row in writing.stated(MRN2)}
    assert kinds == {"fact", "demographics"}
