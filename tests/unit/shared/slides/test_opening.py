"""A slide is opened by the first reader that can; where none can, the reasons of all are kept, and no file name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.pathology.trouble import SlideProblem, SlideTrouble
from shared.slides.opening import opened
from shared.slides.openslide_reader import OpenSlideReader
from shared.slides.port import SlideReader
from shared.slides.tiffslide_reader import TiffSlideReader
from shared.testing.slide_files import label_saying, painted, write_aperio, write_slide

RGB = painted(700, 500)
NAME = "DOE^JANE-1950"


def _open(path: Path, container: str = "") -> SlideReader:
    found = opened([path], container)
    assert not isinstance(found, SlideTrouble)
    return found


def test_the_first_reader_that_opens_it_reads_it(tmp_path: Path) -> None:
    reader = _open(write_slide(tmp_path / "a.tiff", RGB, levels=3))
    description = reader.description
    assert description.read_by.reader.startswith("openslide ")
    assert description.read_by.refused == ()
    assert [(one.width, one.height) for one in description.levels] == [(700, 500), (350, 250), (175, 125)]
    assert (np.asarray(reader.region(100, 50, 0, 300, 200)) == RGB[50:250, 100:400]).all()
    reader.close()


@pytest.mark.parametrize(
    "options", [{"compression": "jpeg2000"}, {"compression": "webp", "compressionargs": {"lossless": True}},
                {"tile": None, "rowsperstrip": 33}]
)  # fmt: skip
def test_what_openslide_refuses_a_later_reader_reads_and_the_reasons_are_kept(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    reader = _open(write_slide(tmp_path / f"{NAME}.tiff", RGB, levels=2, **options))
    read_by = reader.description.read_by
    assert read_by.reader.startswith("tiffslide ")
    assert len(read_by.refused) == 2
    assert NAME not in str(read_by)
    assert (np.asarray(reader.region(100, 50, 0, 300, 200)) == RGB[50:250, 100:400]).all()
    half = np.asarray(reader.region(200, 100, 1, 100, 100)).astype(int)
    assert np.abs(half - RGB[100:300:2, 200:400:2]).mean() < 8
    reader.close()


@pytest.mark.parametrize("options", [{}, {"compression": "jpeg"}, {"compression": "lzw", "predictor": True}])
def test_two_readers_see_the_same_pixels(tmp_path: Path, options: dict[str, Any]) -> None:
    path = write_slide(tmp_path / "a.tiff", RGB, levels=2, **options)
    one, other = OpenSlideReader([path]), TiffSlideReader([path])
    assert one.description.stated == other.description.stated
    assert one.description.levels == other.description.levels
    for level, x, y in ((0, 0, 0), (0, 131, 77), (1, 130, 70)):
        seen, peer = (np.asarray(reader.region(x, y, level, 260, 200)).astype(int) for reader in (one, other))
        assert np.abs(seen - peer).max() <= (3 if options.get("compression") == "jpeg" else 0)
    one.close()
    other.close()


def test_nobody_opens_what_is_no_slide_and_the_file_is_not_named(tmp_path: Path) -> None:
    path = tmp_path / f"{NAME}.svs"
    path.write_bytes(b"a letter about a patient" * 100)
    trouble = opened([path])
    assert isinstance(trouble, SlideTrouble)
    assert trouble.problem is SlideProblem.UNREADABLE
    assert trouble.remedy
    assert all(name in trouble.text for name in ("OpenSlide", "wsidicom", "tiffslide"))
    assert NAME not in str(trouble)


def test_a_file_that_claims_more_pixels_than_any_slide_is_too_large(tmp_path: Path) -> None:
    path = write_slide(tmp_path / "a.tiff", RGB)
    raw = bytearray(path.read_bytes())
    for number, (tag, size) in enumerate(((256, 700), (257, 500))):
        at = raw.index(tag.to_bytes(2, "little") + b"\x04\0\x01\0\0\0" + size.to_bytes(4, "little"))
        raw[at + 8 : at + 12] = (500_000 + number).to_bytes(4, "little")
    path.write_bytes(raw)
    trouble = opened([path])
    assert isinstance(trouble, SlideTrouble)
    assert trouble.problem is SlideProblem.TOO_LARGE


@pytest.mark.parametrize(("container", "agrees"), [("S23-1;A;2", True), ("S23-1;A;3", False), ("s23-1;a;2", False)])
def test_the_barcode_is_compared_with_the_container_exactly(tmp_path: Path, container: str, agrees: bool) -> None:
    path = write_aperio(tmp_path / "a.svs", RGB, label_saying("S23-1;A;2"))
    description = _open(path, container).description
    assert description.associated == ("label",)
    assert description.barcode_agrees is agrees
    assert "S23" not in str(description)


def test_no_container_no_barcode_and_no_look_at_the_label(tmp_path: Path) -> None:
    blank = np.full((100, 200, 3), 255, np.uint8)
    assert _open(write_aperio(tmp_path / "b.svs", RGB, blank), "S23-1;A;2").description.barcode_agrees is None
    path = write_aperio(tmp_path / "a.svs", RGB, label_saying("S23-1;A;2"))
    assert _open(path).description.barcode_agrees is None
