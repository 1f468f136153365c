"""Slides nobody here made, through the real jail: each does what ``../shared/data/README.md`` says of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest

from services.slide_ingestion.handlers.check import CheckSlides
from shared.domain.slides import ResolutionSource, Slide
from shared.jail.slides import JailedSlides
from tests.contract.slide_ingestion.conftest import SAID, Room

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def jail() -> Iterator[JailedSlides]:
    jailed = JailedSlides(children=1)
    yield jailed
    jailed.close()


@pytest.fixture
def real(room: Room, jail: JailedSlides) -> Room:
    plain = room.check
    room.check = CheckSlides(plain.store, plain.doors, jail, plain.digests, plain.dicom, plain.judge, plain.most_bytes)
    return room


def taken(room: Room, path: Path, name: str, **changes: str) -> Slide:
    (room.inbox / name).parent.mkdir(exist_ok=True)
    shutil.copy(path, room.inbox / name)
    room.say(str(Path(name).parent) if name.endswith(".dcm") else name, **(SAID | changes))
    room.settle()
    return room.told[-1]


def test_cmu_1_passes_with_the_scanners_own_resolution(real: Room, shared_data: Path) -> None:
    slide = taken(real, shared_data / "slides" / "CMU-1-Small-Region.svs", "a.svs")

    assert slide.refused == ""
    assert slide.resolution
    assert (slide.resolution.x, slide.resolution.source) == (0.499, ResolutionSource.VENDOR)
    assert (slide.format, slide.width, slide.height) == ("aperio", 2220, 2967)


def test_tcga_without_resolution_is_refused_and_then_accepted_with_an_operators_value(
    real: Room, shared_data: Path
) -> None:
    slide = taken(real, shared_data / "slides" / "tcga-cr-7395-01a-01-ts1.svs", "a.svs")
    assert slide.refused == "resolution_unknown"

    real.set_resolution(real.rows[0].slide_id, 0.25, "jane", "service report of the scanner")
    real.work()
    assert real.told[-1].refused == ""
    assert real.told[-1].resolution
    assert real.told[-1].resolution.stated_by == "jane"


def test_the_lymph_node_of_camelyon_is_too_coarse(real: Room, shared_data: Path) -> None:
    path = shared_data / "slides" / "camelyon_multi_frame_jpeg2000.dcm"
    said = pydicom.dcmread(path, stop_before_pixels=True)
    specimen = said.SpecimenDescriptionSequence[0].SpecimenIdentifier
    slide = taken(
        real, path, "case/a.dcm", accession=said.AccessionNumber or "S26-1", container=said.ContainerIdentifier,
        specimen=specimen,
    )  # fmt: skip

    assert slide.refused == "resolution_too_low"
    assert slide.format.startswith("dicom")


def test_a_resolution_in_the_wrong_unit_is_refused(real: Room, shared_data: Path) -> None:
    slide = taken(real, shared_data / "slides" / "CMU-1-Small-Region.jpeg.tiff", "a.tiff")

    assert slide.refused == "resolution_implausible"
    assert slide.refused_text


def test_a_jpeg_2000_tiff_is_read_by_another_reader_or_refused_with_a_reason(real: Room, shared_data: Path) -> None:
    slide = taken(real, shared_data / "slides" / "CMU-1-Small-Region.jp2.tiff", "a.tiff")

    assert slide.read_by.refused or slide.refused_text
