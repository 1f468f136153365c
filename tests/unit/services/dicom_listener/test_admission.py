"""Who may associate now."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest

from services.dicom_listener.handlers.admission import Admission, AdmissionRules, Bond
from shared.domain.refusals import Cause
from shared.testing.arrivals import Gate

RULES = AdmissionRules("US", frozenset({"PACS", "CT"}), (ip_network("10.1.0.0/16"), ip_network("fd00::/8")), 3, 2, 0)


def _admission(gate: Gate | None = None, max_associations: int = 3) -> Admission:
    return Admission(replace(RULES, max_associations=max_associations), gate or Gate(), lambda: 0.0)


@pytest.mark.parametrize("address", ["10.1.2.3", "fd00::1", "::ffff:10.1.2.3", "fd00::1%eth0"])
def test_a_listed_sender_from_a_listed_network_comes_in(address: str) -> None:
    assert _admission().enter("PACS", "US", address) is None


@pytest.mark.parametrize(
    ("calling", "called", "address", "cause"),
    [
        ("PACS", "THEM", "10.1.2.3", Cause.CALLED_UNKNOWN),
        ("MR", "US", "10.1.2.3", Cause.CALLER_UNKNOWN),
        ("", "US", "10.1.2.3", Cause.CALLER_UNKNOWN),
        ("PACS", "US", "10.2.0.1", Cause.CALLER_FORBIDDEN),
        ("PACS", "US", "::1", Cause.CALLER_FORBIDDEN),
    ],
)
def test_strangers_are_told_why(calling: str, called: str, address: str, cause: Cause) -> None:
    assert _admission().enter(calling, called, address) is cause


def test_one_sender_cannot_take_all_places() -> None:
    admission = _admission()
    first, second, third = (admission.enter("PACS", "US", "10.1.2.3") for _ in range(3))

    assert (first, second, third) == (None, None, Cause.OVERLOADED)
    assert admission.enter("CT", "US", "10.1.2.3") is None
    assert admission.enter("CT", "US", "10.1.2.3") is Cause.OVERLOADED


def test_a_place_that_was_left_is_free() -> None:
    admission = _admission(max_associations=1)
    admission.enter("PACS", "US", "10.1.2.3")
    admission.leave("PACS")

    assert admission.enter("PACS", "US", "10.1.2.3") is None


def test_a_rejected_sender_holds_no_place() -> None:
    admission = _admission(max_associations=1)
    admission.enter("MR", "US", "10.1.2.3")

    assert admission.enter("PACS", "US", "10.1.2.3") is None


def test_a_sender_that_comes_too_often_waits_for_its_next_turn() -> None:
    now = [0.0]
    admission = Admission(replace(RULES, per_minute=2), Gate(), lambda: now[0])

    def visit() -> Cause | None:
        cause = admission.enter("PACS", "US", "10.1.2.3")
        if cause is None:
            admission.leave("PACS")
        return cause

    assert [visit(), visit(), visit()] == [None, None, Cause.OVERLOADED]
    now[0] = 31.0
    assert [visit(), visit()] == [None, Cause.OVERLOADED]


def test_the_gatekeeper_is_asked_only_about_listed_senders() -> None:
    gate = Gate(Cause.OUT_OF_SPACE)

    assert _admission(gate).enter("PACS", "US", "10.1.2.3") is Cause.OUT_OF_SPACE
    assert _admission(gate).enter("MR", "US", "10.1.2.3") is Cause.CALLER_UNKNOWN


def test_a_title_bound_to_a_certificate_is_worth_nothing_without_it() -> None:
    rules = replace(RULES, bonds={"PACS": Bond(certificate_name="pacs.hospital")})
    admission = Admission(rules, Gate(), lambda: 0.0)

    assert admission.enter("PACS", "US", "10.1.2.3") is Cause.CALLER_FORBIDDEN
    assert admission.enter("PACS", "US", "10.1.2.3", frozenset({"ct.hospital"})) is Cause.CALLER_FORBIDDEN
    assert admission.enter("PACS", "US", "10.1.2.3", frozenset({"pacs.hospital"})) is None
    assert admission.enter("CT", "US", "10.1.2.3") is None


def test_a_title_bound_to_a_network_comes_from_there_only() -> None:
    rules = replace(RULES, bonds={"PACS": Bond(networks=(ip_network("10.1.7.0/24"),))})
    admission = Admission(rules, Gate(), lambda: 0.0)

    assert admission.enter("PACS", "US", "10.1.2.3") is Cause.CALLER_FORBIDDEN
    assert admission.enter("PACS", "US", "10.1.7.3") is None
