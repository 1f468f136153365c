"""What frames say of themselves is read from classic and enhanced objects, real ones too; lies and gaps stay gaps."""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ImplicitVRLittleEndian

from shared.dicom.frame_headers import frame_headers
from shared.dicom.part10 import file_meta
from shared.dicom.transfer_syntaxes import is_implicit
from shared.domain.errors import InvalidInputError
from shared.domain.identity import Side
from shared.imaging.dynamic import FrameHeader
from shared.phantoms.dce.attributes import StudyLabel
from shared.phantoms.dce.patient import make_patient
from shared.phantoms.dce.scanners import Storing, small_scanner
from shared.phantoms.dce.storing import dynamic_objects
from shared.phantoms.dce.tumour import Lesion
from shared.testing.dicom import encoded, small_series


def _headers(content: bytes) -> tuple[FrameHeader, ...]:
    view = memoryview(content)
    meta = file_meta(view)
    assert meta is not None
    implicit = is_implicit(meta.transfer_syntax)
    return frame_headers(view, start=meta.end, implicit=implicit, blob_uri="file:///x")


def _header(image: Dataset) -> FrameHeader:
    (header,) = _headers(encoded(image))
    return header


@pytest.fixture
def image() -> Dataset:
    return deepcopy(small_series(2)[1])


@pytest.fixture(scope="module")
def enhanced() -> Dataset:
    study = make_patient(np.random.default_rng(1), small_scanner(Storing.ENHANCED), Lesion(0.0, 25.0))
    return dynamic_objects(study, StudyLabel("headers"))[0]


def _set(image: Dataset, **values: Any) -> FrameHeader:
    for keyword, value in values.items():
        setattr(image, keyword, value)
    return _header(image)


def test_the_side_is_read_where_a_frame_an_image_or_a_series_states_it(image: Dataset) -> None:
    study = make_patient(np.random.default_rng(1), small_scanner(Storing.ENHANCED), Lesion(0.0, 25.0))
    right = dynamic_objects(study, StudyLabel("headers", side=Side.RIGHT))[0]
    assert {one.laterality for one in _headers(encoded(right))} == {"R"}  # Frame Laterality, in the functional groups

    assert _set(image, Laterality="", ImageLaterality="L").laterality == "L"
    assert _set(image, Laterality="R", ImageLaterality="").laterality == "R"


def test_a_classic_image_states_its_plane_and_its_sequence(image: Dataset) -> None:
    header = _header(image)
    assert (header.rows, header.columns, header.pixel_spacing) == (16, 16, (1.0, 1.0))
    assert header.position == (0.0, 0.0, 2.0)
    assert header.orientation == (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    assert (header.repetition_ms, header.echo_ms, header.scanning_sequence) == (5.0, 2.0, ("GR",))
    assert header.frame.sop_instance_uid == image.SOPInstanceUID


def test_times_count_from_one_zero_over_midnight(image: Dataset) -> None:
    before = _set(image, AcquisitionDate="20260115", AcquisitionTime="235930.500", ContrastBolusStartTime="000010")
    after = _set(image, AcquisitionDate="20260116", AcquisitionTime="000100")
    assert after.acquisition_seconds is not None
    assert before.acquisition_seconds is not None
    assert before.bolus_seconds is not None
    assert after.acquisition_seconds - before.acquisition_seconds == pytest.approx(89.5)
    assert before.bolus_seconds - before.acquisition_seconds == pytest.approx(39.5)
    assert after.bolus_seconds == before.bolus_seconds


@pytest.mark.parametrize(("time", "seconds"), [("10", 36000.0), ("1030", 37800.0), ("103059.25", 37859.25)])
def test_a_time_may_be_short(image: Dataset, time: str, seconds: float) -> None:
    header = _set(image, AcquisitionDate="20260115", AcquisitionTime=time)
    assert (header.acquisition_seconds or 0.0) % 86400 == pytest.approx(seconds)


def test_an_empty_or_impossible_value_is_none(image: Dataset) -> None:
    raw = encoded(image)
    assert _set(image, AcquisitionTime="", SliceThickness=None, PixelSpacing=None).pixel_spacing is None
    assert _headers(raw.replace(b"2\\0 ", b"x\\0 "))  # whatever stands there, reading goes on
    broken = raw.replace(b"GR", b"\xff\xfe")
    assert _headers(broken)[0].scanning_sequence == ("\xff\xfe".upper(),)


def test_a_number_that_is_none_is_no_number(image: Dataset) -> None:
    image.RepetitionTime = "5"
    changed = encoded(image).replace(b"DS\x02\x005 ", b"DS\x02\x00--")
    assert _headers(changed)[0].repetition_ms is None


@pytest.mark.parametrize(
    ("maker", "tag", "vr", "value", "expected"),
    [
        ("SIEMENS", 0x0019100C, "IS", "800", 800.0),
        ("GE MEDICAL SYSTEMS", 0x00431039, "IS", ["1000000600", "8", "0", "0"], 600.0),
        ("Philips Medical Systems", 0x20011003, "FL", 1000.0, 1000.0),
        ("SOMEBODY", 0x0019100C, "IS", "800", None),
    ],
)
def test_each_vendors_b_value_is_read(
    image: Dataset, maker: str, tag: int, vr: str, value: Any, expected: float | None
) -> None:
    image.Manufacturer = maker
    image.add_new(tag, vr, value)
    assert _header(image).b_value == expected


def test_trigger_time_is_in_seconds_and_philips_begin_stands_in_for_it(image: Dataset) -> None:
    assert _set(image, TriggerTime="93500").trigger_seconds == 93.5
    del image.TriggerTime
    image.add_new(0x200510A0, "FL", 42.5)
    assert _set(image, Manufacturer="Philips").trigger_seconds == 42.5


def test_implicit_vr_reads_the_same(image: Dataset) -> None:
    explicit = _header(image)
    image.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    assert _header(image) == explicit


def test_every_frame_of_an_enhanced_object_has_its_own_place_and_time(enhanced: Dataset) -> None:
    headers = _headers(encoded(enhanced))
    assert len(headers) == int(enhanced.NumberOfFrames)
    assert [one.frame.number for one in headers] == list(range(1, len(headers) + 1))
    groups = enhanced.PerFrameFunctionalGroupsSequence
    for one, group in zip(headers, groups, strict=True):
        assert one.position == tuple(float(x) for x in group.PlanePositionSequence[0].ImagePositionPatient)
        assert one.temporal_position == group.FrameContentSequence[0].TemporalPositionIndex
    assert {one.duration_seconds for one in headers} == {60.0}
    assert {one.echo_ms for one in headers} == {2.0}
    assert {bool(one.contrast_agent) for one in headers if (one.temporal_position or 0) > 1} == {True}
    assert {bool(one.contrast_agent) for one in headers if one.temporal_position == 1} == {False}
    assert {one.bolus_seconds for one in headers} != {None}


def test_frames_and_functional_groups_that_disagree_are_refused(enhanced: Dataset) -> None:
    wrong = deepcopy(enhanced)
    wrong.NumberOfFrames = len(wrong.PerFrameFunctionalGroupsSequence) + 7
    with pytest.raises(InvalidInputError):
        _headers(encoded(wrong))


def test_an_attribute_of_a_referenced_image_is_not_the_images_own(image: Dataset) -> None:
    other = Dataset()
    other.ImagePositionPatient = ["99", "99", "99"]
    other.Rows = 3
    image.SourceImageSequence = Sequence([other])
    assert _header(image).position == (0.0, 0.0, 2.0)


def test_an_object_without_pixels_has_no_frames(image: Dataset) -> None:
    del image.Rows
    assert _headers(encoded(image)) == ()


def test_an_object_cut_anywhere_is_read_or_refused(image: Dataset) -> None:
    content = encoded(image)
    for end in range(400, len(content), 7):
        with suppress(InvalidInputError):
            assert len(_headers(content[:end])) <= 1


def test_an_object_with_any_byte_changed_is_read_or_refused(image: Dataset) -> None:
    content, rng = bytearray(encoded(image)), np.random.default_rng(5)
    for place in rng.integers(400, len(content) - 512, 600).tolist():
        kept, content[place] = content[place], int(rng.integers(256))
        with suppress(InvalidInputError):
            assert len(_headers(bytes(content))) <= 1
        content[place] = kept


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "echo_ms", "rows"), [("MR1_JLSL", 240.0, 512), ("MR1_RLE", 240.0, 512), ("MR_Implicit_Little", 159.5, 256)]
)
def test_real_objects_state_what_they_are(shared_data: Path, name: str, echo_ms: float, rows: int) -> None:
    (header,) = _headers((shared_data / "dicom" / f"{name}.dcm").read_bytes())
    assert (header.modality, header.echo_ms, header.rows) == ("MR", echo_ms, rows)
    assert header.position is not None
