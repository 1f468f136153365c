"""What is written is valid DICOM in every vendor's way, and shows the simulated volumes where they lie."""

from __future__ import annotations

from pathlib import Path

import highdicom
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from shared.domain.identity import Side
from shared.imaging.nrrd import nrrd
from shared.imaging.volume import Mask
from shared.phantoms.dce.attributes import StudyLabel
from shared.phantoms.dce.patient import SimulatedStudy, make_patient
from shared.phantoms.dce.scanners import Storing, small_scanner
from shared.phantoms.dce.segmentation import segmentation_object
from shared.phantoms.dce.storing import dynamic_objects, full_study
from shared.phantoms.dce.tumour import Lesion
from shared.phantoms.dce.writing import encoded, write_objects
from shared.testing import dicom_judges

LABEL = StudyLabel("objects", side=Side.LEFT)
# As in the objects of the vendors: values beyond the defined terms, and Trigger Time without heart gating, by which one
# vendor tells the phases of a dynamic series apart.
USUAL = (
    "Unrecognized defined term = <M>",
    "Unrecognized defined term = <M_FFE>",
    "Unrecognized defined term = <SUBTRACTION>",
    "</DiffusionBValue(0018,9087)> - Attribute is not present in standard DICOM IOD",
    "</TriggerTime(0018,1060)> - Attribute present when condition unsatisfied",
)


def simulated(storing: Storing, shape: tuple[int, int, int] = (6, 24, 24)) -> SimulatedStudy:
    return make_patient(np.random.default_rng(3), small_scanner(storing, shape), Lesion(0.0, 25.0))


@pytest.mark.integration
@pytest.mark.skipif(not dicom_judges.installed(), reason="dicom3tools and dcmtk are not installed")
@pytest.mark.parametrize("storing", list(Storing))
def test_the_judge_finds_no_error_in_any_object_of_a_whole_study(storing: Storing, tmp_path: Path) -> None:
    objects = full_study(simulated(storing), LABEL, segmented=True)
    # The first and the last of each series; all slices of a series are made alike.
    chosen = {one.SeriesInstanceUID: one for one in objects} | {
        f"first {one.SeriesInstanceUID}": one for one in reversed(objects)
    }

    said = {
        line for path in write_objects(tuple(chosen.values()), tmp_path) for line in dicom_judges.dciodvfy_lines(path)
    }

    assert [line for line in said if not any(part in line for part in USUAL)] == []


@pytest.mark.parametrize("storing", list(Storing))
def test_every_frame_shows_its_slice_at_its_place(storing: Storing) -> None:
    study = simulated(storing)
    grid = study.mask.grid

    for phase, index, pixels, position in _frames(study, dynamic_objects(study, LABEL)):
        assert np.array_equal(pixels, study.phases[phase].voxels[index])
        assert position == pytest.approx(grid.place(np.array([index, 0.0, 0.0])), abs=1e-3)


def _frames(study: SimulatedStudy, objects: tuple[Dataset, ...]) -> list[tuple[int, int, np.ndarray, list[float]]]:
    slices = study.mask.grid.shape[0]
    if len(objects) == 1:
        groups = objects[0].PerFrameFunctionalGroupsSequence
        places = [one.PlanePositionSequence[0].ImagePositionPatient for one in groups]
        pixels = list(objects[0].pixel_array)
    else:
        places = [one.ImagePositionPatient for one in objects]
        pixels = [one.pixel_array for one in objects]
    return [
        (number // slices, number % slices, one, [float(v) for v in places[number]])
        for number, one in enumerate(pixels)
    ]


def test_each_vendor_tells_the_phases_apart_in_its_own_way() -> None:
    temporal, series, trigger = (
        dynamic_objects(simulated(one), LABEL)
        for one in (Storing.TEMPORAL_POSITIONS, Storing.SERIES_PER_PHASE, Storing.TRIGGER_TIME)
    )
    (enhanced,) = dynamic_objects(simulated(Storing.ENHANCED), LABEL)

    assert {one.TemporalPositionIdentifier for one in temporal} == {1, 2, 3, 4, 5}
    assert len({one.SeriesInstanceUID for one in series}) == 5
    assert len({one.AcquisitionTime for one in series}) == 5
    assert {float(one.TriggerTime) / 1000 for one in trigger} == {0, 150, 240, 330, 420}
    assert len({one.SeriesInstanceUID for one in (*temporal, *trigger)}) == 1  # one seed, one series number
    offsets = {float(one.TemporalPositionSequence[0].TemporalPositionTimeOffset)
               for one in enhanced.PerFrameFunctionalGroupsSequence}  # fmt: skip
    assert offsets == {0, 150, 240, 330, 420}


def test_only_phases_after_the_injection_name_the_agent() -> None:
    frames = dynamic_objects(simulated(Storing.TEMPORAL_POSITIONS), LABEL)

    assert {one.TemporalPositionIdentifier for one in frames if "ContrastBolusAgent" in one} == {2, 3, 4, 5}


def test_every_object_has_an_identity_of_its_own_and_all_belong_to_one_study() -> None:
    objects = full_study(simulated(Storing.SERIES_PER_PHASE), LABEL, segmented=True)

    assert len({one.SOPInstanceUID for one in objects}) == len(objects)
    assert len({one.StudyInstanceUID for one in objects}) == 1
    assert len({one.SeriesInstanceUID for one in objects}) == 5 + 5 + 1


@pytest.mark.parametrize("storing", [Storing.ENHANCED, Storing.TEMPORAL_POSITIONS])
def test_the_same_seed_gives_the_same_bytes_and_another_label_other_uids(storing: Storing) -> None:
    first, second = (full_study(simulated(storing), LABEL, segmented=True) for _ in range(2))
    other = full_study(simulated(storing), StudyLabel("other", side=Side.LEFT))

    assert [encoded(one) for one in first] == [encoded(one) for one in second]
    assert not {one.SOPInstanceUID for one in first} & {one.SOPInstanceUID for one in other}


@pytest.mark.parametrize("storing", list(Storing))
def test_the_segmentation_holds_the_mask_where_it_lies(storing: Storing, tmp_path: Path) -> None:
    study = simulated(storing)
    (path,) = write_objects((segmentation_object(study, LABEL, dynamic_objects(study, LABEL)),), tmp_path)
    read = highdicom.seg.segread(path)

    found = np.zeros_like(study.mask.bits)
    for frame, groups in zip(np.atleast_3d(read.pixel_array), read.PerFrameFunctionalGroupsSequence, strict=True):
        place = np.array([float(v) for v in groups.PlanePositionSequence[0].ImagePositionPatient])
        found[round(float(study.mask.grid.index(place)[0]))] = frame.astype(bool)

    assert np.array_equal(found, study.mask.bits)


def test_the_mask_file_is_read_by_others_as_it_was(tmp_path: Path) -> None:
    nrrd_library = pytest.importorskip("nrrd")
    mask: Mask = simulated(Storing.ENHANCED).mask
    (tmp_path / "mask.nrrd").write_bytes(nrrd(mask))

    values, header = nrrd_library.read(str(tmp_path / "mask.nrrd"))

    assert np.array_equal(values.transpose(2, 1, 0).astype(bool), mask.bits)
    assert header["space"] == "left-posterior-superior"
    assert header["space origin"] == pytest.approx(mask.grid.affine[:3, 3])
    assert header["space directions"] == pytest.approx(mask.grid.affine[:3, :3].T[::-1])


def test_what_is_written_can_be_read_as_a_file(tmp_path: Path) -> None:
    (path,) = write_objects(dynamic_objects(simulated(Storing.ENHANCED), LABEL), tmp_path)

    assert dcmread(path).ManufacturerModelName == "SIMULATED"
