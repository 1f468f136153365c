"""From ``manifest.toml`` and its sheets to a typed cohort; what does not fit is refused with row and column."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.model_factory.formats.cohort_manifest import (
    CohortManifest,
    ColumnPart,
    ExcludePart,
    OutcomePart,
    read_manifest,
)
from services.model_factory.formats.sheets import Sheet, SheetRow, read_sheet
from services.model_factory.handlers.cohort.typed import (
    CENSORED,
    COMPETING,
    EVENT,
    Categorical,
    Column,
    Measured,
    Source,
    TypedCohort,
)
from services.model_factory.handlers.training.results import FlowBox
from shared.domain.errors import InvalidInputError

PER_YEAR: Mapping[str, float] = {"a": 1.0, "mo": 12.0, "wk": 365.25 / 7.0, "d": 365.25}
"""UCUM: a is 365.25 d, mo is a twelfth of it."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One patient's cells from all sheets, and where each came from."""

    cells: Mapping[str, str]
    places: Mapping[str, str]
    """By header: ``file row N``."""

    def place(self, header: str) -> str:
        return f"{self.places[header]}, column {header}"


def read_cohort(manifest_path: Path) -> TypedCohort:
    """Read the cohort ``manifest_path`` describes.

    Raises:
        InvalidInputError: If anything does not fit; names file, row and column, never a value of a patient.
    """
    manifest, content = read_manifest(manifest_path)
    sheets = [_opened(manifest_path.parent, part.file, part.sheet, part.sha256) for part in manifest.table]
    lines = _joined(manifest, sheets)
    outcome = manifest.outcome
    kept, flow = _flow(lines, manifest.exclude, outcome)
    if not kept:
        raise InvalidInputError(manifest_path.name, "no patient is left after the exclusions")
    measured = [part for part in manifest.column if part.unit]
    categorical = [part for part in manifest.column if part.levels]
    return TypedCohort(
        name=manifest.name,
        description=manifest.description,
        simulated=manifest.simulated,
        event=outcome.code,
        event_display=outcome.display,
        competing_display=outcome.competing_display if outcome.competing else "",
        patients=tuple(line.cells[manifest.patient] for line in kept),
        columns=tuple(_column(part) for part in manifest.column),
        measured={part.name: np.array([_number(line, part) for line in kept]) for part in measured},
        categorical={part.name: np.array([_level(line, part) for line in kept]) for part in categorical},
        years=np.array([_years(line, outcome) for line in kept]),
        outcome=np.array([_status(line, outcome) for line in kept]),
        flow=flow,
        sources=(
            Source(manifest_path.name, hashlib.sha256(content).hexdigest()),
            *dict.fromkeys(Source(sheet.name, sheet.sha256) for sheet in sheets),
        ),
    )


def _opened(folder: Path, file: str, sheet: str, sha256: str | None) -> Sheet:
    found = read_sheet(folder / file, sheet)
    if sha256 is not None and found.sha256 != sha256:
        raise InvalidInputError(found.name, "is not the file the manifest names: its sha256 differs")
    return found


def _joined(manifest: CohortManifest, sheets: Sequence[Sheet]) -> list[_Line]:
    """Join by patient; a patient who is not in every sheet is refused, as is one with two rows."""
    _refuse_missing(manifest, sheets)
    by_patient: dict[str, list[tuple[Sheet, SheetRow]]] = {}
    for sheet in sheets:
        seen: set[str] = set()
        for row in sheet.rows:
            patient = row.cells.get(manifest.patient, "")
            if not patient:
                raise InvalidInputError(f"{sheet.name} row {row.number}, column {manifest.patient}", "is empty")
            if patient in seen:
                raise InvalidInputError(f"{sheet.name} row {row.number}", "this patient has a row already")
            seen.add(patient)
            by_patient.setdefault(patient, []).append((sheet, row))
    # Who is in one sheet only cannot be judged; joining keeps those who are in all.
    complete = [rows for rows in by_patient.values() if len(rows) == len(sheets)]
    return [_line(rows) for rows in complete]


def _line(rows: Sequence[tuple[Sheet, SheetRow]]) -> _Line:
    cells: dict[str, str] = {}
    places: dict[str, str] = {}
    for sheet, row in rows:
        cells.update(row.cells)
        places.update(dict.fromkeys(row.cells, f"{sheet.name} row {row.number}"))
    return _Line(cells, places)


def _refuse_missing(manifest: CohortManifest, sheets: Sequence[Sheet]) -> None:
    for sheet in sheets:
        if manifest.patient not in sheet.headers:
            raise InvalidInputError(sheet.name, f"has no column {manifest.patient!r}")
    present = {header for sheet in sheets for header in sheet.headers}
    outcome = manifest.outcome
    candidates = [part.header or part.name for part in manifest.column]
    for header in [outcome.time, outcome.status, *candidates, *(part.column for part in manifest.exclude)]:
        if header not in present:
            raise InvalidInputError(sheets[0].name, f"has no column {header!r}")


def _flow(
    lines: list[_Line], exclusions: Sequence[ExcludePart], outcome: OutcomePart
) -> tuple[list[_Line], tuple[FlowBox, ...]]:
    boxes = [FlowBox("patients in the sheet", 0, len(lines), _events(lines, outcome))]
    for part in exclusions:
        kept = [line for line in lines if not _excluded(line, part)]
        boxes.append(FlowBox(part.reason, len(lines) - len(kept), len(kept), _events(kept, outcome)))
        lines = kept
    return lines, tuple(boxes)


def _events(lines: Sequence[_Line], outcome: OutcomePart) -> int:
    return sum(line.cells[outcome.status] in outcome.event for line in lines)


def _excluded(line: _Line, part: ExcludePart) -> bool:
    cell = line.cells[part.column]
    if cell == "":
        return part.empty
    if part.below is not None and _plain(cell, line.place(part.column)) < part.below:
        return True
    return cell in part.equals


def _column(part: ColumnPart) -> Column:
    display = part.display or part.name
    if part.levels:
        return Categorical(part.name, display, part.levels, part.unknown)
    return Measured(part.name, display, part.unit, part.detection_limit, part.assay_high)


def _number(line: _Line, part: ColumnPart) -> float:
    """Return the value; NaN where the cell is empty, -inf where it reads ``<limit``."""
    header = part.header or part.name
    cell, place = line.cells[header], line.place(header)
    if cell == "" or cell.casefold() in ("na", "nan"):
        return math.nan
    if not cell.startswith("<"):
        return _plain(cell, place)
    if part.detection_limit is None:
        raise InvalidInputError(place, "reads 'less than', and the manifest gives this column no detection_limit")
    if not math.isclose(_plain(cell[1:], place), part.detection_limit, rel_tol=1e-9):
        raise InvalidInputError(place, f"reads 'less than' another number than the limit {part.detection_limit:g}")
    return -math.inf


def _plain(cell: str, place: str) -> float:
    try:
        value = float(cell)
    except ValueError as error:
        raise InvalidInputError(place, "is not a number") from error
    if not math.isfinite(value):
        raise InvalidInputError(place, "is not a finite number")
    return value


def _level(line: _Line, part: ColumnPart) -> int:
    header = part.header or part.name
    cell = line.cells[header]
    level = part.texts.get(cell, cell)
    if level in part.levels:
        return part.levels.index(level)
    if cell == "":
        return part.levels.index(part.unknown) if part.unknown else -1
    raise InvalidInputError(line.place(header), f"is none of the levels {', '.join(part.levels)}")


def _years(line: _Line, outcome: OutcomePart) -> float:
    place = line.place(outcome.time)
    years = _plain(line.cells[outcome.time], place) / PER_YEAR[outcome.unit]
    if years <= 0:
        raise InvalidInputError(place, "follow-up must be longer than nothing")
    return years


def _status(line: _Line, outcome: OutcomePart) -> int:
    cell = line.cells[outcome.status]
    for code, texts in ((EVENT, outcome.event), (CENSORED, outcome.censored), (COMPETING, outcome.competing)):
        if cell in texts:
            return code
    raise InvalidInputError(line.place(outcome.status), "tells neither the event nor the end of follow-up")
