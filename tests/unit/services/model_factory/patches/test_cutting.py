"""Patches are cut where tissue and tumour are, and prepared as serving prepares them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from services.model_factory.formats.annotations.reading import read_annotation
from services.model_factory.handlers.patches.annotation import Annotation
from services.model_factory.handlers.patches.cutting import CutSlide, begin_cutting
from services.model_factory.handlers.patches.settings import CUT_SETTINGS, CutSettings
from shared.domain.slides import Cropping
from shared.pathology.patch_contract import PatchContract
from shared.pathology.patches import prepared, scaled
from shared.pathology.stain.fit import STANDARD
from shared.pathology.trouble import SlideTrouble
from shared.phantoms.slides.annotations import geojson
from shared.phantoms.slides.cohort import draw_slides, scan
from shared.phantoms.slides.writing import tiff_bytes
from shared.slides.opening import opened
from shared.slides.patches import PatchReading
from shared.slides.port import SlideReader
from shared.slides.resolution import gated

CONTRACT = PatchContract(64.0, 48, 500.0, 0.3, STANDARD, (0.86, 0.66, 0.91), (0.16, 0.18, 0.09), 2, "test")
SETTINGS = CutSettings(sides_um=(64.0,), outside=0.05)


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SlideReader, Annotation]]:
    """A simulated slide of half a millimetre, written and opened again."""
    made = scan(draw_slides(1, 3), 0, 1024)
    path: Path = tmp_path_factory.mktemp("slides") / "one.tiff"
    path.write_bytes(tiff_bytes(made))
    reader = opened([path])
    assert not isinstance(reader, SlideTrouble)
    yield reader, read_annotation(geojson(made).encode(), ".geojson")
    reader.close()


@pytest.fixture
def cut(slide: tuple[SlideReader, Annotation]) -> CutSlide:
    resolution = gated(slide[0].description)
    assert not isinstance(resolution, SlideTrouble)
    return begin_cutting(slide[0], resolution.x, CONTRACT)


def test_the_grid_holds_what_has_tissue_and_is_no_background(cut: CutSlide) -> None:
    grid = cut.grid(Cropping.MICROMETRES)

    patches = cut.patches(grid)

    assert 5 < len(patches.index) < len(grid)
    assert (patches.tissue >= CONTRACT.least_tissue).all()
    assert (np.diff(patches.index) > 0).all()
    assert patches.pixels.shape == (len(patches.index), 48, 48, 3)


def test_a_patch_is_what_serving_would_have_given_the_network(cut: CutSlide) -> None:
    grid = cut.grid(Cropping.MICROMETRES)
    patches = cut.patches(grid)

    rgb = PatchReading(cut.reader, grid.side_px, CONTRACT.input_px).rgb(*grid.corner(int(patches.index[3])))

    assert np.array_equal(scaled(patches.pixels[3], CONTRACT), prepared(rgb, cut.fit, CONTRACT))


def test_patches_in_the_tumour_and_outside_are_told_apart_and_edges_left_out(
    cut: CutSlide, slide: tuple[SlideReader, Annotation]
) -> None:
    (patches,) = cut.learned(slide[1], SETTINGS, np.random.default_rng(1))

    inside = patches.tumour >= SETTINGS.inside
    assert inside.sum() >= 3
    assert (~inside).sum() >= 3
    assert (patches.tumour[~inside] <= 0.05).all()
    # Nuclei stand close in nests: they are darker in red, where haematoxylin absorbs.
    red = patches.pixels[..., 0].mean(axis=(1, 2))
    assert red[inside].mean() < red[~inside].mean()


def test_the_paper_learns_from_edges_as_well(cut: CutSlide, slide: tuple[SlideReader, Annotation]) -> None:
    rng = np.random.default_rng(1)
    corrected, paper = SETTINGS, dataclasses.replace(SETTINGS, outside=0.5)

    (few,), (all_,) = (cut.learned(slide[1], one, rng) for one in (corrected, paper))

    assert set(few.index) < set(all_.index)


def test_at_most_so_many_of_each_kind_are_drawn_and_the_same_ones_again(
    cut: CutSlide, slide: tuple[SlideReader, Annotation]
) -> None:
    settings = dataclasses.replace(SETTINGS, most_per_slide=2)

    (first,), (again,) = (cut.learned(slide[1], settings, np.random.default_rng(5)) for _ in range(2))

    assert np.array_equal(first.index, again.index)
    assert (first.tumour >= 0.5).sum() == (first.tumour < 0.5).sum() == 2


def test_each_size_has_its_own_grid(cut: CutSlide, slide: tuple[SlideReader, Annotation]) -> None:
    settings = CutSettings(sides_px=(128,), sides_um=(96.0,))

    pixels, micrometres = cut.learned(slide[1], settings, np.random.default_rng(5))

    assert pixels.grid.side_px == 128
    assert micrometres.grid.side_um == pytest.approx(96, abs=cut.microns_per_pixel)


def test_the_paper_cuts_1024_and_2048_pixels() -> None:
    assert CUT_SETTINGS["paper"].sides_px == (1024, 2048)
    with pytest.raises(ValueError, match="need a size"):
        CutSettings()
    with pytest.raises(ValueError, match="outside <= inside"):
        CutSettings(sides_px=(8,), inside=0.3, outside=0.4)
