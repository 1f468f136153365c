"""Slides nothing can be made of, and those about which a person must say something."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.domain.errors import InvalidInputError
from shared.domain.slides import ResolutionSource
from tests.contract.slide_ingestion.conftest import SAID, Room


def test_a_slide_without_a_resolution_is_told_as_not_analysed_until_a_person_states_it(room: Room) -> None:
    room.drop("a.svs", "NO-MPP", **SAID)
    room.settle()
    assert room.told[0].refused == "resolution_unknown"
    assert room.told[0].refused_text

    room.set_resolution(room.rows[0].slide_id[:8], 0.25, "Dr. Path", "service report of the scanner")
    room.work()

    resolution = room.told[-1].resolution
    assert resolution
    assert (resolution.x, resolution.source, resolution.stated_by) == (0.25, ResolutionSource.OPERATOR, "Dr. Path")
    assert room.told[-1].refused == ""
    with pytest.raises(InvalidInputError):
        room.set_resolution(room.rows[0].slide_id[:8], 0.00499, "Dr. Path", "wrong unit")


def test_a_person_cannot_overrule_what_the_file_states(room: Room) -> None:
    room.drop("a.svs", **SAID)
    room.settle()
    with pytest.raises(InvalidInputError, match="file states"):
        room.set_resolution(room.rows[0].slide_id, 0.5, "Dr. Path", "I think so")

    assert room.rows[0].person is None


def test_two_empty_files_under_two_orders_are_two_cases_that_are_not_analysed(room: Room) -> None:
    room.drop("a.svs", **SAID).write_bytes(b"")
    room.drop("b.svs", **(SAID | {"container": "S26-1-A-1-4", "slide": "4"})).write_bytes(b"")
    room.settle()

    assert room.states == ["submitted", "submitted"]
    assert [one.refused for one in room.told] == ["unreadable_slide"] * 2


def test_two_slides_that_are_too_large_are_not_the_same_picture(room: Room) -> None:
    room.drop("a.svs", "PLAIN one", **SAID)
    room.drop("b.svs", "PLAIN two", **(SAID | {"container": "S26-1-A-1-4", "slide": "4"}))
    room.check = replace(room.check, most_bytes=1)
    room.settle()

    assert room.states == ["submitted", "submitted"]
    assert [one.refused for one in room.told] == ["unreadable_slide"] * 2
    assert "larger" in room.told[0].refused_text


def test_what_a_person_said_of_a_slide_does_not_count_for_the_one_that_replaces_it(room: Room) -> None:
    room.drop("a.svs", "NO-MPP", **SAID)
    room.settle()
    room.set_resolution(room.rows[0].slide_id, 0.25, "Dr. Path", "service report of the scanner")
    room.drop("a.svs", "NO-MPP another scan, perhaps at 20x")
    room.settle()

    assert room.told[-1].refused == "resolution_unknown"
    assert room.told[-1].resolution is None


def test_what_cannot_be_read_is_a_case_where_it_was_ordered_and_a_notice_where_it_was_not(room: Room) -> None:
    room.drop("a.svs", "BROKEN", **SAID)
    room.drop("b.svs", "BROKEN otherwise")
    room.settle()

    assert room.states == ["submitted", "refused"]
    assert [one.refused for one in room.told] == ["unreadable_slide"]
    assert [kind for kind, _ in room.ledger.notices] == ["slide_refused"]


def test_an_empty_file_with_an_order_is_told_as_not_analysed(room: Room) -> None:
    room.drop("a.svs", **SAID).write_bytes(b"")
    room.settle()

    assert room.told[0].refused == "unreadable_slide"
