"""Every patient's features under every alteration, by several processes."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context

from services.model_factory.adapters.study_pool import alone
from services.model_factory.adapters.study_reading import read_study
from services.model_factory.handlers.cohort.imaged import StudyFiles
from services.model_factory.handlers.stability.measuring import AlteredFeatures, altered_features
from services.model_factory.ports import Steps
from shared.imaging.dynamic import ImageTrouble
from shared.imaging.region import BreastImages
from shared.imaging.volume import Mask
from shared.predictors.imaging import RadiomicsSettings
from shared.radiomics.engine import required_engine


@dataclass(frozen=True, slots=True)
class AlteredStudies:
    """How each study is measured again and again."""

    settings: RadiomicsSettings
    features: tuple[str, ...]

    def __call__(self, files: StudyFiles) -> tuple[AlteredFeatures, ...] | str:
        """Return one patient's features; a text says why the images cannot be measured.

        Raises:
            InvalidInputError: If a file cannot be read.
            NotFoundError: If radiomics is not installed.
        """
        images = read_study(files)
        if isinstance(images, ImageTrouble):
            return images.problem.value
        images, automatic = _with_found(images, files)
        return altered_features(images, required_engine(), self.settings, self.features, automatic)


def _with_found(images: BreastImages, files: StudyFiles) -> tuple[BreastImages, Mask | None]:
    """Return the images with their late phase, which is only read to find a region, and the region found."""
    if files.mask is None:
        return images, None
    found = read_study(StudyFiles(files.study, None, None))
    if isinstance(found, ImageTrouble) or not found.early.grid.same_place(images.early.grid):
        return images, None
    return replace(images, late=found.late), found.region.mask


def altered_studies(
    measuring: AlteredStudies, studies: tuple[StudyFiles, ...], processes: int, steps: Steps
) -> list[tuple[AlteredFeatures, ...] | str]:
    """Return every study's features under every alteration, in order.

    Raises:
        InvalidInputError: If a file cannot be read.
    """
    with ProcessPoolExecutor(processes, get_context("spawn"), alone) as pool:
        asked = [pool.submit(measuring, one) for one in studies]
        for done in as_completed(asked):
            done.result()
            steps()
    return [one.result() for one in asked]
