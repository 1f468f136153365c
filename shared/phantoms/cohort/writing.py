"""A simulated cohort as a hospital would hand it over: ``manifest.toml`` and its sheet ``patients.csv``."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator

from shared.phantoms.cohort.factors import FACTORS_TABLE, Factor
from shared.phantoms.cohort.measured import MEASURED, Measured
from shared.phantoms.cohort.simulate import SimulatedCohort

MANIFEST_FILE = "manifest.toml"
SHEET_FILE = "patients.csv"


def cohort_files(cohort: SimulatedCohort) -> dict[str, bytes]:
    """Return the files by name; the same cohort gives the same bytes."""
    return {MANIFEST_FILE: _manifest(cohort).encode(), SHEET_FILE: _sheet(cohort).encode()}


def _sheet(cohort: SimulatedCohort) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["patient", *(m.name for m in MEASURED), *(f.name for f in FACTORS_TABLE), "years", "outcome"])
    for row in range(cohort.n):
        measured = (_cell(one, float(cohort.measured[one.name][row])) for one in MEASURED)
        factors = (str(cohort.factors[one.name][row]) for one in FACTORS_TABLE)
        end = (f"{cohort.years[row]:.3f}", int(cohort.outcome[row]))
        writer.writerow([f"simulated-{row + 1:06d}", *measured, *factors, *end])
    return out.getvalue()


def _cell(one: Measured, value: float) -> str:
    if math.isnan(value) and one.limits:
        return f"<{one.limits[0]:g}"
    return f"{value:.{one.decimals}f}"


def _manifest(cohort: SimulatedCohort) -> str:
    return "\n".join([*_head(cohort), *_columns()]) + "\n"


def _head(cohort: SimulatedCohort) -> list[str]:
    text = (
        f"SIMULATED, no patients: {cohort.n} drawn with seed {cohort.seed} from the published marginals of a cytokine "
        f"study of lung metastasis (326 women), with a truth that is known. {cohort.follow_up.description}"
    )
    return [
        "schema_version = 1",
        f'name = "lung-metastasis-simulated-{cohort.follow_up.name}"',
        f"description = {json.dumps(text)}",
        "simulated = true",
        'patient = "patient"',
        "",
        "[[table]]",
        f'file = "{SHEET_FILE}"',
        "",
        "[outcome]",
        'code = "lung_metastasis"',
        'display = "Lung metastasis"',
        'time = "years"',
        'unit = "a"',
        'status = "outcome"',
        'event = ["1"]',
        'censored = ["0"]',
        'competing = ["2"]',
        'competing_display = "Death without lung metastasis"',
    ]


def _columns() -> Iterator[str]:
    for one in MEASURED:
        yield from _measured(one)
    for factor in FACTORS_TABLE:
        yield from _factor(factor)


def _measured(one: Measured) -> Iterator[str]:
    yield from ("", "[[column]]", f'name = "{one.name}"', f"display = {json.dumps(one.display)}")
    yield f'unit = "{one.unit}"'
    if one.limits:
        yield f"detection_limit = {one.limits[0]}"
        yield f"assay_high = {one.limits[1]}"


def _factor(one: Factor) -> Iterator[str]:
    yield from ("", "[[column]]", f'name = "{one.name}"', f"display = {json.dumps(one.display)}")
    yield f"levels = {json.dumps(list(one.levels))}"
    if "unknown" in one.levels:
        yield 'unknown = "unknown"'
