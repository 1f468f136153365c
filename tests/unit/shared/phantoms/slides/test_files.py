"""The files of a simulated slide are read by the libraries that read hospitals' slides, pixel for pixel."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import openslide
import pydicom
import pytest
import tiffslide
import wsidicom
import zxingcpp
from numpy.typing import NDArray

from shared.phantoms.dce.writing import write_objects
from shared.phantoms.slides.glass import Glass, label_picture
from shared.phantoms.slides.large import slide_of_pixels
from shared.phantoms.slides.optics import SCANNERS
from shared.phantoms.slides.pyramid import pyramid
from shared.phantoms.slides.slide import Plan, SimulatedSlide, make_slide
from shared.phantoms.slides.tiff import Style, write_tiff
from shared.phantoms.slides.wsm import slide_objects
from shared.testing import dicom_judges


@lru_cache(maxsize=2)
def simulated(scanner: int = 1) -> SimulatedSlide:
    return make_slide(np.random.default_rng(1), SCANNERS[scanner], Plan(side_px=600))


def tiff(folder: Path, style: Style = Style.GENERIC, **said: object) -> Path:
    path, slide = folder / "slide.tiff", simulated()
    with path.open("wb") as stream:
        write_tiff(stream, pyramid(slide.pixels), slide.scanner, style, **said)  # type: ignore[arg-type]  # of the test
    return path


def away(seen: object, top: int, left: int) -> float:
    """Return the mean difference of a region of 200 x 200 from what was simulated."""
    pixels: NDArray[np.int64] = np.asarray(seen)[..., :3].astype(np.int64)
    return float(np.abs(pixels - simulated().pixels[top : top + 200, left : left + 200]).mean())


@pytest.mark.parametrize("style", list(Style))
def test_two_readers_see_the_pixels_levels_and_resolution_of_a_tiff(style: Style, tmp_path: Path) -> None:
    path = tiff(tmp_path, style)

    with openslide.OpenSlide(path) as one:
        assert one.level_dimensions == ((600, 600), (150, 150))
        assert float(one.properties["openslide.mpp-x"]) == pytest.approx(0.46, abs=1e-5)
        assert one.color_profile is not None
        assert away(one.read_region((330, 210), 0, (200, 200)), 210, 330) < 6
    with tiffslide.TiffSlide(path) as other:
        assert other.level_dimensions == ((600, 600), (150, 150))
        assert other.properties["tiffslide.mpp-x"] == pytest.approx(0.46, abs=1e-5)
        assert away(other.read_region((330, 210), 0, (200, 200)), 210, 330) < 6


def test_an_aperio_slide_carries_its_label_with_a_barcode(tmp_path: Path) -> None:
    path = tiff(tmp_path, Style.APERIO, label=label_picture("S26-1-A1-1"))

    with openslide.OpenSlide(path) as one:
        assert one.properties["openslide.objective-power"] == "20"
        picture = np.asarray(one.associated_images["label"].convert("RGB"))
    assert zxingcpp.read_barcodes(picture)[0].text == "S26-1-A1-1"


def test_a_generic_slide_carries_no_label(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Aperio"):
        tiff(tmp_path, label=label_picture("S26-1-A1-1"))


def test_a_slide_may_keep_its_resolution_to_itself_or_state_it_in_inches(tmp_path: Path) -> None:
    with openslide.OpenSlide(tiff(tmp_path, resolution=False)) as one:
        assert "openslide.mpp-x" not in one.properties
    with openslide.OpenSlide(tiff(tmp_path, unit=2)) as other:
        assert float(other.properties["openslide.mpp-x"]) == pytest.approx(0.46 * 2.54, abs=1e-4)


def test_two_readers_see_the_same_pixels_of_a_dicom_slide(tmp_path: Path) -> None:
    slide = simulated()
    paths = write_objects(slide_objects(pyramid(slide.pixels), slide.scanner, Glass()), tmp_path)

    with openslide.OpenSlide(paths[0]) as one, wsidicom.WsiDicom.open(tmp_path) as other:
        seen = np.asarray(one.read_region((330, 210), 0, (200, 200)))[..., :3]
        assert one.level_dimensions == ((600, 600), (150, 150))
        assert float(one.properties["openslide.mpp-x"]) == pytest.approx(0.46)
        assert away(seen, 210, 330) < 6
        assert (np.asarray(other.read_region((330, 210), 0, (200, 200))) == seen).all()


def test_all_instances_of_a_dicom_slide_name_the_same_glass(tmp_path: Path) -> None:
    slide, glass = simulated(), Glass(seed="another", accession="S26-7", container="S26-7-B2-1")
    paths = write_objects(slide_objects(pyramid(slide.pixels), slide.scanner, glass), tmp_path)

    headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in paths]
    assert len({one.SOPInstanceUID for one in headers}) == len(headers) == 2
    assert {one.FrameOfReferenceUID for one in headers} == {glass.frame_of_reference_uid}
    assert {(one.AccessionNumber, one.ContainerIdentifier) for one in headers} == {("S26-7", "S26-7-B2-1")}
    assert headers[0].SpecimenDescriptionSequence[0].SpecimenIdentifier == glass.specimen


@pytest.mark.integration
@pytest.mark.skipif(not dicom_judges.installed(), reason="dicom3tools and dcmtk are not installed")
@pytest.mark.parametrize("glass", [Glass(), Glass(breast=False), Glass(immunohistochemistry=True)])
def test_the_judge_finds_no_error_in_a_dicom_slide(glass: Glass, tmp_path: Path) -> None:
    slide = simulated(0)

    for path in write_objects(slide_objects(pyramid(slide.pixels), slide.scanner, glass), tmp_path):
        assert dicom_judges.dciodvfy_lines(path) == []


def test_a_slide_of_many_pixels_is_one_picture_on_all_levels(tmp_path: Path) -> None:
    written = slide_of_pixels(2 * 10**7, tmp_path / "large.tiff")

    with openslide.OpenSlide(written.path) as one:
        assert one.dimensions == (4472, 4472)
        assert float(one.properties["openslide.mpp-x"]) == pytest.approx(0.25)
        place = (1700, 2500)
        wide = one.read_region(place, 0, (1024, 1024)).convert("RGB").reduce(16)
        narrow = one.read_region(place, 2, (64, 64)).convert("RGB")
    assert np.abs(np.asarray(wide).astype(int) - np.asarray(narrow)).mean() < 12
    assert np.asarray(wide).std() > 20  # tissue lies there


def test_a_slide_smaller_than_one_square_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least"):
        slide_of_pixels(1000, tmp_path / "small.tiff")
