"""A her2 bundle on a site's cohort of slides: read and judged as in use, scored; and the shift of one scanner."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from numpy.typing import NDArray

from services.model_factory.adapters.slide_reading import KeptPatches, ReadingSettings, SlideReading
from services.model_factory.app.slides import read_all
from services.model_factory.formats.slide_cohort import read_slide_cohort
from services.model_factory.handlers.cohort.facts import FlowBox
from services.model_factory.handlers.cohort.slides import SlideCohort
from services.model_factory.handlers.cohorts import FlowStep
from services.model_factory.handlers.slides.patches import inputs_of
from services.model_factory.handlers.slides.scanner_shift import Shift, shift_of
from services.model_factory.handlers.slides.scoring import found_in
from services.model_factory.handlers.validate_bundle import Scored, ValidationResult, measured
from services.model_factory.ports import Progress
from shared.bundles.catalog import Catalog
from shared.bundles.slide_calibration import CalibrationRecord, write_calibration
from shared.domain.errors import InvalidInputError
from shared.predictors.her2.aggregation import Readings
from shared.predictors.her2.scale import SCORE
from shared.predictors.models import SlideModel
from shared.predictors.slides import SlideContract

_AT_ONCE = 32
_CERTAIN = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class ScoredSlides:
    """The slides a bundle has a score for."""

    cohort: SlideCohort
    scores: NDArray[np.float64]
    chances: NDArray[np.float64]
    scanners: tuple[str, ...]


def score_slides(
    bundle: str, manifest: Path, catalog: Catalog, folder: Path, progress: Progress, processes: int = 2
) -> ScoredSlides:
    """Return what ``bundle`` says of every slide of ``manifest`` that can be scored.

    Slides are cut and the paper is read as for the scores its curve was fitted on.
    ``folder`` keeps what was read. Annotations are not needed and not looked at.

    Raises:
        InvalidInputError: If the cohort does not fit, or no slide is left.
        NotFoundError: If no such bundle is installed.
    """
    judge = _judge(bundle, catalog)
    cohort = _without_marks(manifest, judge)
    reading = SlideReading(
        ReadingSettings(judge.part.patches, judge.part.coarsest_um, None), folder, judge.part.cropping
    )
    cohort = read_all(cohort, reading, processes, progress)
    patches = KeptPatches(reading, cohort.slides)
    with progress.stage("slides scored", cohort.n) as step:
        scores = np.array([_score(judge, patches, place, step) for place in range(cohort.n)])
    kept = np.flatnonzero(np.isfinite(scores))
    if not len(kept):
        raise InvalidInputError("cohort", "no slide of it can be scored: none has a tumour patch")
    scanners = tuple(patches.note(int(place)).scanner for place in kept)
    if len(kept) < cohort.n:
        box = FlowBox("no patch is tumour: no score", cohort.n - len(kept), len(kept), int(cohort.events[kept].sum()))
        cohort = cohort.only(kept, box)
    chances = np.array([judge.chance(float(score)) for score in scores[kept]])
    return ScoredSlides(cohort, scores[kept], chances, scanners)


@dataclass(frozen=True, slots=True)
class _Judge:
    """A her2 bundle that is open."""

    model: SlideModel
    part: SlideContract

    def chance(self, score: float) -> float:
        """Return the probability of the positive class; never 0 or 1, which calibration cannot measure."""
        return float(np.clip(self.model.score({SCORE: score}), _CERTAIN, 1 - _CERTAIN))


def _judge(bundle: str, catalog: Catalog) -> _Judge:
    model = catalog.open(bundle, catalog.find(bundle).reference.digest)
    if not isinstance(model, SlideModel) or model.slides is None:
        raise InvalidInputError("bundle", "judges no slides")
    return _Judge(model, model.slides)


def _without_marks(manifest: Path, judge: _Judge) -> SlideCohort:
    cohort = read_slide_cohort(manifest)
    if cohort.event != judge.model.outcome.positive_class:
        raise InvalidInputError("cohort", f"records {cohort.event}, not {judge.model.outcome.positive_class}")
    unmarked = tuple(replace(one, annotation=None, annotation_sha256="") for one in cohort.slides)
    return replace(cohort, slides=unmarked)


def _score(judge: _Judge, patches: KeptPatches, place: int, step: Callable[[], None]) -> float:
    """Return the score of one slide; NaN where it has no tumour patch."""
    pixels = patches.grid(place, judge.part.cropping).pixels
    said = [
        judge.model.look_at(inputs_of(pixels[start : start + _AT_ONCE], judge.part.patches)).probabilities
        for start in range(0, len(pixels), _AT_ONCE)
    ]
    step()
    found = found_in(np.concatenate(said), Readings(judge.part.area_reading, judge.part.rounding)) if said else None
    return math.nan if found is None else found.score


def validate_slides(
    bundle: str, manifest: Path, catalog: Catalog, folder: Path, progress: Progress, processes: int = 2
) -> ValidationResult:
    """Measure a her2 bundle on a cohort of slides.

    Raises:
        InvalidInputError: As ``score_slides``, or if too few slides are left to measure anything.
    """
    scored = score_slides(bundle, manifest, catalog, folder, progress, processes)
    cohort, installed = scored.cohort, catalog.find(bundle)
    flow = tuple(FlowStep(box.label, box.excluded, box.remaining) for box in cohort.flow)
    said = Scored(cohort.name, cohort.description, cohort.event, "slide", cohort.events, scored.chances, flow)
    return measured(installed.reference, installed.manifest.thresholds, said)


def calibrate_scanner(
    bundle: str, manifest: Path, who: tuple[str, str], out: Path, key: Ed25519PrivateKey, now: datetime,
    with_: tuple[Catalog, Path, Progress], site: str, processes: int = 2,
) -> tuple[Path, Shift]:  # fmt: skip
    """Measure the shift of one scanner on slides with known HER2 status, and write the signed record into ``out``.

    Args:
        bundle: Whose scores are shifted.
        manifest: Of the slides; those of other scanners are left out.
        who: Manufacturer and model, exactly as the files state them.
        out: Folder of records.
        key: Signs; one of those that may sign bundles.
        now: Stands in the record.
        with_: Bundles, a folder for what is read, who watches.
        site: Who measured.
        processes: That read slides.

    Raises:
        InvalidInputError: If too few slides of that scanner can be scored, or the shift cannot be found.
    """
    catalog, folder, progress = with_
    scored = score_slides(bundle, manifest, catalog, folder, progress, processes)
    name = " ".join(part for part in who if part)
    own = np.array([one == name for one in scored.scanners], dtype=np.bool_)
    installed = catalog.find(bundle)
    model = catalog.open(bundle, installed.reference.digest)
    try:
        found = shift_of(scored.scores[own], scored.cohort.events[own], lambda score: model.score({SCORE: score}))
    except ValueError as error:
        raise InvalidInputError("cohort", f"slides of {name or 'no scanner'}: {error}") from error
    reference = installed.reference
    stamp = f"{now:%Y%m%dT%H%M%SZ}"
    record = CalibrationRecord(
        record_id="".join(c if c.isalnum() else "-" for c in f"{name}-{stamp}")[:64],
        bundle_id=reference.bundle_id,
        bundle_digest=reference.digest,
        site=site,
        manufacturer=who[0],
        model=who[1],
        shift=found.shift,
        interval=found.interval,
        n=found.n,
        positives=found.positives,
        method=found.method,
        cohort_sha256=hashlib.sha256(manifest.read_bytes()).hexdigest(),
        made_time=now,
    )
    return write_calibration(out, record, key), found
