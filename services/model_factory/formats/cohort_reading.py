"""Read a cohort by its manifest; what does not fit is refused with row and column."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from services.model_factory.formats.cohort_lines import (
    PatientLine,
    flow_of,
    lines_of,
    typed_column,
    values_of,
    years_of,
)
from services.model_factory.formats.cohort_manifest import OutcomePart, read_manifest
from services.model_factory.handlers.cohort.typed import CENSORED, COMPETING, EVENT, Source, TypedCohort
from shared.domain.errors import InvalidInputError


def read_cohort(manifest_path: Path) -> TypedCohort:
    """Read the cohort ``manifest_path`` describes.

    Raises:
        InvalidInputError: If anything does not fit; names file, row and column, never a value of a patient.
    """
    manifest, content = read_manifest(manifest_path)
    outcome = manifest.outcome
    candidates = [part.header or part.name for part in manifest.column]
    needed = [outcome.time, outcome.status, *candidates, *(part.column for part in manifest.exclude)]
    lines, sources = lines_of(manifest_path.parent, manifest.table, manifest.patient, needed)
    kept, flow = flow_of(lines, manifest.exclude, outcome.status, outcome.event)
    if not kept:
        raise InvalidInputError(manifest_path.name, "no patient is left after the exclusions")
    measured, categorical = values_of(kept, manifest.column)
    return TypedCohort(
        name=manifest.name,
        description=manifest.description,
        simulated=manifest.simulated,
        event=outcome.code,
        event_display=outcome.display,
        competing_display=outcome.competing_display if outcome.competing else "",
        patients=tuple(line.cells[manifest.patient] for line in kept),
        columns=tuple(typed_column(part) for part in manifest.column),
        measured=measured,
        categorical=categorical,
        years=np.array([years_of(line, outcome.time, outcome.unit) for line in kept]),
        outcome=np.array([_status(line, outcome) for line in kept]),
        flow=flow,
        sources=(Source(manifest_path.name, hashlib.sha256(content).hexdigest()), *sources),
    )


def _status(line: PatientLine, outcome: OutcomePart) -> int:
    cell = line.cells[outcome.status]
    for code, texts in ((EVENT, outcome.event), (CENSORED, outcome.censored), (COMPETING, outcome.competing)):
        if cell in texts:
            return code
    raise InvalidInputError(line.place(outcome.status), "tells neither the event nor the end of follow-up")
