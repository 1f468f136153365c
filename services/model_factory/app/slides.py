"""Training from slides put together: a manifest of a cohort of slides in, a run folder out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.model_factory.adapters.patch_networks import FolderScratch, SwinTrainer, patch_recipe_told
from services.model_factory.adapters.resnet_features import resnet50_features
from services.model_factory.adapters.run_folder import FolderStates, open_run, write_whole
from services.model_factory.adapters.slide_reading import KeptPatches, ReadingSettings, SlideReading
from services.model_factory.adapters.study_pool import alone
from services.model_factory.app.imaged import GRAPHS, STATES, FolderGraphs
from services.model_factory.app.training import software
from services.model_factory.formats.run_file import RESULTS_NAME, to_bytes
from services.model_factory.formats.slide_cohort import read_slide_cohort
from services.model_factory.handlers.cohort.facts import FlowBox
from services.model_factory.handlers.cohort.slides import SlideCohort, SlideFiles
from services.model_factory.handlers.networks.swin.cifar import LabelledPictures, read_cifar100
from services.model_factory.handlers.networks.swin.pretrained import FirstWeights
from services.model_factory.handlers.networks.swin.pretraining import EPOCHS as PRETRAINING_EPOCHS
from services.model_factory.handlers.networks.swin.pretraining import pretrained_on
from services.model_factory.handlers.networks.swin.recipe import PATCH_RECIPES, PatchRecipe, demonstration
from services.model_factory.handlers.patches.settings import CUT_SETTINGS, CutSettings
from services.model_factory.handlers.slides.comparing import Features
from services.model_factory.handlers.slides.order import COMPARATORS, RESNET50, SlidesOrder
from services.model_factory.handlers.slides.results import CutFacts, SlidesResults
from services.model_factory.handlers.slides.run import SlidesRun
from services.model_factory.ports import Progress
from shared.domain.errors import InvalidInputError
from shared.pathology.patch_contract import PatchContract
from shared.pathology.stain.fit import STANDARD

PATCHES, SCRATCH = "patches", "scratch"
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pictures: whoever begins from a checkpoint most likely has one of those."""
LEAST_TISSUE, VARIANCE = 0.3, 500.0
"""Share of a patch; paper 003's rule of background."""
SIDE_UM = 256.0
REDUCED_UM = 64.0
"""Of a patch of the reduced network, whose input is small."""


@dataclass(frozen=True, slots=True)
class SlideOptions:
    """How slides are cut and the network is trained; the defaults are a hospital's, on a GPU or with patience."""

    network: str = "full"
    """``full`` (Swin-T) or ``reduced`` (the demonstration's width)."""
    recipe: PatchRecipe | None = None
    """In place of the one ``network`` names."""
    epochs: int | None = None
    device: str = "cpu"
    side_um: float | None = None
    """Of a patch cut by micrometres; None: 256, or 64 of the reduced network."""
    learned: CutSettings | None = None
    """Which patches are learned from; None: the preset's, or those of ``side_um`` where that is another."""
    coarsest_um: float = 1.0
    most_per_slide: int | None = None
    """Patches of a kind to learn from; None: the preset's."""
    first: FirstWeights | None = None
    """To begin from; None: random weights, which every rendering says."""
    cifar100: Path | None = None
    """CIFAR-100 as its authors distribute it (``train.bin``, or the Python version's ``train``), to pre-train on."""
    pretraining_epochs: int = PRETRAINING_EPOCHS
    resnet50: Path | None = None
    """Weights for the features of the ``resnet50`` comparators; None: random ones, which every rendering says."""
    resnet50_sha256: str = ""
    processes: int = 2
    patches: Path | None = None
    """Where what was read is kept, for several runs on the same slides; None: in the run's folder."""


def train_slides(
    manifest: Path, order: SlidesOrder, out: Path, progress: Progress, options: SlideOptions, *, resume: bool = False,
    clock: Callable[[], float] = time.perf_counter,
) -> SlidesResults:  # fmt: skip
    """Train ``her2`` on the cohort of ``manifest`` and write the run into ``out``; return its results.

    Raises:
        InvalidInputError: If the cohort, a file or a size is not what it must be; names the place.
        ConflictError: If ``out`` holds another run, or one that was not to be resumed.
    """
    cohort, recipe, pictures = read_slide_cohort(manifest), recipe_of(order, options), _pictures(options)
    settings = settings_of(recipe, options)
    told = {
        "cut": asdict(settings), "network": patch_recipe_told(recipe, options.first),
        "resnet50": options.resnet50_sha256, "annotations": [one.annotation_sha256 for one in cohort.slides],
        "cifar100": (pictures.sha256, options.pretraining_epochs) if pictures else "",
    }  # fmt: skip
    provenance = order.provenance(cohort.sources, software(), told)
    kept = open_run(out, provenance.inputs_digest, resume=resume)
    twice = frozenset(one.sha256 for one in cohort.slides[: order.both_croppings])
    reading = SlideReading(settings, options.patches or out / PATCHES, order.cropping, twice)
    cohort = read_all(cohort, reading, options.processes, progress)
    states, first = FolderStates(out / STATES), options.first
    if pictures is not None:
        seed = order.number("pre-training")
        first = pretrained_on(pictures, recipe, seed, progress, states, options.pretraining_epochs)
    trainer = SwinTrainer(recipe, settings.contract, first, states, progress)
    run = SlidesRun(
        cohort, KeptPatches(reading, cohort.slides), cut_facts(settings), order, provenance, trainer,
        FolderScratch(out / SCRATCH), _fixed(order, options), kept, FolderGraphs(out / GRAPHS), progress, clock,
    )  # fmt: skip
    results = run()
    write_whole(out / RESULTS_NAME, to_bytes(results))
    return results


def _pictures(options: SlideOptions) -> LabelledPictures | None:
    if options.cifar100 is None:
        return None
    if options.first is not None:
        raise InvalidInputError("cifar100", "either pre-trained weights or pictures to pre-train on, not both")
    return read_cifar100(options.cifar100.read_bytes())


def read_all(cohort: SlideCohort, reading: SlideReading, processes: int, progress: Progress) -> SlideCohort:
    """Read every slide; return the cohort without those that cannot be used, each reason a box of the flow.

    Raises:
        InvalidInputError: If none is left, or a file is not what the sheet says.
    """
    reading.folder.mkdir(parents=True, exist_ok=True)
    with progress.stage("slides read", cohort.n) as step:
        found = []
        if processes > 1:
            with ProcessPoolExecutor(processes, get_context("spawn"), alone) as pool:
                for one in pool.map(_read, [reading] * cohort.n, cohort.slides):
                    found.append(one)
                    step()
        else:
            for files in cohort.slides:
                found.append(reading(files))
                step()
    for reason in sorted({one for one in found if one}):
        kept = [place for place, one in enumerate(found) if one != reason]
        places: NDArray[np.intp] = np.array(kept, dtype=np.intp)
        text = f"slides cannot be used: {reason.replace('_', ' ')}"
        box = FlowBox(text, cohort.n - len(kept), len(kept), int(cohort.events[places].sum()))
        cohort = cohort.only(places, box)
        found = [found[place] for place in kept]
    if not cohort.n:
        raise InvalidInputError("cohort", "no slide of it can be used")
    return cohort


def _read(reading: SlideReading, files: SlideFiles) -> str:
    return reading(files)


def recipe_of(order: SlidesOrder, options: SlideOptions) -> PatchRecipe:
    """Return how the network is trained."""
    named = demonstration(order.preset) if options.network == "reduced" else PATCH_RECIPES[order.preset]
    recipe = replace(options.recipe or named, device="cuda" if options.device == "cuda" else "cpu")
    return recipe if options.epochs is None else replace(recipe, epochs=options.epochs)


def settings_of(recipe: PatchRecipe, options: SlideOptions) -> ReadingSettings:
    """Return how slides are read."""
    reduced = options.network == "reduced" or options.recipe is not None
    side = options.side_um or (REDUCED_UM if reduced else SIDE_UM)
    learned = options.learned or CUT_SETTINGS[recipe.preset]
    if reduced and options.learned is None:
        learned = replace(learned, sides_px=(), sides_um=(side,))
    if options.most_per_slide is not None:
        learned = replace(learned, most_per_slide=options.most_per_slide)
    architecture = recipe.architecture
    contract = PatchContract(
        side, architecture.side, VARIANCE, LEAST_TISSUE, STANDARD, MEAN, DEVIATION, architecture.heat_cells,
        architecture.name,
    )  # fmt: skip
    return ReadingSettings(contract, options.coarsest_um, learned)


def cut_facts(settings: ReadingSettings) -> CutFacts:
    """Return the settings as results state them."""
    one = settings.contract
    learned = settings.learned or CutSettings(sides_um=(one.side_um,))
    return CutFacts(
        one.side_um, one.input_px, one.background_variance, one.least_tissue, one.stain.haematoxylin, one.stain.eosin,
        one.stain.strengths, one.mean, one.deviation, settings.coarsest_um, learned.sides_px, learned.sides_um,
        learned.inside, learned.outside, learned.most_per_slide,
    )  # fmt: skip


def _fixed(order: SlidesOrder, options: SlideOptions) -> Mapping[str, tuple[Features, str]]:
    if not any(COMPARATORS[one][0] == RESNET50 for one in order.comparators):
        return {}
    return {RESNET50: resnet50_features(options.resnet50, options.resnet50_sha256, order.number("resnet50"))}
