"""The demonstration bundle of her2: simulated slides, trained and sealed by the factory itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.model_factory.app.imaged_demonstration import LABEL, Reached
from services.model_factory.app.slide_bundles import bundle_of_slides
from services.model_factory.app.slides import SlideOptions, train_slides
from services.model_factory.app.slides_validation import score_slides
from services.model_factory.formats.run_file import read_results
from services.model_factory.handlers.comparators.fitting import MilRecipe
from services.model_factory.handlers.networks.swin.recipe import demonstration
from services.model_factory.handlers.slides.order import SlidesOrder
from services.model_factory.handlers.slides.results import SlidesResults
from services.model_factory.handlers.statistics.discrimination import auc
from services.model_factory.ports import Progress
from shared.bundles.catalog import Catalog
from shared.bundles.keys import load_keys
from shared.domain.errors import InvalidInputError
from shared.phantoms.slides.bayes import bayes_limits
from shared.phantoms.slides.cohort import draw_slides
from shared.phantoms.slides.manifest import MANIFEST_FILE
from shared.phantoms.slides.writing import write_slides

SLIDES, SEED, FRESH_SEED = 240, 1, 2
ORDER = SlidesOrder(
    "corrected", seed=2, folds=2, single=True, resamples=500, both_croppings=4,
    comparators=("tl_clam", "tl_slidegraph"), mil=MilRecipe(epochs=20, graph_epochs=100),
)  # fmt: skip
NETWORK = replace(demonstration("corrected"), inner_share=0.15)
"""A quarter of the width; patches of 64 pixels, heat of 2 x 2 cells."""
OPTIONS = SlideOptions(network="reduced", recipe=NETWORK, side_um=64.0, most_per_slide=80)


def build_demonstration_her2(
    out: Path, key: Ed25519PrivateKey, progress: Progress, slides: int = SLIDES, options: SlideOptions = OPTIONS,
    order: SlidesOrder = ORDER, side_px: int | None = None,
) -> Path:  # fmt: skip
    """Simulate, train under ``corrected`` and seal, all below ``out``; return the bundle's folder.

    An interrupted one is gone on with.

    Raises:
        ConflictError: If ``out`` holds another run.
    """
    manifest = simulated(out / "cohort", slides, SEED, progress, side_px)
    run = out / "run"
    train_slides(manifest, order, run, progress, options, resume=True)
    results = read_results(run)
    if not isinstance(results, SlidesResults):  # pragma: no cover - it was written above
        raise InvalidInputError("run", "was not trained from slides")
    return bundle_of_slides(run, results, out, key, LABEL)


def simulated(folder: Path, slides: int, seed: int, progress: Progress, side_px: int | None = None) -> Path:
    """Write a simulated cohort where there is none yet; return its manifest, which is written last."""
    manifest = folder / MANIFEST_FILE
    if not manifest.exists():
        folder.mkdir(parents=True, exist_ok=True)
        size = {} if side_px is None else {"side_px": side_px}
        with progress.stage("slides simulated", slides) as step:
            write_slides(draw_slides(slides, seed), folder, one_done=step, **size)
    return manifest


def reached_her2(out: Path, slides: int, progress: Progress, side_px: int | None = None) -> Reached:
    """Score ``slides`` fresh simulated slides with the bundle in ``out``; one a patient counts as she comes.

    Raises:
        InvalidInputError: If the bundle is refused.
    """
    manifest = simulated(out / "fresh", slides, FRESH_SEED, progress, side_px)
    catalog = Catalog.load([out], load_keys([out]))
    (one,) = catalog.installed
    scored = score_slides(one.reference.bundle_id, manifest, catalog, out / "fresh-patches", progress)
    event = scored.cohort.events
    return Reached(
        one.reference.bundle_id, len(event), auc(event, np.asarray(scored.scores)), bayes_limits().her2.value
    )
