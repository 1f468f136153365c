"""A bundle that measures images on a site's cohort with images: measured as in use, scored, judged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.model_factory.adapters.breast_studies import StudyMeasuring
from services.model_factory.adapters.study_pool import measure_all
from services.model_factory.formats.imaged_cohort import read_imaged_cohort
from services.model_factory.handlers.cohort.imaged import ImagedCohort
from services.model_factory.handlers.cohorts import FlowStep
from services.model_factory.handlers.imaged.families import DL_PROB, RAD_SCORE, answerable, levels_of
from services.model_factory.handlers.imaged.measured import HowMeasured, MeasuredStudy
from services.model_factory.handlers.validate_bundle import Scored, ValidationResult, measured
from services.model_factory.ports import Progress
from shared.bundles.catalog import Catalog, Installed
from shared.bundles.imaging import contract_of
from shared.bundles.runtimes.opening import open_network
from shared.bundles.runtimes.port import RuntimeChoice
from shared.domain.errors import InvalidInputError
from shared.predictors.imaging import ImagingContract
from shared.predictors.ln_pcr.clinical import features
from shared.radiomics.engine import required_engine


@dataclass(frozen=True, slots=True, eq=False)
class ScoredCohort:
    """The patients a bundle answers for, with its probabilities."""

    cohort: ImagedCohort
    probability: NDArray[np.float64]


def score_images(
    bundle: str, manifest: Path, catalog: Catalog, folder: Path, progress: Progress, processes: int = 2
) -> ScoredCohort:
    """Return what the logistic model of ``bundle`` says of every patient of ``manifest`` who can be measured.

    ``folder`` keeps what was measured.

    Raises:
        InvalidInputError: If the cohort does not fit, or nobody is left.
        NotFoundError: If no such bundle, or no radiomics, is installed.
    """
    installed = catalog.find(bundle)
    model = catalog.open(bundle, installed.reference.digest)
    cohort = answerable(read_imaged_cohort(manifest))
    if cohort.event != model.outcome.positive_class:
        raise InvalidInputError("cohort", f"records {cohort.event}, not {model.outcome.positive_class}")
    places, columns = _columns(installed, cohort, folder, progress, processes)
    if not len(places):
        raise InvalidInputError("cohort", "the images of nobody can be measured")
    scores = []
    for place, own in zip(places, columns, strict=True):
        scores.append(model.score({**features(levels_of(cohort, int(place))), **own}))
    gone = cohort.n - len(places)
    left = replace(cohort.flow[-1], label="images cannot be measured", excluded=gone, remaining=len(places),
                   events=int(cohort.events[places].sum()))  # fmt: skip
    return ScoredCohort(cohort.only(places, left) if gone else cohort, np.array(scores))


def validate_images(
    bundle: str, manifest: Path, catalog: Catalog, folder: Path, progress: Progress, processes: int = 2
) -> ValidationResult:
    """Measure a bundle on a cohort with images.

    Raises:
        InvalidInputError: As ``score_images``, or if too few patients are left to measure anything.
    """
    scored = score_images(bundle, manifest, catalog, folder, progress, processes)
    cohort, installed = scored.cohort, catalog.find(bundle)
    flow = tuple(FlowStep(box.label, box.excluded, box.remaining) for box in cohort.flow)
    said = Scored(cohort.name, cohort.description, cohort.event, "patient", cohort.events, scored.probability, flow)
    return measured(installed.reference, installed.manifest.thresholds, said)


def _columns(
    installed: Installed, cohort: ImagedCohort, folder: Path, progress: Progress, processes: int
) -> tuple[NDArray[np.intp], list[dict[str, float]]]:
    """Return who can be measured, and the image scores of each; everybody and none for a clinical bundle."""
    part = installed.manifest.imaging
    if part is None or part.rad_score is None:
        return np.arange(cohort.n, dtype=np.intp), [{} for _ in range(cohort.n)]
    contract = contract_of(part)
    measuring = _measuring(contract, part.rad_score.settings_sha256, folder)
    studies = tuple(replace(one, second_mask=None) for one in cohort.studies)
    with progress.stage("images measured", cohort.n) as step:
        found = measure_all(measuring, studies, processes, step)
    kept = [(place, one) for place, one in enumerate(found) if isinstance(one, MeasuredStudy)]
    score, names = contract.rad_score, measuring.how.names
    columns = [{RAD_SCORE: score.of(dict(zip(names, one.features, strict=True)))} for _, one in kept if score]
    if part.network is not None and kept:
        runtime = open_network((installed.folder / part.network.graph).read_bytes(), RuntimeChoice())
        for column, (_, one) in zip(columns, kept, strict=True):
            column[DL_PROB] = float(runtime.run(one.crop[None])[0][0])
    return np.array([place for place, _ in kept], dtype=np.intp), columns


def _measuring(contract: ImagingContract, settings_sha256: str, folder: Path) -> StudyMeasuring:
    score, network = contract.rad_score, contract.network
    if score is None:  # pragma: no cover - the caller has looked
        raise AssertionError
    how = HowMeasured(
        tuple(one.feature for one in score.terms), score.settings, settings_sha256, required_engine().version
    )
    shape, margin = (network.input_shape, network.margin) if network else ((1, 8, 8, 8), 0.0)
    return StudyMeasuring(how, shape, margin, folder)
