"""A study is read once: what was simulated comes back voxel for voxel, and what cannot be measured says why."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian, JPEGLSLossless, RLELossless

from shared.dicom.breast_mri import read_breast_images
from shared.dicom.stored_object import StoredObject
from shared.domain.images import AutomaticRegion, PhaseRole, RegionOrigin
from shared.imaging.dynamic import ImageProblem, ImageTrouble
from shared.imaging.region import BreastImages
from shared.imaging.volume import Mask
from shared.phantoms.dce.other_series import other_objects
from shared.phantoms.dce.patient import SimulatedStudy
from shared.phantoms.dce.scanners import Storing
from shared.phantoms.dce.segmentation import segmentation_object
from shared.testing.dynamic_study import LABEL, objects_of, simulated_study, stored

Change = Callable[[list[Dataset]], None]


@pytest.fixture(scope="module")
def study() -> SimulatedStudy:
    return simulated_study()


@pytest.fixture
def objects(study: SimulatedStudy) -> list[Dataset]:
    return list(objects_of(study))


def _read(objects: Iterable[Dataset], folder: Path, **options: Any) -> BreastImages | ImageTrouble:
    options = {"automatic": AutomaticRegion.USE, "confirmed": None, "side": None, **options}
    return read_breast_images(stored(objects, folder), **options)


def _images(objects: Iterable[Dataset], folder: Path, **options: Any) -> BreastImages:
    images = _read(objects, folder, **options)
    assert isinstance(images, BreastImages), images
    return images


def _problem(objects: Iterable[Dataset], folder: Path, **options: Any) -> ImageProblem:
    trouble = _read(objects, folder, **options)
    assert isinstance(trouble, ImageTrouble)
    assert trouble.text.endswith(".")
    return trouble.problem


@pytest.mark.parametrize("storing", Storing)
def test_however_it_is_stored_the_simulated_voxels_come_back(storing: Storing, tmp_path: Path) -> None:
    study = simulated_study(storing)
    images = _images(reversed(objects_of(study)), tmp_path)
    assert (images.early.voxels == study.phases[1].voxels).all()
    assert images.early.grid.same_place(study.phases[1].grid)
    assert images.early.voxels.dtype == np.int16
    assert images.pre is not None
    assert (images.pre.voxels == study.phases[0].voxels).all()
    assert images.late is not None
    assert (images.late.voxels == study.phases[4].voxels).all()
    assert images.region.origin is RegionOrigin.AUTOMATIC
    assert (images.region.mask.bits & study.mask.bits).sum() > 0.6 * study.mask.count


@pytest.mark.parametrize("storing", Storing)
def test_of_a_whole_examination_the_dynamic_series_is_taken_and_the_rest_named(
    storing: Storing, tmp_path: Path
) -> None:
    study = simulated_study(storing)
    others = other_objects(study, LABEL)
    images = _images([*others, *objects_of(study)], tmp_path, confirmed=study.mask)
    assert (images.early.voxels == study.phases[1].voxels).all()
    numbers = {one.SeriesInstanceUID: int(one.SeriesNumber) for one in others}
    reasons = {numbers[one.series_instance_uid]: one.reason for one in images.choice.rejected}
    expected = {1: "localiser", 2: "echo time is 90 ms", 20: "diffusion", 30: "subtraction", 31: "projection"}
    assert set(reasons) == set(expected)
    for number, word in expected.items():
        assert word in reasons[number]


def test_a_segmentation_beside_the_study_is_its_region_and_no_series(
    study: SimulatedStudy, objects: list[Dataset], tmp_path: Path
) -> None:
    images = _images([segmentation_object(study, LABEL, objects), *objects], tmp_path)
    assert images.region.origin is RegionOrigin.SEG
    assert (images.region.mask.bits == study.mask.bits).all()
    assert images.choice.rejected == ()
    assert images.pre is None


@pytest.mark.parametrize("syntax", [JPEGLSLossless, RLELossless])
@pytest.mark.parametrize("storing", [Storing.SERIES_PER_PHASE, Storing.ENHANCED])
def test_compressed_studies_give_the_same_voxels(syntax: str, storing: Storing, tmp_path: Path) -> None:
    study = simulated_study(storing)
    objects = objects_of(study)
    for one in objects:
        one.compress(syntax, generate_instance_uid=False)
    assert (_images(objects, tmp_path).early.voxels == study.phases[1].voxels).all()


def test_implicit_vr_gives_the_same_voxels(study: SimulatedStudy, objects: list[Dataset], tmp_path: Path) -> None:
    for one in objects:
        one.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    assert (_images(objects, tmp_path).early.voxels == study.phases[1].voxels).all()


def test_objects_inside_one_large_file_are_read(study: SimulatedStudy, objects: list[Dataset], tmp_path: Path) -> None:
    parts = [one.path.read_bytes() for one in stored(objects, tmp_path / "single")]
    segment, places, offset = tmp_path / "segment", [], 5
    for part in parts:
        places.append(StoredObject(segment, offset, len(part)))
        offset += len(part) + 3
    segment.write_bytes(b"\0" * 5 + b"\0\0\0".join(parts))
    images = read_breast_images(places, automatic=AutomaticRegion.USE, confirmed=None, side=None)
    assert isinstance(images, BreastImages)
    assert (images.early.voxels == study.phases[1].voxels).all()


def test_values_are_rescaled(study: SimulatedStudy, objects: list[Dataset], tmp_path: Path) -> None:
    for one in objects:
        one.RescaleSlope, one.RescaleIntercept = "0.5", "-3"
    images = _images(objects, tmp_path, confirmed=study.mask)
    assert images.early.voxels.dtype == np.float32
    assert np.allclose(images.early.voxels, study.phases[1].voxels * 0.5 - 3)


def test_signed_values_stay_signed(study: SimulatedStudy, objects: list[Dataset], tmp_path: Path) -> None:
    for one in objects:
        one.PixelRepresentation, one.BitsStored, one.HighBit = 1, 16, 15
        one.PixelData = (np.frombuffer(one.PixelData, "<u2").astype("<i2") - 500).tobytes()
    images = _images(objects, tmp_path, confirmed=study.mask)
    assert (images.early.voxels == study.phases[1].voxels.astype(int) - 500).all()


def test_what_is_hidden_above_the_stored_bits_is_not_read(
    study: SimulatedStudy, objects: list[Dataset], tmp_path: Path
) -> None:
    for one in objects:
        one.PixelData = (np.frombuffer(one.PixelData, "<u2") | 0x8000).tobytes()
    assert (_images(objects, tmp_path, confirmed=study.mask).early.voxels == study.phases[1].voxels).all()


def test_with_a_region_only_the_measured_phase_is_decoded(
    study: SimulatedStudy, objects: list[Dataset], tmp_path: Path
) -> None:
    for one in objects:
        if one.TemporalPositionIdentifier != 2:
            one.PixelData = b"\0\0"
    images = _images(objects, tmp_path, confirmed=study.mask)
    assert images.region.origin is RegionOrigin.PERSON
    assert (images.region.mask.bits == study.mask.bits).all()
    assert images.pre is images.late is None


def test_a_single_volume_with_a_region_suffices(study: SimulatedStudy, objects: list[Dataset], tmp_path: Path) -> None:
    alone = [one for one in objects if one.TemporalPositionIdentifier == 2]
    for one in alone:
        del one.TemporalPositionIdentifier, one.NumberOfTemporalPositions
    images = _images(alone, tmp_path, confirmed=study.mask)
    assert "one volume" in images.choice.why
    assert _problem(alone, tmp_path / "again") is ImageProblem.NO_PRE_CONTRAST


def test_how_the_phase_was_taken_is_told(objects: list[Dataset], study: SimulatedStudy, tmp_path: Path) -> None:
    for one in objects:
        one.MagneticFieldStrength = "1.5"
    acquisition = _images(objects, tmp_path, confirmed=study.mask).acquisition
    assert acquisition is not None
    assert (acquisition.manufacturer, acquisition.field_tesla) == (study.scanner.manufacturer, 1.5)
    assert acquisition.seconds == 105.0


def _phase(objects: list[Dataset], number: int) -> list[Dataset]:
    return [one for one in objects if one.TemporalPositionIdentifier == number]


def _drop_first_phase(objects: list[Dataset]) -> None:
    objects[:] = [one for one in objects if one.TemporalPositionIdentifier != 1]


def _drop_a_slice(objects: list[Dataset]) -> None:
    objects.remove(_phase(objects, 2)[5])


def _drop_a_slice_before_contrast(objects: list[Dataset]) -> None:
    objects.remove(_phase(objects, 1)[-1])


def _shift_first_phase(objects: list[Dataset]) -> None:
    for one in _phase(objects, 1):
        x, y, z = one.ImagePositionPatient
        one.ImagePositionPatient = [x, float(y) + 4.0, z]


def _shear(objects: list[Dataset]) -> None:
    for one in objects:
        x, y, z = one.ImagePositionPatient
        one.ImagePositionPatient = [x, float(y) + 0.2 * float(z), z]


def _cut_pixels(objects: list[Dataset]) -> None:
    _phase(objects, 2)[3].PixelData = b"\0\0"


def _colour(objects: list[Dataset]) -> None:
    for one in objects:
        one.PhotometricInterpretation, one.SamplesPerPixel = "RGB", 3


def _make_ct(objects: list[Dataset]) -> None:
    for one in objects:
        one.Modality = "CT"


def _make_pet_ct(objects: list[Dataset]) -> None:
    for index, one in enumerate(objects):
        one.Modality = "PT" if index % 2 else "CT"


def _inject_twice(objects: list[Dataset]) -> None:
    for one in _phase(objects, 4):
        one.ContrastBolusStartTime = "095800"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (_drop_first_phase, ImageProblem.NO_PRE_CONTRAST),
        (_drop_a_slice, ImageProblem.SLICES_MISSING),
        (_drop_a_slice_before_contrast, ImageProblem.GEOMETRY_DIFFERS),
        (_shear, ImageProblem.GEOMETRY_UNCLEAR),
        (_cut_pixels, ImageProblem.UNREADABLE_PIXELS),
        (_colour, ImageProblem.UNREADABLE_PIXELS),
        (_make_ct, ImageProblem.WRONG_MODALITY),
        (_make_pet_ct, ImageProblem.WRONG_MODALITY),
        (_inject_twice, ImageProblem.TWO_INJECTIONS),
    ],
)
def test_bad_input_is_refused_with_its_reason(
    change: Change, problem: ImageProblem, objects: list[Dataset], tmp_path: Path
) -> None:
    change(objects)
    assert _problem(objects, tmp_path) is problem


def test_a_first_phase_that_lies_elsewhere_is_not_compared(objects: list[Dataset], tmp_path: Path) -> None:
    _shift_first_phase(objects)
    trouble = _read(objects, tmp_path)
    assert isinstance(trouble, ImageTrouble)
    assert trouble.problem is ImageProblem.GEOMETRY_DIFFERS


def test_a_trouble_says_what_was_chosen_before_it(objects: list[Dataset], tmp_path: Path) -> None:
    _cut_pixels(objects)
    trouble = _read(objects, tmp_path)
    assert isinstance(trouble, ImageTrouble)
    assert trouble.choice is not None
    assert trouble.choice.of(PhaseRole.EARLY) is not None


def test_an_empty_study_and_one_of_rubbish_are_refused(tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish"
    rubbish.write_bytes(b"\x00" * 132)
    options = {"automatic": AutomaticRegion.USE, "confirmed": None, "side": None}
    empty = read_breast_images([], **options)  # type: ignore[arg-type]
    broken = read_breast_images([StoredObject(rubbish), StoredObject(tmp_path / "gone")], **options)  # type: ignore[arg-type]
    assert isinstance(empty, ImageTrouble)
    assert isinstance(broken, ImageTrouble)
    assert (empty.problem, broken.problem) == (ImageProblem.NO_IMAGES, ImageProblem.UNREADABLE_PIXELS)


def test_a_broken_object_beside_the_series_is_only_mentioned(
    study: SimulatedStudy, objects: list[Dataset], tmp_path: Path
) -> None:
    rubbish = tmp_path / "rubbish"
    rubbish.write_bytes(b"\x00" * 500)
    places = [StoredObject(rubbish), *stored(objects, tmp_path / "study")]
    images = read_breast_images(places, automatic=AutomaticRegion.USE, confirmed=study.mask, side=None)
    assert isinstance(images, BreastImages)
    assert "1 objects of the study could not be read" in images.choice.remarks


def test_an_object_that_came_twice_is_read_once(objects: list[Dataset], study: SimulatedStudy, tmp_path: Path) -> None:
    images = _images([*objects, deepcopy(objects[20])], tmp_path, confirmed=study.mask)
    assert (images.early.voxels == study.phases[1].voxels).all()


def test_voxels_without_room_are_too_large(study: SimulatedStudy, objects: list[Dataset], tmp_path: Path) -> None:
    def room(shape: tuple[int, ...], kind: object) -> Any:
        raise MemoryError

    assert _problem(objects, tmp_path, room=room) is ImageProblem.TOO_LARGE


def test_a_declared_size_is_not_believed_before_the_pixels_are_there(objects: list[Dataset], tmp_path: Path) -> None:
    for one in objects:
        one.Rows = one.Columns = 65535
    assert _problem(objects, tmp_path) in (ImageProblem.TOO_LARGE, ImageProblem.UNREADABLE_PIXELS)


def test_a_region_of_another_grid_is_not_used(study: SimulatedStudy, objects: list[Dataset], tmp_path: Path) -> None:
    small = Mask(study.mask.bits[:4], study.mask.grid.part((0, 0, 0), (4, *study.mask.grid.shape[1:])))
    assert isinstance(_read(objects, tmp_path, confirmed=small), ImageTrouble)
