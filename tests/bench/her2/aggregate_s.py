"""``aggregate_s``: an answer worked out again after a region was left out, of 4,000 stored patches and of both grids.

From the claim to the answer: stored tables read and compared with their digests, aggregation, interval, gradient,
artefacts, and the probability; the network is not loaded. The goal stands where a peer would: 1 second.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from services.inference.adapters.slide_artefacts import SlideArtefacts
from services.inference.adapters.slides import PinnedSlides
from services.inference.handlers.answer_slides import AnswerSlides
from services.inference.ports import Measured as Read
from shared.bundles.catalog import Catalog
from shared.domain.case import Claim, Pins
from shared.domain.images import Artefact
from shared.domain.prediction import Prediction
from shared.domain.slides import Cropping, Exclusion, Point, SlidePolicy
from shared.pathology.patch_table import PatchTable
from shared.predictors.her2.predictor import Her2
from shared.storage.blobs import LocalBlobs
from shared.testing.cases import START
from shared.testing.slides import a_table, measured, slide_pins
from tests.bench.her2.whole_slide import CASE, Opened
from tests.bench.ln_pcr.options import Measured, Options, seconds
from tests.bench.rows import Row
from tests.slide_bundle import BUNDLE, KEYS, slide_bundle

GOAL_S = 1.0
SIDE = 64
"""Patches across: 4,096, as many as Eq. 1 of the paper gives."""


def measure(options: Options) -> Measured:
    """Return one row."""
    blobs = LocalBlobs(options.folder / "blobs")
    model = Catalog.load([slide_bundle(options.folder)[0]], KEYS).open(BUNDLE)
    store = SlideArtefacts(blobs)
    handler = AnswerSlides(Opened(model), _nowhere(options.folder), store, nullcontext, lambda: None)
    glass = measured(*(_table(cropping) for cropping in Cropping))
    kept = store.put(CASE, Read(glass, np.full((64, 64, 3), 255, dtype=np.uint8)))
    claim = Claim(CASE, 1, 60.0, "her2", _pins(model.reference.digest, kept))
    answers: list[object] = []
    taken = min(seconds(lambda: answers.append(handler(claim, Her2()))) for _ in range(options.repeats))
    first = answers[0]
    same = isinstance(first, Prediction) and all(one == first for one in answers)
    row = Row("aggregate_s", taken, GOAL_S, "goal", "s")
    return Measured((row,), (f"aggregate_s: {SIDE * SIDE} patches on each of two grids, 1,000 resamples",), same)


def _pins(digest: str, kept: tuple[Artefact, ...]) -> Pins:
    pins = slide_pins()
    assert pins.slide is not None
    corners = ((0, 0), (3000, 0), (3000, 9000), (0, 9000))
    region = Exclusion(tuple(Point(x, y) for x, y in corners), "bench", "left out", START)
    slide = replace(pins.slide, policy=SlidePolicy(sensitivity=True), exclusions=(region,), patches=kept)
    return replace(pins, bundle_digest=digest, slide=slide)


def _table(cropping: Cropping) -> PatchTable:
    """Return a tumour in the middle whose probability comes in clumps."""
    noise = gaussian_filter(np.random.default_rng(1).standard_normal((SIDE, SIDE)), 3.0)
    y, x = np.indices((SIDE, SIDE)) - SIDE / 2
    tumour = np.hypot(x, y) < 0.45 * SIDE
    return a_table(np.clip(0.55 + 0.15 * noise / noise.std(), 0.01, 0.99), tumour=tumour, cropping=cropping)


def _nowhere(folder: Path) -> PinnedSlides:
    return PinnedSlides((), LocalBlobs(folder / "blobs"), folder / "reading")
