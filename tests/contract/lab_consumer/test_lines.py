"""NDJSON: what a line becomes, what is said about it, and what remains of a body that breaks off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from services.lab_consumer.formats import tally as written
from services.lab_consumer.handlers import lines
from services.lab_consumer.handlers.lines import BrokenStreamError, IntakeLines, Tally
from shared.codes import loinc
from shared.domain.facts import FactName
from shared.domain.refusals import Cause
from shared.fhir.reading.json_text import JsonLimits
from shared.testing.fhir_resources import ER, bundle, observation, patient, quantity
from tests.contract.lab_consumer.conftest import Laboratory

pytestmark = pytest.mark.contract

NEUTROPHILS = loinc.NEUTROPHILS[0]


def count(number: int, value: float = 3) -> dict[str, Any]:
    return observation(f"n{number}", NEUTROPHILS, quantity(value, "10*3/uL"))


def ndjson(*resources: dict[str, Any] | bytes) -> bytes:
    rows = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in resources]
    return b"\n".join(rows) + b"\n"


def take(lab: Laboratory, body: bytes, piece: int = 1000, max_bytes: int = 10_000) -> Tally:
    pieces = (body[start : start + piece] for start in range(0, len(body), piece))
    return IntakeLines(lab.receive, JsonLimits(max_bytes))(pieces)


@pytest.mark.parametrize("piece", [1, 7, 100_000])
def test_every_line_becomes_what_it_would_have_become_alone(lab: Laboratory, piece: int) -> None:
    tally = take(lab, ndjson(patient(), count(1), count(2, 4)), piece)

    assert (tally.lines, tally.kept, tally.refused, tally.broken) == (3, 3, 0, None)
    assert sorted(lab.values(FactName.NEUTROPHILS)) == ["3", "4"]


def test_the_last_line_needs_no_end_and_blank_lines_are_no_lines(lab: Laboratory) -> None:
    tally = take(lab, b"\r\n" + ndjson(patient()) + b"  \n" + json.dumps(count(1)).encode())

    assert (tally.lines, tally.kept) == (2, 2)


def test_each_refused_line_is_named_with_its_number_and_the_others_are_kept(lab: Laboratory) -> None:
    body = ndjson(patient(), b"{no json", count(1, 9000), count(2), bundle("batch", patient()), b'"text"')

    rows = [json.loads(line) for line in written.lines(take(lab, body)).splitlines()]

    told = {row["id"]: row["issue"][0] for row in rows[1:]}
    assert rows[0]["issue"][0]["diagnostics"].startswith("6 lines: 2 accepted, ")
    assert set(told) == {"line-2", "line-3", "line-5", "line-6"}
    assert "not JSON" in told["line-2"]["diagnostics"]
    assert told["line-3"]["expression"] == ["Observation.value"]
    assert "no Bundle" in told["line-5"]["diagnostics"]
    assert lab.values(FactName.NEUTROPHILS) == ["3"]
    assert len(lab.store.refusals(100)) == 4


def test_a_line_longer_than_the_limit_is_refused_and_never_held_whole(lab: Laboratory) -> None:
    def pieces() -> Iterator[bytes]:
        yield json.dumps(patient()).encode() + b"\n"
        yield from (b"x" * 5000 for _ in range(50))
        yield b"\n" + json.dumps(count(1)).encode()

    tally = IntakeLines(lab.receive, JsonLimits(10_000))(pieces())

    assert (tally.kept, tally.refused, [row.number for row in tally.told]) == (2, 1, [2])
    assert "longer than 10000 bytes" in tally.told[0].answer.issues[0].text


def test_lines_before_their_patient_wait_and_are_counted_as_waiting(lab: Laboratory) -> None:
    tally = take(lab, ndjson(count(1), count(2)))

    assert (tally.waiting, tally.kept) == (2, 0)
    take(lab, ndjson(patient()))
    assert len(lab.values(FactName.NEUTROPHILS)) == 2


def test_what_came_before_a_cut_is_kept_and_the_answer_says_how_far(lab: Laboratory) -> None:
    def pieces() -> Iterator[bytes]:
        yield ndjson(patient(), count(1)) + b'{"resourceType": "Obs'
        raise BrokenStreamError(Cause.UNREADABLE, "the body was cut")

    tally = IntakeLines(lab.receive, JsonLimits())(pieces())

    assert (tally.lines, tally.kept) == (2, 2)
    issue = written.whole(tally)["issue"][0]
    assert issue["severity"] == "error"
    assert issue["diagnostics"].startswith("the body was cut; the lines counted here are answered for")
    assert lab.values(FactName.NEUTROPHILS) == ["3"]


def test_groups_are_committed_one_after_the_other(lab: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "GROUP", 2)
    room = iter([None, None, Cause.OUT_OF_SPACE])
    take_in = IntakeLines(lab.receive, JsonLimits(), trouble=lambda: next(room))

    tally = take_in([ndjson(patient(), *(count(number) for number in range(9)))])

    assert (tally.lines, tally.broken and tally.broken.cause) == (4, Cause.OUT_OF_SPACE)
    assert len(lab.values(FactName.NEUTROPHILS)) == 3


def test_a_body_that_is_refused_line_after_line_is_not_read_to_its_end(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MOST_REFUSED", 5)
    monkeypatch.setattr(lines, "GROUP", 4)

    tally = take(lab, b"x\n" * 1000)

    assert (tally.lines, tally.refused) == (8, 8)
    assert tally.broken
    assert len(lab.store.refusals(100)) == 8


def test_a_later_line_of_one_body_replaces_an_earlier_one(lab: Laboratory) -> None:
    er = observation("er", ER, loinc.POSITIVE)
    take(lab, ndjson(patient(), er, er | {"valueCodeableConcept": {"coding": [
        {"system": loinc.SYSTEM, "code": loinc.NEGATIVE.code}]}}))  # fmt: skip

    assert lab.values(FactName.ESTROGEN_RECEPTOR) == ["negative"]
