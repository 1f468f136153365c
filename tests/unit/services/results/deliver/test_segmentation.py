"""A region as SEG: on the voxels it was measured on, in every orientation, and never anywhere else."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from io import BytesIO
from typing import Any

import highdicom
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset

from services.results.deliver.adapters.source_headers import SourceHeaders
from services.results.deliver.adapters.source_images import SourceImages
from services.results.deliver.formats.measured_images import MeasuredImages
from services.results.deliver.formats.parametric_map import to_parametric_map
from services.results.deliver.formats.plane_references import prove
from services.results.deliver.formats.segmentation import FRAME_BYTES, OVERHEAD_BYTES, to_segmentation
from services.results.deliver.formats.sr_document import encoded
from services.results.deliver.formats.style import Style, document_uid, part_uid
from services.results.ledger.findings import Finding
from shared.dicom.header import header_of
from shared.dicom.own_output import is_own_output
from shared.domain.errors import PermanentError
from shared.domain.images import Artefact, ArtefactKind, RegionOrigin
from shared.imaging.artefacts import encode_region
from shared.imaging.volume import Grid, Mask
from shared.storage.blobs import LocalBlobs
from tests.findings import encoded as file_of
from tests.imaged import SHAPE, Imaged, in_plane_orientations

ORIENTATIONS = in_plane_orientations()


def measured(finding: Finding, blobs: LocalBlobs) -> MeasuredImages:
    read = SourceImages(blobs).read(finding, SourceHeaders(blobs).read(finding))
    assert read is not None
    return read


def stored(finding: Finding, blobs: LocalBlobs, style: Style) -> Dataset:
    """Return the SEG as a reader gets it."""
    return dcmread(BytesIO(encoded(to_segmentation(finding, measured(finding, blobs), style))))


def places(document: Dataset) -> NDArray[np.float64]:
    """Return where the segment's voxels lie in the patient, as highdicom reads them: (n, 3), in millimetres."""
    volume = highdicom.seg.Segmentation.from_dataset(document).get_volume(allow_missing_positions=True)
    found = np.argwhere(np.asarray(volume.array).reshape(volume.spatial_shape) > 0)
    mapped: NDArray[np.float64] = volume.map_indices_to_reference(found)
    return mapped


def in_order(points: NDArray[np.float64]) -> NDArray[np.float64]:
    rounded = np.round(points, 3) + 0.0
    ordered: NDArray[np.float64] = rounded[np.lexsort(rounded.T)]
    return ordered


@pytest.mark.parametrize("multi_frame", [False, True], ids=["single frames", "enhanced"])
@pytest.mark.parametrize("reversed_slices", [False, True], ids=["in order", "reversed"])
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_every_voxel_lies_where_it_was_measured(
    orientation: str, reversed_slices: bool, multi_frame: bool, blobs: LocalBlobs, style: Style
) -> None:
    """Judged by another program's way from frames to places in the patient, not by the way they were written."""
    imaged = Imaged(blobs, ORIENTATIONS[orientation], reversed_slices, multi_frame)
    mask = imaged.mask
    expected = mask.grid.place(np.argwhere(mask.bits).astype(np.float64))
    np.testing.assert_allclose(
        in_order(places(stored(imaged.finding(), blobs, style))), in_order(expected), atol=2e-3, rtol=0
    )


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_the_phantom_is_like_none_of_its_mirror_images(orientation: str, blobs: LocalBlobs) -> None:
    """Else the test above could not fail."""
    bits = Imaged(blobs, ORIENTATIONS[orientation]).mask.bits
    for axis in range(3):
        assert not np.array_equal(bits, np.flip(bits, axis))


@pytest.mark.parametrize("reversed_slices", [False, True])
@pytest.mark.parametrize("multi_frame", [False, True])
def test_each_frame_names_the_stored_frame_it_was_derived_from(
    multi_frame: bool, reversed_slices: bool, blobs: LocalBlobs, style: Style
) -> None:
    imaged = Imaged(blobs, reversed_slices=reversed_slices, multi_frame=multi_frame)
    mask = imaged.mask
    document = stored(imaged.finding(), blobs, style)
    by_frame = {frame: bits for frame, bits in zip(mask.grid.frames, mask.bits, strict=True) if bits.any()}
    named = {}
    for item, pixels in zip(document.PerFrameFunctionalGroupsSequence, document.pixel_array, strict=True):
        (source,) = item.DerivationImageSequence[0].SourceImageSequence
        named[source.ReferencedSOPInstanceUID, int(source.get("ReferencedFrameNumber", 1))] = pixels
    assert {(frame.sop_instance_uid, frame.number) for frame in by_frame} == set(named)
    for frame, bits in by_frame.items():
        assert np.array_equal(named[frame.sop_instance_uid, frame.number], bits)


def test_empty_slices_are_not_sent(blobs: LocalBlobs, style: Style) -> None:
    imaged = Imaged(blobs)
    document = stored(imaged.finding(), blobs, style)
    assert document.NumberOfFrames == int(imaged.mask.bits.any(axis=(1, 2)).sum()) == 4
    assert document.SegmentationType == "BINARY"


def test_a_repeated_rendering_is_byte_identical(blobs: LocalBlobs, style: Style) -> None:
    finding = Imaged(blobs).finding()
    first, second = (encoded(to_segmentation(finding, measured(finding, blobs), style)) for _ in range(2))
    assert first == second


def test_its_name_follows_from_the_reports_alone(blobs: LocalBlobs, style: Style) -> None:
    finding = Imaged(blobs).finding()
    document = stored(finding, blobs, style)
    assert document.SOPInstanceUID == part_uid(style, document_uid(finding, style), "dicom-seg")


@pytest.mark.parametrize("multi_frame", [False, True])
def test_it_keeps_its_budget(multi_frame: bool, blobs: LocalBlobs, style: Style) -> None:
    shape = (30, 128, 160)
    bits = np.zeros(shape, bool)
    bits[2:28, 30:90, 40:120] = True
    finding = Imaged(blobs, multi_frame=multi_frame, shape=shape, bits=bits).finding(heat=False)
    size = len(encoded(to_segmentation(finding, measured(finding, blobs), style)))
    assert size <= 26 * (128 * 160 // 8 + FRAME_BYTES) + OVERHEAD_BYTES


@pytest.mark.parametrize(
    ("origin", "way"),
    [
        (RegionOrigin.AUTOMATIC, "AUTOMATIC"), (RegionOrigin.PERSON, "SEMIAUTOMATIC"), (RegionOrigin.SEG, "MANUAL"),
        (RegionOrigin.RTSTRUCT, "MANUAL"), (RegionOrigin.MASK_FILE, "MANUAL"),
    ],
)  # fmt: skip
def test_it_says_who_drew_the_region(origin: RegionOrigin, way: str, blobs: LocalBlobs, style: Style) -> None:
    (segment,) = stored(Imaged(blobs).finding(origin=origin), blobs, style).SegmentSequence
    assert segment.SegmentAlgorithmType == way
    assert ("SegmentationAlgorithmIdentificationSequence" in segment) == (way != "MANUAL")
    assert segment.SegmentedPropertyTypeCodeSequence[0].CodeValue == "108369006"
    assert segment.AnatomicRegionSequence[0].AnatomicRegionModifierSequence[0].CodeMeaning == "Left"


def test_our_own_door_recognises_it(blobs: LocalBlobs, style: Style) -> None:
    document = stored(Imaged(blobs).finding(), blobs, style)
    for mark in (0x00080014, 0x00181002):
        tags = (0x00080016, 0x00080018, 0x0020000D, 0x0020000E, 0x00080070, mark)
        assert is_own_output(header_of({tag: str(document[tag].value).encode() for tag in tags}), style.device_uid)


def with_region(imaged: Imaged, mask: Mask) -> Finding:
    """Return a finding whose stored region is this mask."""
    finding = imaged.finding(heat=False)
    assert finding.prediction is not None
    region = Artefact(ArtefactKind.REGION, *imaged.blobs.put(encode_region(mask)))
    return replace(finding, prediction=replace(finding.prediction, artefacts=(region,)))


def moved(grid: Grid, **changes: Any) -> Grid:
    return replace(grid, affine=grid.affine.copy(), **changes)


def test_a_region_that_lies_elsewhere_than_its_frames_is_refused(blobs: LocalBlobs) -> None:
    imaged = Imaged(blobs)
    mask = imaged.mask
    shifted, mirrored, swapped = (moved(mask.grid) for _ in range(3))
    shifted.affine[0, 3] += 0.8
    mirrored.affine[:3, 2] *= -1
    swapped.affine[:3, [1, 2]] = swapped.affine[:3, [2, 1]]
    for grid in (shifted, mirrored, swapped, moved(mask.grid, frames=mask.grid.frames[::-1])):
        with pytest.raises(PermanentError, match="lies elsewhere"):
            measured(with_region(imaged, Mask(mask.bits, grid)), blobs)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"frame_of_reference_uid": "1.2.3"}, "another frame of reference"),
        ({"frames": ()}, "does not name the frames"),
    ],
)
def test_a_region_that_is_not_of_this_study_is_refused(changes: dict[str, Any], said: str, blobs: LocalBlobs) -> None:
    imaged = Imaged(blobs)
    with pytest.raises(PermanentError, match=said):
        measured(with_region(imaged, Mask(imaged.mask.bits, moved(imaged.mask.grid, **changes))), blobs)


def test_what_vendors_round_is_no_other_place(blobs: LocalBlobs, style: Style) -> None:
    """Positions to a tenth of a slice, cosines that differ in the last digits from slice to slice."""
    imaged = Imaged(blobs, ORIENTATIONS["oblique"])
    finding = imaged.finding()
    rows = []
    for number, image in enumerate(imaged.objects()):
        along = np.cross(imaged.orientation[:3], imaged.orientation[3:])
        moved_by = 0.2 * (-1) ** number * along
        image.ImagePositionPatient = [
            round(float(a + b), 4) for a, b in zip(image.ImagePositionPatient, moved_by, strict=True)
        ]
        image.ImageOrientationPatient = [round(float(v) + 3e-5 * (number % 3), 6) for v in imaged.orientation]
        uri, digest = blobs.put(file_of(image))
        rows.append(replace(finding.study.instances[number], blob_uri=uri, content_digest=digest))
    rounded = replace(finding, pins=None, study=replace(finding.study, instances=tuple(rows)))
    images = measured(rounded, blobs)
    document = dcmread(BytesIO(encoded(to_segmentation(rounded, images, style))))
    assert int(document.pixel_array.sum()) == imaged.mask.count
    to_parametric_map(rounded, images, style)


def test_a_region_of_another_size_is_refused(blobs: LocalBlobs) -> None:
    imaged = Imaged(blobs)
    smaller = imaged.grid.part((0, 0, 0), (SHAPE[0], SHAPE[1], SHAPE[2] - 1))
    mask = Mask(imaged.mask.bits[:, :, :-1].copy(), smaller)
    with pytest.raises(PermanentError, match="another size"):
        measured(with_region(imaged, mask), blobs)


def test_an_empty_region_is_never_sent(blobs: LocalBlobs, style: Style) -> None:
    imaged = Imaged(blobs)
    finding = with_region(imaged, Mask(np.zeros(SHAPE, bool), imaged.grid))
    with pytest.raises(PermanentError, match="empty region"):
        to_segmentation(finding, measured(finding, blobs), style)


def test_artefacts_that_were_changed_or_are_gone_are_refused(blobs: LocalBlobs) -> None:
    finding = Imaged(blobs).finding()
    assert finding.prediction is not None
    region, heat = finding.prediction.artefacts
    for wrong, said in (
        (replace(region, digest="0" * 64), "not the one"),
        (replace(region, blob_uri=f"{region.blob_uri[:-4]}0000"), "no longer stored"),
        (replace(region, blob_uri=heat.blob_uri, digest=heat.digest), "cannot be read"),
    ):
        with pytest.raises(PermanentError, match=said):
            measured(replace(finding, prediction=replace(finding.prediction, artefacts=(wrong,))), blobs)


def test_the_proof_finds_a_voxel_a_mirror_image_and_a_shift(blobs: LocalBlobs, style: Style) -> None:
    imaged = Imaged(blobs)
    bits = imaged.mask.bits
    document = stored(imaged.finding(), blobs, style)
    prove(document, imaged.grid, lambda index: bits[index].astype(np.uint8))
    one = bits.copy()
    one[3, 6, 22] ^= True
    for wrong in (one, bits[:, :, ::-1], bits[:, ::-1], bits[::-1]):
        with pytest.raises(PermanentError, match="not what was measured"):
            prove(document, imaged.grid, partial(_slice, wrong))
    grid = moved(imaged.grid)
    grid.affine[2, 3] += 1.0
    with pytest.raises(PermanentError, match="lies elsewhere"):
        prove(document, grid, lambda index: bits[index].astype(np.uint8))


def _slice(bits: NDArray[np.bool_], index: int) -> NDArray[np.uint8]:
    return np.asarray(bits[index], np.uint8)


def test_two_thousand_slices_need_the_headers_of_the_region_only(
    blobs: LocalBlobs, style: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    finding = Imaged(blobs).finding(heat=False)
    opened = []
    original = LocalBlobs.open

    def counted(self: LocalBlobs, uri: str) -> Any:
        opened.append(uri)
        return original(self, uri)

    header = SourceHeaders(blobs).read(finding)
    monkeypatch.setattr(LocalBlobs, "open", counted)
    read = SourceImages(blobs).read(finding, header)
    assert read is not None
    assert len(read.slices) == 4
    assert len(opened) == 5  # the artefact, and four frames of nine
