"""ADT^A40 as one domain event."""

from __future__ import annotations

import pytest

from shared.domain.errors import InvalidInputError
from shared.domain.governance import PatientChange, PatientChangeKind
from shared.domain.identity import AssigningAuthority, IdentityMap, PatientIdentity
from shared.hl7.reading.header import Header
from shared.hl7.reading.message import Limits, parse
from shared.hl7.reading.patient_merge import read_merge
from shared.testing.hl7_messages import message

SITE = IdentityMap(
    (AssigningAuthority("hospital", hl7_authority="HOSP"), AssigningAuthority("region", hl7_authority="1.2.3"))
)
HEAD = "MSH|^~\\&|ADT|HOSP|ONCORELAY|HOSP|20260301120000||ADT^A40^ADT_A39|CTRL-9|P|2.5.1"
PID = "PID|1||MRN2^^^HOSP&9.9.9&ISO^MR~X9^^^OTHER^MR||Test^Canary"
MRG = "MRG|MRN1^^^HOSP^MR"


def read(*segments: str) -> tuple[PatientChange, ...]:
    content = message(*segments)
    return read_merge(parse(content, Header.of(content), Limits()), SITE)


def test_a_merge_names_who_ends_who_survives_and_the_message() -> None:
    (change,) = read(HEAD, "EVN|A40", PID, MRG)

    ends, survives = PatientIdentity("hospital", "MRN1"), PatientIdentity("hospital", "MRN2")
    assert change == PatientChange(PatientChangeKind.MERGE, ends, survives, "ADT^A40 CTRL-9")


def test_several_merges_of_one_message_are_several_changes() -> None:
    changes = read(HEAD, PID, MRG, PID, MRG.replace("MRN1", "MRN3"))

    assert [change.from_identity.identifier for change in changes] == ["MRN1", "MRN3"]


def test_the_universal_id_of_an_authority_names_it_as_well() -> None:
    (change,) = read(HEAD, "PID|1||MRN2^^^&1.2.3&ISO^MR", MRG)

    assert change.to_identity == PatientIdentity("region", "MRN2")


@pytest.mark.parametrize(
    ("segments", "element"),
    [
        ((HEAD.replace("A40", "A08"), PID, MRG), "MSH-9"),
        ((HEAD, PID), "MRG"),
        ((HEAD, MRG), "PID"),
        ((HEAD, PID, "MRG|MRN1^^^OTHER"), "MRG[1]-1"),
        ((HEAD, PID, MRG.replace("MRN1", "MRN2")), "MRG[1]-1"),
        ((HEAD, PID, "MRG|MRN1^^^HOSP~MRN7^^^HOSP"), "MRG[1]-1"),
        ((HEAD, PID, "MRG|MRN1^^^HOSP&1.2.3"), "MRG[1]-1"),
        ((HEAD, PID, "MRG|" + "9" * 500 + "^^^HOSP"), "MRG[1]-1.1"),
        ((HEAD.replace("^~\\&", "||||"), PID, MRG), "MSH"),
        (("PID|1",), "MSH"),
        ((), "MSH"),
    ],
)
def test_what_is_no_merge_we_can_act_on_is_refused_and_the_field_named(segments: tuple[str, ...], element: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read(*segments)

    assert refused.value.element == element
    assert "MRN" not in str(refused.value)
