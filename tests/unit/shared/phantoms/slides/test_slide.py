"""A simulated slide shows what was drawn, in the look of the nests and in nothing else."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms
from scipy import ndimage
from scipy.stats import spearmanr

from shared.pathology.patch_contract import StainReference
from shared.pathology.quality.glass_quality import examined
from shared.pathology.stain.fit import STANDARD, fit_stains
from shared.pathology.stain.sample import tissue_pixels
from shared.pathology.stain.transform import normalised
from shared.phantoms.slides.artefacts import PENS, Artefacts
from shared.phantoms.slides.cohort import draw_slides, scan
from shared.phantoms.slides.optics import SCANNERS
from shared.phantoms.slides.outlines import numbered
from shared.phantoms.slides.slide import Kind, Plan, SimulatedSlide, make_slide

REFERENCE: StainReference = STANDARD
SMALL = 640


def srgb(slide: SimulatedSlide) -> NDArray[np.uint8]:
    """Return the slide as a reader shows it: its profile applied."""
    if not slide.scanner.profile:
        return slide.pixels
    profile = ImageCms.ImageCmsProfile(BytesIO(slide.scanner.profile))
    shown = ImageCms.profileToProfile(Image.fromarray(slide.pixels), profile, ImageCms.createProfile("sRGB"))
    assert shown is not None
    return np.asarray(shown)


def in_nests(slide: SimulatedSlide) -> NDArray[np.bool_]:
    return numbered(slide.nests, (slide.plan.side_px, slide.plan.side_px)) > 0


def membranes(slide: SimulatedSlide) -> float:
    """Return how much eosin varies within a cell's width in the nests, once the stains are normalised."""
    rgb = srgb(slide)
    even = normalised(rgb, fit_stains(tissue_pixels(rgb)), REFERENCE).astype(np.float32)
    green = -np.log(np.maximum(even[..., 1], 1) / 255)
    red = -np.log(np.maximum(even[..., 0], 1) / 255)
    eosin = green - red
    return float((ndimage.gaussian_filter(eosin, 1) - ndimage.gaussian_filter(eosin, 4))[in_nests(slide)].std())


def one(shown: float = 0.0, scanner: int = 0, seed: int = 1, artefacts: Artefacts | None = None) -> SimulatedSlide:
    plan = Plan(shown=shown, side_px=SMALL, artefacts=artefacts or Artefacts())
    return make_slide(np.random.default_rng(seed), SCANNERS[scanner], plan)


def test_the_same_seed_makes_the_same_slide_whoever_else_is_in_the_cohort() -> None:
    first, second = scan(draw_slides(5, 3), 4, SMALL), scan(draw_slides(5, 3), 4, SMALL)

    assert (first.pixels == second.pixels).all()
    assert (first.pixels != scan(draw_slides(5, 3), 3, SMALL).pixels).any()
    assert (first.pixels != scan(draw_slides(5, 4), 4, SMALL).pixels).any()


@pytest.mark.parametrize("scanner", [0, 1])
def test_nests_that_show_more_have_the_same_mean_colour_and_more_membrane(scanner: int) -> None:
    slides = [one(shown, scanner) for shown in (-2.0, 0.0, 2.0)]
    colours = [srgb(slide)[in_nests(slide)].mean(axis=0) for slide in slides]
    texture = [membranes(slide) for slide in slides]

    assert max(np.ptp(np.array(colours), axis=0)) < 9.0  # of 255; one slide's staining differs from another's by 20
    assert texture[0] * 1.15 < texture[1]
    assert texture[1] * 1.15 < texture[2]


def test_a_simple_feature_after_stain_normalisation_tells_most_of_the_truth() -> None:
    cohort = draw_slides(20, 6)
    found = [membranes(scan(cohort, row, 768)) for row in range(cohort.n)]

    assert spearmanr(found, cohort.truth.shown).statistic > 0.8


def test_two_scanners_differ_in_colour_by_more_than_their_profile() -> None:
    first, second = (srgb(one(scanner=scanner)) for scanner in (0, 1))
    glass = [np.median(picture[:20, :20].reshape(-1, 3), axis=0) for picture in (first, second)]

    assert np.abs(glass[0] - np.array(SCANNERS[0].lamp)).max() <= 2
    assert np.abs(glass[1] - np.array(SCANNERS[1].lamp)).max() <= 3  # through the profile and back
    assert np.abs(glass[0] - glass[1]).max() > 8


@pytest.mark.parametrize("pen", list(PENS))
def test_ink_is_found_where_it_was_drawn(pen: str) -> None:
    plan = Plan(artefacts=Artefacts(pen))
    slide = make_slide(np.random.default_rng(2), SCANNERS[0], plan)
    overview = np.asarray(Image.fromarray(srgb(slide)).resize((128, 128), Image.Resampling.BOX))

    assert examined(overview, 8.0).pen.mean() > 0.03


def test_folded_and_blurred_places_are_known() -> None:
    slide = one(artefacts=Artefacts("", fold=True, blur=True))

    assert slide.folds is not None
    assert slide.blurred is not None
    assert slide.folds.any()
    assert slide.blurred.mean() == pytest.approx(1 / 16)


def test_immunohistochemistry_is_brown_where_eosin_is_pink() -> None:
    plan = Plan(shown=2.0, side_px=SMALL, kind=Kind.IHC)
    brown = make_slide(np.random.default_rng(1), SCANNERS[0], plan)
    pink = one(2.0)

    blue_less_red = [np.diff(srgb(slide)[in_nests(slide)].mean(axis=0)[[0, 2]])[0] for slide in (brown, pink)]
    assert blue_less_red[0] < blue_less_red[1] - 20


def test_a_lymph_node_and_empty_glass_have_no_nest() -> None:
    for kind in (Kind.LYMPH_NODE, Kind.BLANK):
        slide = make_slide(np.random.default_rng(1), SCANNERS[0], Plan(side_px=SMALL, kind=kind))
        assert slide.nests == ()
        assert (slide.pixels.mean() > 235) == (kind is Kind.BLANK)
