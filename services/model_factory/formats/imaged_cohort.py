"""Read a cohort with images by its manifest; the images themselves are not opened here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from services.model_factory.formats.cohort_lines import (
    PatientLine,
    file_below,
    flow_of,
    lines_of,
    typed_column,
    values_of,
    years_of,
)
from services.model_factory.formats.cohort_manifest import (
    BinaryOutcomePart,
    ImagesManifest,
    SurvivalPart,
    read_images_manifest,
)
from services.model_factory.handlers.cohort.imaged import FollowUp, ImagedCohort, StudyFiles
from services.model_factory.handlers.cohort.typed import Source
from shared.domain.errors import InvalidInputError


def read_imaged_cohort(manifest_path: Path) -> ImagedCohort:
    """Read the cohort ``manifest_path`` describes.

    Raises:
        InvalidInputError: If anything does not fit, or a file is not there or lies elsewhere; names file, row and
            column, never a value of a patient.
    """
    manifest, content = read_images_manifest(manifest_path)
    outcome = manifest.outcome
    lines, sources = lines_of(manifest_path.parent, manifest.table, manifest.patient, tuple(_needed(manifest)))
    kept, flow = flow_of(lines, manifest.exclude, outcome.status, outcome.event)
    if not kept:
        raise InvalidInputError(manifest_path.name, "no patient is left after the exclusions")
    measured, categorical = values_of(kept, manifest.column)
    return ImagedCohort(
        name=manifest.name,
        description=manifest.description,
        simulated=manifest.simulated,
        event=outcome.code,
        event_display=outcome.display,
        patients=tuple(line.cells[manifest.patient] for line in kept),
        columns=tuple(typed_column(part) for part in manifest.column),
        measured=measured,
        categorical=categorical,
        events=np.array([_happened(line, outcome) for line in kept], dtype=np.bool_),
        follow_up=_follow_up(kept, manifest.survival) if manifest.survival else None,
        studies=tuple(_files(line, manifest, manifest_path.parent) for line in kept),
        flow=flow,
        sources=(Source(manifest_path.name, hashlib.sha256(content).hexdigest()), *sources),
    )


def _needed(manifest: ImagesManifest) -> Iterator[str]:
    yield manifest.outcome.status
    yield from (part.header or part.name for part in manifest.column)
    yield from (part.column for part in manifest.exclude)
    images, survival = manifest.images, manifest.survival
    yield from (header for header in (images.study, images.mask, images.second_mask) if header)
    if survival:
        yield from (survival.time, survival.status)


def _happened(line: PatientLine, outcome: BinaryOutcomePart) -> bool:
    cell = line.cells[outcome.status]
    if cell not in (*outcome.event, *outcome.no_event):
        raise InvalidInputError(line.place(outcome.status), "tells neither that the event happened nor that it did not")
    return cell in outcome.event


def _follow_up(lines: list[PatientLine], survival: SurvivalPart) -> FollowUp:
    years = [years_of(line, survival.time, survival.unit) for line in lines]
    return FollowUp(np.array(years), np.array([_relapsed(line, survival) for line in lines], dtype=np.bool_))


def _relapsed(line: PatientLine, survival: SurvivalPart) -> bool:
    cell = line.cells[survival.status]
    if cell not in (*survival.event, *survival.censored):
        raise InvalidInputError(line.place(survival.status), "tells neither the event nor the end of follow-up")
    return cell in survival.event


def _files(line: PatientLine, manifest: ImagesManifest, folder: Path) -> StudyFiles:
    images = manifest.images
    study = file_below(line, images.study, folder)
    if study is None:
        raise InvalidInputError(line.place(images.study), "names no study")
    return StudyFiles(study, file_below(line, images.mask, folder), file_below(line, images.second_mask, folder))
