"""A cohort of slides on disk is what the factory reads, and keeps its truth apart."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import openslide
import pytest
from PIL import Image, ImageDraw

from services.model_factory.formats.slide_cohort import content_sha256, read_slide_cohort
from shared.phantoms.slides.cohort import draw_slides, scan
from shared.phantoms.slides.outlines import numbered
from shared.phantoms.slides.writing import write_slides

N, SIDE = 6, 512


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_slides(draw_slides(N, 2), tmp_path_factory.mktemp("cohort"), side_px=SIDE).parent


def test_the_factory_reads_the_cohort_and_every_digest_holds(folder: Path) -> None:
    cohort = read_slide_cohort(folder / "manifest.toml")

    assert (cohort.n, cohort.simulated, cohort.event) == (N, True, "her2_positive")
    assert list(cohort.events) == list(draw_slides(N, 2).truth.positive)
    assert all(content_sha256(one.file) == one.sha256 for one in cohort.slides)
    assert {one.scanner for one in cohort.slides} <= {"SIMULATED Alpha", "SIMULATED Beta"}


def test_the_annotation_outlines_the_nests(folder: Path) -> None:
    slide = scan(draw_slides(N, 2), 0, SIDE)
    written = json.loads((folder / "annotations" / "simulated-00001.geojson").read_text())
    canvas = Image.new("L", (SIDE, SIDE))
    for feature in written["features"]:
        corners = feature["geometry"]["coordinates"][0]
        ImageDraw.Draw(canvas).polygon([tuple(corner) for corner in corners], fill=1)

    assert written["type"] == "FeatureCollection"
    assert feature["properties"]["classification"]["name"] == "Tumor"
    assert ((np.array(canvas) > 0) != (numbered(slide.nests, (SIDE, SIDE)) > 0)).mean() < 0.002


def test_every_slide_says_that_it_is_simulated(folder: Path) -> None:
    for path in (folder / "slides").iterdir():
        with openslide.OpenSlide(path) as one:
            assert "SIMULATED" in one.properties["tiff.ImageDescription"]
            assert one.properties["tiff.Make"] == "SIMULATED"
    assert "SIMULATED" in (folder / "manifest.toml").read_text()


def test_the_truth_lies_apart_and_is_not_named(folder: Path) -> None:
    with (folder / "truth.csv").open() as stream:
        truths = list(csv.DictReader(stream))

    assert len(truths) == N
    assert "truth.csv" not in (folder / "manifest.toml").read_text()
    assert "shown" not in (folder / "slides.csv").read_text()


def test_a_cohort_without_a_slide_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        draw_slides(0)
