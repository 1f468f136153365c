"""Slides that nobody here wrote do what they are kept for."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

from shared.domain.slides import Resolution, ResolutionSource
from shared.jail.slides import LIMITS, JailedSlides, Overview
from shared.pathology.trouble import SlideProblem, SlideTrouble
from shared.slides.opening import opened
from shared.slides.openslide_reader import OpenSlideReader
from shared.slides.port import SlideDescription, SlideReader
from shared.slides.resolution import OperatorsValue, gated
from shared.slides.tiffslide_reader import TiffSlideReader
from shared.slides.wsidicom_reader import WsiDicomReader

pytestmark = pytest.mark.shared_data
OPERATOR = OperatorsValue(0.5, "Dr. A. Example")


@pytest.fixture(scope="module")
def jail() -> Iterator[JailedSlides]:
    jail = JailedSlides(replace(LIMITS, window_mb=32), children=1)
    yield jail
    jail.close()


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    return shared_data / "slides"


def _described(jail: JailedSlides, path: Path) -> SlideDescription:
    found = jail.describe([path])
    assert isinstance(found, SlideDescription)
    return found


def test_an_aperio_slide_passes_and_its_label_and_macro_are_named_and_no_more(jail: JailedSlides, folder: Path) -> None:
    found = _described(jail, folder / "CMU-1-Small-Region.svs")
    assert gated(found, operator=OPERATOR) == Resolution(0.499, 0.499, ResolutionSource.VENDOR, objective_power=20.0)
    assert (found.format, found.width, found.height) == ("aperio", 2220, 2967)
    assert found.associated == ("label", "macro")
    assert found.read_by.reader.startswith("openslide ")


def test_a_slide_that_states_nothing_is_refused_and_passes_with_a_named_persons_value(
    jail: JailedSlides, folder: Path
) -> None:
    found = _described(jail, folder / "tcga-cr-7395-01a-01-ts1.svs")
    trouble = gated(found)
    assert isinstance(trouble, SlideTrouble)
    assert trouble.problem is SlideProblem.RESOLUTION_UNKNOWN
    assert gated(found, operator=OPERATOR) == Resolution(0.5, 0.5, ResolutionSource.OPERATOR, "Dr. A. Example")
    assert found.has_profile


def test_a_wrong_unit_is_implausible(jail: JailedSlides, folder: Path) -> None:
    trouble = gated(_described(jail, folder / "CMU-1-Small-Region.jpeg.tiff"))
    assert isinstance(trouble, SlideTrouble)
    assert trouble.problem is SlideProblem.RESOLUTION_IMPLAUSIBLE
    assert "0.00499" in trouble.text


def test_a_jpeg_2000_tiff_is_read_by_the_third_reader_in_the_jail(jail: JailedSlides, folder: Path) -> None:
    path = folder / "CMU-1-Small-Region.jp2.tiff"
    found = _described(jail, path)
    assert found.read_by.reader.startswith("tiffslide ")
    assert found.read_by.refused[0] == "OpenSlide: Unsupported TIFF compression: 34712"
    overview = jail.overview([path], 8.0, 0.499)
    peer = jail.overview([folder / "CMU-1-Small-Region.svs"], 8.0, 0.499)
    assert isinstance(overview, Overview)
    assert isinstance(peer, Overview)
    assert np.abs(overview.rgb.astype(int) - peer.rgb).mean() < 3


def test_a_dicom_slide_of_the_seventh_level_is_too_low_and_says_whose_it_is(jail: JailedSlides, folder: Path) -> None:
    found = _described(jail, folder / "camelyon_multi_frame_jpeg2000.dcm")
    trouble = gated(found, operator=OPERATOR, coarsest_um=1.0)
    assert isinstance(trouble, SlideTrouble)
    assert trouble.problem is SlideProblem.RESOLUTION_TOO_LOW
    assert "29 micrometres" in trouble.text
    assert [one.key for one in found.stated] == ["PixelSpacing", "ImagedVolumeWidth"]
    assert (found.accession, found.container) == ("GO-1692287590758", "GO-1692287590758-1-A-0")
    assert found.specimens == ("GO-1692287590758-1-A",)
    assert found.frame_of_reference_uid.endswith(".1692289067688425")


def test_readers_see_the_same_pixels_where_their_formats_overlap(folder: Path) -> None:
    for name in ("CMU-1-Small-Region.svs", "CMU-1-Small-Region.jpeg.tiff", "tcga-cr-7395-01a-01-ts1.svs"):
        _agree(OpenSlideReader([folder / name]), TiffSlideReader([folder / name]))
    path = folder / "camelyon_multi_frame_jpeg2000.dcm"
    _agree(OpenSlideReader([path]), WsiDicomReader([path]))


def _agree(one: SlideReader, other: SlideReader) -> None:
    first, second = one.description, other.description
    assert (first.width, first.height, first.levels) == (second.width, second.height, second.levels)
    assert [(s.x, s.y, s.source) for s in first.stated] == [(s.x, s.y, s.source) for s in second.stated]
    assert first.objective_power == second.objective_power
    assert first.specimens == second.specimens
    for x, y in ((0, 0), (700, 400), (first.width - 100, first.height - 100)):
        apart = np.asarray(one.region(x, y, 0, 256, 256)).astype(int) - np.asarray(other.region(x, y, 0, 256, 256))
        assert np.abs(apart).max() <= 4
    one.close()
    other.close()


def test_dicom_that_openslide_refuses_is_read_by_wsidicom_in_the_jail(
    jail: JailedSlides, folder: Path, tmp_path: Path
) -> None:
    source = folder / "camelyon_multi_frame_jpeg2000.dcm"
    path = _as_full_range_jpeg(source, tmp_path)
    found = _described(jail, path)
    assert found.read_by.reader.startswith("wsidicom ")
    assert found.read_by.refused[0].startswith("OpenSlide: Unsupported photometric interpretation YBR_FULL")
    original = _described(jail, source)
    assert replace(found, read_by=original.read_by) == original
    overview, peer = jail.overview([path], 100.0, 28.969), jail.overview([source], 100.0, 28.969)
    assert isinstance(overview, Overview)
    assert isinstance(peer, Overview)
    assert np.abs(overview.rgb.astype(int) - peer.rgb).mean() < 2


def _as_full_range_jpeg(source: Path, folder: Path) -> Path:
    """Write the slide in baseline JPEG of YBR_FULL, as several scanners do."""
    dataset, reader = dcmread(source), opened([source])
    assert not isinstance(reader, SlideTrouble)
    frames = []
    for top in range(0, dataset.TotalPixelMatrixRows, 256):
        for left in range(0, dataset.TotalPixelMatrixColumns, 256):
            stream = io.BytesIO()
            reader.region(left, top, 0, 256, 256).save(stream, "jpeg", quality=95, subsampling=0)
            frames.append(stream.getvalue())
    dataset.PixelData = encapsulate(frames)
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.PhotometricInterpretation = "YBR_FULL"
    dataset.save_as(folder / "full.dcm")
    return folder / "full.dcm"
