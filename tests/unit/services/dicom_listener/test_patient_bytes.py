"""Whose an object is, read from its bytes without parsing it."""

from __future__ import annotations

import pytest
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from services.dicom_listener.formats.patient_bytes import patient_of
from shared.phantoms.modules import PatientAttributes
from shared.testing.dicom import encoded, small_series


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_patient_id_and_issuer_are_found_in_both_value_representations(syntax: UID) -> None:
    (image,) = small_series(1, PatientAttributes(patient_id="ÄB-7", name="N^N"))
    image.SpecificCharacterSet = "ISO_IR 192"
    image.file_meta.TransferSyntaxUID = syntax

    assert patient_of(encoded(image)) == ("ÄB-7", image.IssuerOfPatientID)


def test_they_are_found_in_an_object_that_was_cut_off_behind_them() -> None:
    (image,) = small_series(1, PatientAttributes(patient_id="MRN-1", name="N^N"))
    del image.IssuerOfPatientID

    assert patient_of(encoded(image)[:-200]) == ("MRN-1", "")


def test_an_object_without_patient_id_is_nobodys() -> None:
    (image,) = small_series(1)
    del image.PatientID

    assert patient_of(encoded(image)) is None
