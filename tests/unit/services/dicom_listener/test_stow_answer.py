"""The answer of STOW-RS, read back by pydicom."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from pydicom.dataset import Dataset

from services.dicom_listener.formats.stow_answer import JSON, XML, rendered, status_of
from services.dicom_listener.handlers.store_parts import PartAnswer, Taken
from shared.domain.refusals import Cause

GOOD = PartAnswer(None, "1.2.840.10008.5.1.4.1.1.4", "1.2.3")
MISMATCH = PartAnswer(Cause.DOES_NOT_MATCH, "1.2.840.10008.5.1.4.1.1.4", "1.2.4")
NAMELESS = PartAnswer(Cause.UNREADABLE)
FULL = PartAnswer(Cause.OUT_OF_SPACE, "1.2.840.10008.5.1.4.1.1.4", "1.2.5")


@pytest.mark.parametrize(
    ("taken", "status"),
    [
        (Taken([GOOD], whole=True), 200),
        (Taken([GOOD, MISMATCH], whole=True), 202),
        (Taken([MISMATCH, NAMELESS], whole=True), 409),
        (Taken([FULL, FULL], whole=True), 503),
        (Taken([FULL, MISMATCH], whole=True), 409),
        (Taken([], whole=True), 400),
        (Taken([], broken=Cause.UNREADABLE), 400),
        (Taken([], broken=Cause.TOO_SLOW), 408),
        (Taken([], broken=Cause.STORE_UNREACHABLE), 503),
        (Taken([GOOD], broken=Cause.UNREADABLE), 202),
    ],
)
def test_the_status_sums_the_parts_up(taken: Taken, status: int) -> None:
    assert status_of(taken) == status


def test_json_names_what_was_stored_what_failed_and_what_could_not_be_named() -> None:
    answer = Dataset.from_json(rendered(Taken([GOOD, MISMATCH, NAMELESS], whole=True), JSON).decode())

    assert answer.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "1.2.3"
    assert answer.ReferencedSOPSequence[0].RetrieveURL == ""
    assert answer.FailedSOPSequence[0].ReferencedSOPInstanceUID == "1.2.4"
    assert answer.FailedSOPSequence[0].FailureReason == 0xA900
    assert answer.OtherFailuresSequence[0].FailureReason == 0xC000


def test_xml_says_the_same() -> None:
    root = ET.fromstring(rendered(Taken([GOOD, MISMATCH], whole=True), XML))
    spaces = {"d": "http://dicom.nema.org/PS3.19/models/NativeDICOM"}
    reason = root.find("d:DicomAttribute[@tag='00081198']/d:Item/d:DicomAttribute[@tag='00081197']/d:Value", spaces)

    assert reason is not None
    assert reason.text == str(0xA900)
    assert root.find("d:DicomAttribute[@keyword='ReferencedSOPSequence']/d:Item", spaces) is not None
