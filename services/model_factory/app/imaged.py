"""Training from images put together: a manifest of a cohort with images in, a run folder out."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.model_factory.adapters.breast_studies import StudyMeasuring
from services.model_factory.adapters.networks import TorchTrainer, recipe_told
from services.model_factory.adapters.run_folder import FolderStates, open_run, write_whole
from services.model_factory.adapters.study_pool import measure_all
from services.model_factory.app.training import software
from services.model_factory.formats.forest_graph import asked, forest_graph
from services.model_factory.formats.imaged_cohort import read_imaged_cohort
from services.model_factory.formats.run_file import RESULTS_NAME, to_bytes
from services.model_factory.handlers.cohort.facts import FlowBox
from services.model_factory.handlers.cohort.imaged import ImagedCohort
from services.model_factory.handlers.imaged.families import answerable
from services.model_factory.handlers.imaged.measured import HowMeasured, MeasuredImages, MeasuredStudy, together
from services.model_factory.handlers.imaged.order import ImagedOrder
from services.model_factory.handlers.imaged.results import ImagedResults
from services.model_factory.handlers.imaged.run import ImagedRun
from services.model_factory.handlers.networks.resnet3d.recipe import NETWORK_RECIPES, NetworkRecipe, demonstration
from services.model_factory.ports import Progress
from shared.domain.errors import InvalidInputError
from shared.predictors.imaging import RadiomicsSettings
from shared.radiomics.engine import required_engine
from shared.radiomics.names import feature_names
from shared.radiomics.parameters import settings_sha256

MEASUREMENTS, GRAPHS, STATES = "measurements", "graphs", "networks"
PACKAGES = ("monai", "pyradiomics", "simpleitk", "skl2onnx", "torch")
CROP_SHAPE, CROP_MARGIN = (1, 64, 64, 64), 0.5
"""The margin is half of the longest side of the region's box, so that the tumour's surroundings are in view."""


@dataclass(frozen=True, slots=True)
class ImageOptions:
    """How images are measured and the network is trained; the defaults are a hospital's, on a GPU or with patience."""

    settings: RadiomicsSettings = field(default_factory=RadiomicsSettings)
    network: str = "full"
    """``full`` (46.16 M parameters), ``reduced`` (the demonstration's width) or ``none``."""
    recipe: NetworkRecipe | None = None
    """In place of the one ``network`` names."""
    epochs: int | None = None
    """None: the recipe's."""
    device: str = "cpu"
    processes: int = 2
    second_masks: int | None = None
    """Second masks are measured of so many patients at most, the first of the sheet; None: of all."""
    measurements: Path | None = None
    """Where what was measured is kept, for several runs on the same images; None: in the run's folder."""


def train_images(
    manifest: Path, order: ImagedOrder, out: Path, progress: Progress, options: ImageOptions, *, resume: bool = False
) -> ImagedResults:
    """Train ``ln_pcr`` on the cohort of ``manifest`` and write the run into ``out``; return its results.

    Raises:
        InvalidInputError: If the cohort, a file or a size is not what it must be; names the place.
        ConflictError: If ``out`` holds another run, or one that was not to be resumed.
        NotFoundError: If radiomics is not installed.
    """
    cohort = answerable(read_imaged_cohort(manifest))
    how, recipe = _how(options.settings), _recipe(order, options)
    told = {
        "radiomics": [how.engine, how.settings_sha256], "crop": [list(CROP_SHAPE), CROP_MARGIN],
        "second_masks": options.second_masks, "network": recipe_told(recipe) if recipe else {},
    }  # fmt: skip
    provenance = order.provenance(cohort.sources, _software(), told)
    kept = open_run(out, provenance.inputs_digest, resume=resume)
    cohort, measured = _measured(cohort, how, options.measurements or out / MEASUREMENTS, options, progress)
    trainer = TorchTrainer(recipe, CROP_MARGIN, FolderStates(out / STATES)) if recipe else None
    graphs = FolderGraphs(out / GRAPHS)
    run = ImagedRun(cohort, measured, order, provenance, trainer, make_forest, kept, graphs, progress)
    results = run()
    write_whole(out / RESULTS_NAME, to_bytes(results))
    return results


def _how(settings: RadiomicsSettings) -> HowMeasured:
    engine = required_engine().version
    return HowMeasured(feature_names(settings.preset), settings, settings_sha256(settings), engine)


def _measured(
    cohort: ImagedCohort, how: HowMeasured, folder: Path, options: ImageOptions, progress: Progress
) -> tuple[ImagedCohort, MeasuredImages]:
    """Measure everybody; who cannot be measured leaves, with the reason as a box of the flow diagram."""
    most = options.second_masks
    studies = tuple(
        one if most is None or place < most else replace(one, second_mask=None)
        for place, one in enumerate(cohort.studies)
    )
    measuring = StudyMeasuring(how, CROP_SHAPE, CROP_MARGIN, folder)
    with progress.stage("images measured", cohort.n) as step:
        found = measure_all(measuring, studies, options.processes, step)
    for reason in sorted({one for one in found if isinstance(one, str)}):
        kept = [place for place, one in enumerate(found) if one != reason]
        places: NDArray[np.intp] = np.array(kept, dtype=np.intp)
        events = int(cohort.events[places].sum())
        text = f"images cannot be measured: {reason.replace('_', ' ')}"
        cohort = cohort.only(places, FlowBox(text, cohort.n - len(kept), len(kept), events))
        found = [found[place] for place in kept]
    numbers = [one for one in found if isinstance(one, MeasuredStudy)]
    if not numbers:
        raise InvalidInputError("cohort", "the images of nobody can be measured")
    return cohort, together(numbers, how)


def _recipe(order: ImagedOrder, options: ImageOptions) -> NetworkRecipe | None:
    if options.network == "none":
        return None
    named = demonstration(order.preset) if options.network == "reduced" else NETWORK_RECIPES[order.preset]
    recipe = options.recipe or named
    recipe = replace(recipe, device="cuda" if options.device == "cuda" else "cpu")
    return recipe if options.epochs is None else replace(recipe, epochs=options.epochs)


def _software() -> tuple[tuple[str, str], ...]:
    try:
        return (*software(), *((name, importlib.metadata.version(name)) for name in PACKAGES))
    except importlib.metadata.PackageNotFoundError as error:
        raise InvalidInputError("installation", f"training from images needs {error.name}") from error


def make_forest(name: str, forest: Any, rows: NDArray[np.float64]) -> tuple[bytes, NDArray[np.float64]]:
    """Return a forest's graph and what ONNX Runtime makes of ``rows`` with it (``ForestGraph``)."""
    graph = forest_graph(name, forest, rows.shape[1])
    return graph, asked(graph, rows, np.float32)


@dataclass(frozen=True, slots=True)
class FolderGraphs:
    """Graphs of a run, one file each."""

    folder: Path

    def put(self, name: str, content: bytes) -> None:
        """Keep a file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.folder / name, content)
