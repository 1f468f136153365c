"""ADT^A40 as one domain event."""

from __future__ import annotations

import pytest

from shared.domain.errors import InvalidInputError
from shared.domain.governance import PatientChange, PatientChangeKind
from shared.domain.identity import AssigningAuthority, IdentityMap, PatientIdentity
from shared.hl7.reading.patient_merge import read_merge

SITE = IdentityMap((AssigningAuthority("hospital", hl7_authority="HOSP"),))
HEAD = "MSH|^~\\&|ADT|HOSP|ONCORELAY|HOSP|20260301120000||ADT^A40^ADT_A39|CTRL-9|P|2.5.1"
PID = "PID|1||MRN2^^^HOSP&1.2.3&ISO^MR~X9^^^OTHER^MR||Test^Canary"
MRG = "MRG|MRN1^^^HOSP^MR"


def message(*segments: str) -> bytes:
    return "\r".join(segments).encode()


def test_a_merge_names_who_ends_who_survives_and_the_message() -> None:
    (change,) = read_merge(message(HEAD, "EVN|A40", PID, MRG), SITE)

    ends, survives = PatientIdentity("hospital", "MRN1"), PatientIdentity("hospital", "MRN2")
    assert change == PatientChange(PatientChangeKind.MERGE, ends, survives, "ADT^A40 CTRL-9")


def test_several_merges_of_one_message_are_several_changes() -> None:
    other = MRG.replace("MRN1", "MRN3")

    changes = read_merge(message(HEAD, PID, MRG, PID, other), SITE)
    assert [change.from_identity.identifier for change in changes] == ["MRN1", "MRN3"]


@pytest.mark.parametrize(
    ("segments", "element"),
    [
        ((HEAD.replace("A40", "A08"), PID, MRG), "MSH-9"),
        ((HEAD, PID), "MRG"),
        ((HEAD, MRG), "PID"),
        ((HEAD, PID, "MRG|MRN1^^^OTHER"), "MRG-1"),
        ((HEAD, PID, MRG.replace("MRN1", "MRN2")), "MRG-1"),
        ((HEAD, PID, "MRG|MRN1^^^HOSP~MRN7^^^HOSP"), "MRG-1"),
        ((HEAD, PID, "MRG|" + "9" * 500 + "^^^HOSP"), "MRG-1"),
        ((HEAD.replace("^~\\&", "||||"), PID, MRG), "MSH"),
        (("PID|1",), "MSH"),
        ((), "MSH"),
        ((HEAD, *["NTE|1"] * 300), "message"),
        ((HEAD, "Z" * 70_000), "message"),
    ],
)
def test_what_is_no_merge_we_can_act_on_is_refused_and_the_field_named(segments: tuple[str, ...], element: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read_merge(message(*segments), SITE)

    assert refused.value.element == element
    assert "MRN" not in str(refused.value)
