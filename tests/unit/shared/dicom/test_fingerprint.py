"""What an object shows and whose it is are digested apart, whatever the encoding."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian

from shared.dicom.fingerprint import Fingerprint, fingerprint
from shared.dicom.header import side_of
from shared.dicom.part10 import data_set_start
from shared.dicom.transfer_syntaxes import is_implicit
from shared.domain.errors import InvalidInputError
from shared.domain.identity import Side
from shared.testing.dicom import encoded, small_series

DATA = Path(__file__).parents[4].parent / "shared" / "data" / "dicom"


def _read(image: Dataset) -> Fingerprint:
    data = memoryview(encoded(image))
    return fingerprint(data, start=data_set_start(data), implicit=is_implicit(image.file_meta.TransferSyntaxUID))


def _changed(change: Callable[[Dataset], object]) -> tuple[Fingerprint, Fingerprint]:
    image = small_series(1)[0]
    other = deepcopy(image)
    change(other)
    return _read(image), _read(other)


def test_the_header_is_read_as_sent() -> None:
    header = _read(small_series(1)[0]).header

    assert (header.patient_id, header.issuer, header.modality) == ("PHANTOM-1", "PHANTOMS", "MR")
    assert (header.birth_date, header.sex, header.body_part) == ("19650102", "F", "BREAST")


def _framed(*sides: str) -> Dataset:
    image, groups = small_series(1)[0], []
    for side in sides:
        group, anatomy = Dataset(), Dataset()
        anatomy.FrameLaterality = side
        group.FrameAnatomySequence = [anatomy]
        groups.append(group)
    image.PerFrameFunctionalGroupsSequence = groups
    return image


@pytest.mark.parametrize(
    ("sides", "stated", "side"),
    [
        ((), "", None), (("L", "L"), "L", Side.LEFT), (("R",), "R", Side.RIGHT), (("B", "B"), "B", Side.BOTH),
        (("L", "R"), "L\\R", None), (("U",), "U", None),
    ],
)  # fmt: skip
def test_the_side_of_an_enhanced_object_is_what_all_its_frames_say(
    sides: tuple[str, ...], stated: str, side: Side | None
) -> None:
    header = _read(_framed(*sides)).header

    assert header.frame_laterality == stated
    assert side_of(header.frame_laterality) is side


@pytest.mark.parametrize("keyword", ["PatientID", "PatientName", "IssuerOfPatientID", "AccessionNumber", "StudyID"])
def test_a_corrected_identity_changes_only_the_identity_digest(keyword: str) -> None:
    before, after = _changed(lambda image: setattr(image, keyword, "CORRECTED"))

    assert before.content_digest == after.content_digest
    assert before.identity_digest != after.identity_digest


def test_other_pixels_change_only_the_content_digest() -> None:
    before, after = _changed(lambda image: setattr(image, "PixelData", bytes(len(image.PixelData))))

    assert before.content_digest != after.content_digest
    assert before.identity_digest == after.identity_digest


@pytest.mark.parametrize("keyword", ["SeriesDescription", "StudyInstanceUID", "SliceThickness"])
def test_anything_that_is_not_identity_is_content(keyword: str) -> None:
    before, after = _changed(lambda image: setattr(image, keyword, "1"))

    assert before.content_digest != after.content_digest


def test_what_archives_rewrite_on_the_way_changes_nothing() -> None:
    original = Dataset()
    original.ModifyingSystem = "PACS"
    before, after = _changed(lambda image: setattr(image, "OriginalAttributesSequence", [original]))

    assert before == after


def test_implicit_vr_makes_no_difference() -> None:
    image = small_series(1)[0]
    image.RequestAttributesSequence = [Dataset()]
    image.RequestAttributesSequence[0].RequestedProcedureID = "P1"
    stream = BytesIO()
    other = deepcopy(image)
    other.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    dcmwrite(stream, other, enforce_file_format=True, implicit_vr=True, little_endian=True)
    data = memoryview(stream.getvalue())

    assert fingerprint(data, start=data_set_start(data), implicit=True) == _read(image)


@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID"])
def test_an_object_that_cannot_be_placed_is_refused_by_name(keyword: str) -> None:
    image = small_series(1)[0]
    data = memoryview(encoded(image))
    start = data_set_start(data)
    damaged = bytes(data).replace(str(getattr(image, keyword)).encode(), b"\0" * len(str(getattr(image, keyword))))

    with pytest.raises(InvalidInputError, match="is missing"):
        fingerprint(memoryview(damaged), start=start, implicit=False)


def test_a_missing_patient_id_is_read_as_empty() -> None:
    image = small_series(1)[0]
    del image.PatientID

    assert _read(image).header.patient_id == ""


def test_a_patient_id_in_another_character_set_is_read_exactly() -> None:
    image = small_series(1)[0]
    image.PatientID = "Ä-1"

    assert _read(image).header.patient_id == "Ä-1"


def test_a_file_without_prefix_is_not_dicom() -> None:
    with pytest.raises(InvalidInputError, match="not a DICOM file"):
        data_set_start(memoryview(bytes(200)))


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["MR1_JLSL", "MR1_RLE", "MR_Implicit_Little", "rtstruct", "ispy1_1001_breast_seg"])
def test_real_objects_are_read_as_pydicom_reads_them(name: str) -> None:
    path = DATA / f"{name}.dcm"
    if not path.exists():
        pytest.skip("real inputs are absent")
    data = memoryview(path.read_bytes())
    image = dcmread(path, stop_before_pixels=True)
    implicit = is_implicit(image.file_meta.TransferSyntaxUID)

    header = fingerprint(data, start=data_set_start(data), implicit=implicit).header

    assert header.sop_instance_uid == image.SOPInstanceUID
    assert header.patient_id == image.get("PatientID", "")
