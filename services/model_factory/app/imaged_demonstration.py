"""The demonstration bundles of ln_pcr: simulated women with images, trained and sealed by the factory itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.model_factory.app.imaged import ImageOptions, train_images
from services.model_factory.app.imaged_bundles import bundles_of_run
from services.model_factory.app.imaged_validation import score_images
from services.model_factory.formats.run_file import read_results
from services.model_factory.handlers.imaged.order import ImagedOrder
from services.model_factory.handlers.imaged.results import ImagedResults
from services.model_factory.handlers.networks.resnet3d.architecture import Architecture
from services.model_factory.handlers.networks.resnet3d.recipe import demonstration
from services.model_factory.handlers.statistics.discrimination import auc
from services.model_factory.handlers.statistics.estimates import Estimate
from services.model_factory.handlers.training.bundle_draft import Label
from services.model_factory.ports import Progress
from shared.bundles.catalog import Catalog
from shared.bundles.keys import load_keys
from shared.domain.errors import InvalidInputError
from shared.phantoms.dce.bayes import bayes_auc
from shared.phantoms.dce.cohort import draw_cohort
from shared.phantoms.dce.manifest import MANIFEST_FILE
from shared.phantoms.dce.writing import write_cohort

LABEL = Label("demonstration")
PATIENTS, SEED, FRESH_SEED = 480, 1, 2
PHASES = 2
"""Of each dynamic series: before contrast, and the measured one. The regions are drawn, so no other phase is read."""
ORDER = ImagedOrder("corrected", seed=SEED, folds=3, split_folds=0, resamples=500)
NETWORK = replace(
    demonstration("corrected"),
    architecture=Architecture(width=8, stem_stride=2, heat_layer="layer2"),
    arithmetic="float32",
    learning_rate=3e-3,
    epochs=12,
    patience=12,
)
"""An eighth of the width; its heat is that of layer2, 8 x 8 x 8 cells: the last map has 2 x 2 x 2 (methods P0-16)."""
OPTIONS = ImageOptions(recipe=NETWORK, second_masks=30)


@dataclass(frozen=True, slots=True)
class Reached:
    """How much of what can be known a bundle knows, on simulated women nothing was learned from."""

    bundle: str
    n: int
    auc: Estimate
    bayes: float

    @property
    def share(self) -> float:
        """Return (AUC - .5) / (Bayes AUC - .5)."""
        return (self.auc.value - 0.5) / (self.bayes - 0.5)

    def sentence(self) -> str:
        """Return it as a person reads it."""
        low, high = self.auc.interval
        return (
            f"{self.bundle}: AUC {self.auc.value:.3f} ({low:.3f} to {high:.3f}) of {self.n}; {self.share:.3f} of what "
            f"can be known (Bayes AUC {self.bayes:.3f})"
        )


def build_demonstration_ln_pcr(
    out: Path, key: Ed25519PrivateKey, progress: Progress, patients: int = PATIENTS, options: ImageOptions = OPTIONS,
    order: ImagedOrder = ORDER,
) -> tuple[Path, ...]:  # fmt: skip
    """Simulate, train under ``corrected`` and seal, all below ``out``; return the bundles' folders.

    An interrupted one is gone on with.

    Raises:
        ConflictError: If ``out`` holds another run.
    """
    manifest = simulated(out / "cohort", patients, SEED, progress)
    run = out / "run"
    train_images(manifest, order, run, progress, options, resume=True)
    results = read_results(run)
    if not isinstance(results, ImagedResults):  # pragma: no cover - it was written above
        raise InvalidInputError("run", "was not trained from images")
    return bundles_of_run(run, results, out, key, LABEL)


def simulated(folder: Path, patients: int, seed: int, progress: Progress) -> Path:
    """Write a simulated cohort where there is none yet; return its manifest, which is written last."""
    manifest = folder / MANIFEST_FILE
    if not manifest.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with progress.stage("women simulated", patients) as step:
            write_cohort(draw_cohort(patients, seed), folder, phases=PHASES, one_done=step)
    return manifest


def reached(out: Path, patients: int, progress: Progress) -> tuple[Reached, ...]:
    """Score ``patients`` fresh simulated women with the bundles in ``out``.

    Raises:
        InvalidInputError: If a bundle is refused.
    """
    manifest = simulated(out / "fresh", patients, FRESH_SEED, progress)
    catalog = Catalog.load([out], load_keys([out]))
    best = bayes_auc().clinic_and_image.value
    found = []
    for one in catalog.installed:
        scored = score_images(one.reference.bundle_id, manifest, catalog, out / "fresh-measurements", progress)
        event = scored.cohort.events
        found.append(Reached(one.reference.bundle_id, len(event), auc(event, scored.probability), best))
    return tuple(found)
