"""The heatmap as values and as picture: where it was, as strong as it was, with what viewers do not show beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from services.results.deliver.adapters.slice_pixels import LIMITS, SlicePixels
from services.results.deliver.adapters.source_headers import SourceHeaders
from services.results.deliver.adapters.source_images import SourceImages
from services.results.deliver.formats import parametric_map, secondary_capture
from services.results.deliver.formats.colours import OUTLINE, table
from services.results.deliver.formats.measured_images import MeasuredImages, on_grid
from services.results.deliver.formats.overlay import side
from services.results.deliver.formats.parametric_map import to_parametric_map
from services.results.deliver.formats.parts import named_in_report, parts
from services.results.deliver.formats.secondary_capture import MOST_SLICES, to_capture, words
from services.results.deliver.formats.sr_document import encoded
from services.results.deliver.formats.style import Style
from services.results.ledger.findings import Finding
from shared.dicom.frame_pixels import FRAME_PIXELS
from shared.dicom.header import header_of
from shared.dicom.own_output import is_own_output
from shared.domain.errors import PermanentError
from shared.domain.images import Artefact, ArtefactKind
from shared.domain.prediction import IntendedUse
from shared.imaging.artefacts import encode_heatmap
from shared.imaging.volume import Grid, Volume
from shared.jail.jail import Jail
from shared.storage.blobs import LocalBlobs
from tests.findings import answer
from tests.findings import encoded as file_of
from tests.imaged import Imaged, in_plane_orientations, warmth

ORIENTATIONS = in_plane_orientations()
ALL = ("dicom-seg", "dicom-sc", "dicom-pm")
PANEL = (slice(56, 440), slice(12, 396))
"""Where the whole slice lies in a picture: rows, columns."""

ROW, COLUMN = 384 / 25.6 * 0.9, 384 / 25.6 * 0.8
"""Pixels of the picture per voxel: 32 columns of 0.8 mm fill the panel."""


@pytest.fixture(scope="module")
def jail() -> Iterator[Jail]:
    jail = Jail((FRAME_PIXELS,), LIMITS)
    yield jail
    jail.close()


@pytest.fixture
def source(blobs: LocalBlobs, jail: Jail) -> SourceImages:
    return SourceImages(blobs, SlicePixels(jail, blobs))


def measured(finding: Finding, source: SourceImages) -> MeasuredImages:
    read = source.read(finding, SourceHeaders(source.blobs).read(finding))
    assert read is not None
    return source.decoded(finding, read, secondary_capture.shown(read))


def stored(document: Dataset) -> Dataset:
    return dcmread(BytesIO(encoded(document)))


@pytest.mark.parametrize("multi_frame", [False, True], ids=["single frames", "enhanced"])
@pytest.mark.parametrize("reversed_slices", [False, True], ids=["in order", "reversed"])
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_the_peak_of_the_map_lies_where_it_was_in_the_patient(
    orientation: str, reversed_slices: bool, multi_frame: bool, blobs: LocalBlobs, style: Style
) -> None:
    imaged = Imaged(blobs, ORIENTATIONS[orientation], reversed_slices, multi_frame)
    finding = imaged.finding()
    document = stored(to_parametric_map(finding, measured(finding, SourceImages(blobs)), style))
    values = document.pixel_array
    frame, row, column = np.unravel_index(values.argmax(), values.shape)
    shared = document.SharedFunctionalGroupsSequence[0]
    along_row, along_column = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient).reshape(2, 3)
    rows_mm, columns_mm = shared.PixelMeasuresSequence[0].PixelSpacing
    origin = document.PerFrameFunctionalGroupsSequence[frame].PlanePositionSequence[0].ImagePositionPatient
    place = np.array(origin, float) + along_column * rows_mm * row + along_row * columns_mm * column
    heat = imaged.heatmap
    peak = np.array(np.unravel_index(heat.voxels.argmax(), heat.voxels.shape), float)
    np.testing.assert_allclose(place, heat.grid.place(peak), atol=1e-3)
    assert values.max() == heat.voxels.max()


def test_the_map_holds_every_value_to_the_last_bit_and_says_what_it_is(blobs: LocalBlobs, style: Style) -> None:
    imaged = Imaged(blobs)
    finding = imaged.finding()
    document = stored(to_parametric_map(finding, measured(finding, SourceImages(blobs)), style))
    rows = document.PerFrameFunctionalGroupsSequence
    order = np.argsort([float(row.PlanePositionSequence[0].ImagePositionPatient[2]) for row in rows])
    assert np.array_equal(document.pixel_array[order], imaged.heatmap.voxels)
    (mapping,) = document.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence
    assert (mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept) == (1.0, 0.0)
    assert mapping.QuantityDefinitionSequence[0].ConceptCodeSequence[0].CodeValue == "130403"
    assert document.Laterality == "L"
    size = len(encoded(document))
    assert size <= imaged.heatmap.voxels.nbytes + parametric_map.OVERHEAD_BYTES + 7 * parametric_map.FRAME_BYTES


def test_a_map_between_the_voxels_is_interpolated_and_its_peak_stays(blobs: LocalBlobs) -> None:
    imaged = Imaged(blobs)
    grid = imaged.grid
    affine = grid.affine.copy()
    affine[:3, :3] *= 1.7
    affine[:3, 3] = grid.place(np.array([0.4, 1.3, 2.2]))
    coarse = Volume(warmth((5, 13, 17)), Grid((5, 13, 17), affine, grid.frame_of_reference_uid))
    placed = on_grid(coarse, grid)
    peak = np.array(np.unravel_index(placed.voxels.argmax(), placed.voxels.shape), float)
    was = coarse.grid.place(np.array(np.unravel_index(coarse.voxels.argmax(), coarse.voxels.shape), float))
    assert np.abs(placed.grid.place(peak) - was).max() <= max(grid.affine[:3, :3].max(), 2.5)
    assert placed.voxels.max() <= coarse.voxels.max()
    assert placed.grid.frames


def test_a_map_that_reaches_beyond_the_slices_is_cut_there(blobs: LocalBlobs) -> None:
    imaged = Imaged(blobs)
    grid = imaged.grid
    affine = grid.affine.copy()
    affine[:3, 3] = grid.place(np.array([-2.0, -3.0, 20.0]))
    beyond = Volume(np.full((20, 30, 30), 0.5, np.float32), Grid((20, 30, 30), affine, grid.frame_of_reference_uid))
    placed = on_grid(beyond, grid)
    assert placed.grid.shape[:2] == (9, 24)
    assert (placed.voxels[..., -12:] == 0.5).all()
    assert (placed.voxels[..., :-12] == 0.0).all()


def test_a_map_of_another_place_is_refused(blobs: LocalBlobs) -> None:
    imaged = Imaged(blobs)
    finding = imaged.finding()
    assert finding.prediction is not None
    grid = replace(imaged.grid, affine=imaged.grid.affine + np.array([[0, 0, 0, 900.0], *np.zeros((3, 4))]), frames=())
    away = Artefact(ArtefactKind.HEATMAP, *blobs.put(encode_heatmap(Volume(warmth(grid.shape), grid))))
    artefacts = (finding.prediction.artefacts[0], away)
    lost = replace(finding, prediction=replace(finding.prediction, artefacts=artefacts))
    with pytest.raises(PermanentError, match="outside of the images"):
        measured(lost, SourceImages(blobs))


@pytest.mark.parametrize("multi_frame", [False, True], ids=["single frames", "enhanced"])
@pytest.mark.parametrize("reversed_slices", [False, True], ids=["in order", "reversed"])
def test_the_outline_lies_on_the_bright_tumour_of_the_stored_image(
    reversed_slices: bool, multi_frame: bool, source: SourceImages, style: Style
) -> None:
    """The phantom's tumour is white in the pixels: outline and pixels come on different ways."""
    imaged = Imaged(source.blobs, reversed_slices=reversed_slices, multi_frame=multi_frame)
    finding = imaged.finding()
    images = measured(finding, source)
    frames = stored(to_capture(finding, images, style)).pixel_array
    for picture, one in zip(frames, secondary_capture.shown(images), strict=True):
        panel = picture[PANEL]
        outline = (panel == np.array(OUTLINE, np.uint8)).all(axis=-1)
        assert bool(outline.any()) == bool(imaged.mask.bits[one.index].any())
        inside = images.region.bits[one.index]
        rows, columns = np.nonzero(outline)
        assert inside[(rows / ROW).astype(int), (columns / COLUMN).astype(int)].all()
        middles = panel[((np.arange(24) + 0.5) * ROW).astype(int)][:, ((np.arange(32) + 0.5) * COLUMN).astype(int)]
        white = (middles > 200).all(axis=-1)
        assert np.array_equal(white[4:-4, 4:-3], inside[4:-4, 4:-3])  # at the edges stand letters


def test_the_edges_are_named_by_the_patient_not_by_the_screen() -> None:
    assert [side(np.array(v, float)) for v in ((1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, 0, -1))] == ["L", "R", "P", "F"]
    assert side(np.array([0.8, -0.6, 0.0])) == "LA"
    assert side(np.array([0.94, 0.34, 0.0])) == "L"


def test_a_picture_names_nobody_and_says_what_it_may_be_used_for(source: SourceImages, style: Style) -> None:
    finding = Imaged(source.blobs).finding()
    said = words(finding, style)
    assert said.banner == "DEMONSTRATION - NOT FOR CLINICAL USE"
    assert "Decision support, not for primary diagnosis" in said.foot
    assert "network" in said.title
    assert "network" not in words(Imaged(source.blobs).finding(heat=False), style).title
    shown = " ".join((said.banner, said.title, said.foot))
    assert not any(part in shown for part in (finding.identity.identifier, "1971", "2026", "ster"))
    assert finding.prediction is not None
    clinical = replace(finding, prediction=replace(finding.prediction, bundle=answer(use=IntendedUse.CLINICAL).bundle))
    assert words(clinical, style).banner == ""


def test_many_slices_are_thinned_out_and_the_peak_is_among_them(source: SourceImages, style: Style) -> None:
    shape = (40, 12, 16)
    bits = np.zeros(shape, bool)
    bits[2:39, 3:8, 6:12] = True
    imaged = Imaged(source.blobs, shape=shape, bits=bits)
    images = measured(imaged.finding(), source)
    rows = secondary_capture.shown(images)
    assert len(rows) <= MOST_SLICES
    assert secondary_capture.peak(images) in rows
    document = to_capture(imaged.finding(), images, style)
    size = len(rows) * secondary_capture.FRAME_BYTES + secondary_capture.OVERHEAD_BYTES
    assert len(encoded(document)) <= size <= 32_000_000


def test_without_a_heatmap_the_region_is_still_shown_and_no_map_is_sent(source: SourceImages, style: Style) -> None:
    finding = Imaged(source.blobs).finding(heat=False)
    made = parts(finding, measured(finding, source), replace(style, pictures=ALL))
    assert [str(one.Modality) for one in made] == ["SEG", "OT"]
    assert [str(one.Modality) for one in named_in_report(made)] == ["SEG"]


def test_what_is_sent_is_what_the_site_asks_for(source: SourceImages, style: Style) -> None:
    finding = Imaged(source.blobs).finding()
    images = measured(finding, source)
    assert parts(finding, images, style) == []
    assert [one.Modality for one in parts(finding, images, replace(style, pictures=("dicom-pm",)))] == ["OT"]


@pytest.mark.parametrize("kind", ["map", "picture"])
def test_our_own_door_recognises_them_and_they_repeat_byte_for_byte(
    kind: str, source: SourceImages, style: Style
) -> None:
    finding = Imaged(source.blobs).finding()
    images = measured(finding, source)
    render = to_parametric_map if kind == "map" else to_capture
    document = render(finding, images, style)
    assert encoded(document) == encoded(render(finding, images, style))
    for mark in (0x00080014, 0x00181002):
        tags = (0x00080016, 0x00080018, 0x0020000D, 0x0020000E, 0x00080070, mark)
        assert is_own_output(header_of({tag: str(document[tag].value).encode() for tag in tags}), style.device_uid)


def test_equal_steps_of_the_value_are_equal_steps_of_lightness() -> None:
    """Lightness of the colours as they are shown, by the way back from sRGB to CIELAB."""
    shown = table().astype(np.float64) / 255
    linear = np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722])
    lightness = 116 * np.cbrt(np.maximum(luminance, (6 / 29) ** 3)) - 16
    steps = np.diff(lightness[15::16])
    assert steps.min() > 0.8 * np.median(steps)
    assert steps.max() < 1.2 * np.median(steps)
    assert not (table() == np.array(OUTLINE, np.uint8)).all(axis=1).any()


def test_slices_that_cannot_be_decoded_cost_the_picture_and_nothing_else(source: SourceImages, style: Style) -> None:
    imaged = Imaged(source.blobs)
    finding = imaged.finding()
    broken = imaged.objects()[3]
    del broken.PixelData
    uri, _ = source.blobs.put(file_of(broken))
    rows = tuple(
        replace(row, blob_uri=uri) if row.sop_instance_uid == broken.SOPInstanceUID else row
        for row in finding.study.instances
    )
    damaged = replace(finding, pins=None, study=replace(finding.study, instances=rows))
    made = parts(damaged, measured(damaged, source), replace(style, pictures=ALL))
    assert [one.Modality for one in made] == ["SEG", "OT"]
    assert "FloatPixelData" in made[1]
