"""Lines of a cohort's sheets: joined by patient, left out in order, cells as values; refused with row and column."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.model_factory.formats.cohort_manifest import ColumnPart, ExcludePart, TableFile
from services.model_factory.formats.sheets import Sheet, SheetRow, read_sheet
from services.model_factory.handlers.cohort.facts import FlowBox
from services.model_factory.handlers.cohort.typed import Categorical, Column, Counts, Measured, Numbers, Source
from shared.domain.errors import InvalidInputError

PER_YEAR: Mapping[str, float] = {"a": 1.0, "mo": 12.0, "wk": 365.25 / 7.0, "d": 365.25}
"""UCUM: a is 365.25 d, mo is a twelfth of it."""
_NAMED = 5
"""Columns that are named beside one that is missing."""


@dataclass(frozen=True, slots=True)
class PatientLine:
    """One patient's cells from all sheets, and where each came from."""

    cells: Mapping[str, str]
    places: Mapping[str, str]
    """By header: ``file row N``."""

    def place(self, header: str) -> str:
        """Return where the cell below ``header`` stands."""
        return f"{self.places[header]}, column {header}"


def lines_of(
    folder: Path, tables: Sequence[TableFile], patient: str, needed: Sequence[str]
) -> tuple[list[PatientLine], tuple[Source, ...]]:
    """Return one line per patient who is in every sheet, and the files they came from.

    Raises:
        InvalidInputError: If a sheet is another file, lacks a column of ``needed``, or has a patient twice.
    """
    sheets = [_opened(folder, part) for part in tables]
    _refuse_missing(patient, needed, sheets)
    by_patient: dict[str, list[tuple[Sheet, SheetRow]]] = {}
    for sheet in sheets:
        seen: set[str] = set()
        for row in sheet.rows:
            name = row.cells.get(patient, "")
            if not name:
                raise InvalidInputError(f"{sheet.name} row {row.number}, column {patient}", "is empty")
            if name in seen:
                raise InvalidInputError(f"{sheet.name} row {row.number}", "this patient has a row already")
            seen.add(name)
            by_patient.setdefault(name, []).append((sheet, row))
    # Who is in one sheet only cannot be judged; joining keeps those who are in all.
    complete = [rows for rows in by_patient.values() if len(rows) == len(sheets)]
    sources = dict.fromkeys(Source(sheet.name, sheet.sha256) for sheet in sheets)
    return [_line(rows) for rows in complete], tuple(sources)


def file_below(line: PatientLine, header: str, folder: Path) -> Path | None:
    """Return the file or folder a cell names; None for an empty cell.

    Raises:
        InvalidInputError: If it is not there, or lies outside ``folder``, also by a symbolic link.
    """
    if not header or not line.cells[header]:
        return None
    found = (folder / line.cells[header]).resolve()
    if not found.is_relative_to(folder.resolve()):
        raise InvalidInputError(line.place(header), "leads out of the manifest's folder")
    if not found.exists():
        raise InvalidInputError(line.place(header), "names a file that is not there")
    return found


def _opened(folder: Path, part: TableFile) -> Sheet:
    found = read_sheet(folder / part.file, part.sheet)
    if part.sha256 is not None and found.sha256 != part.sha256:
        raise InvalidInputError(found.name, "is not the file the manifest names: its sha256 differs")
    return found


def _line(rows: Sequence[tuple[Sheet, SheetRow]]) -> PatientLine:
    cells: dict[str, str] = {}
    places: dict[str, str] = {}
    for sheet, row in rows:
        cells.update(row.cells)
        places.update(dict.fromkeys(row.cells, f"{sheet.name} row {row.number}"))
    return PatientLine(cells, places)


def _refuse_missing(patient: str, needed: Sequence[str], sheets: Sequence[Sheet]) -> None:
    for sheet in sheets:
        if patient not in sheet.headers:
            raise _without(patient, sheet.name, sheet.headers)
    present = {header for sheet in sheets for header in sheet.headers}
    for header in needed:
        if header not in present:
            raise _without(header, sheets[0].name, present)


def _without(header: str, name: str, present: Iterable[str]) -> InvalidInputError:
    """Return the sentence; names the columns that look like the one that is meant, else the first ones there are."""
    there = sorted(present)
    near = difflib.get_close_matches(header, there, n=_NAMED) or there[:_NAMED]
    return InvalidInputError(name, f"has no column {header!r}; it has, for example, {', '.join(map(repr, near))}")


def flow_of(
    lines: list[PatientLine], exclusions: Sequence[ExcludePart], status: str, event: Sequence[str],
    all_of_them: str = "patients in the sheet",
) -> tuple[list[PatientLine], tuple[FlowBox, ...]]:  # fmt: skip
    """Return who stays after the exclusions, in order, and the boxes of the flow diagram."""
    boxes = [FlowBox(all_of_them, 0, len(lines), _events(lines, status, event))]
    for part in exclusions:
        kept = [line for line in lines if not _excluded(line, part)]
        boxes.append(FlowBox(part.reason, len(lines) - len(kept), len(kept), _events(kept, status, event)))
        lines = kept
    return lines, tuple(boxes)


def _events(lines: Sequence[PatientLine], status: str, event: Sequence[str]) -> int:
    return sum(line.cells[status] in event for line in lines)


def _excluded(line: PatientLine, part: ExcludePart) -> bool:
    cell = line.cells[part.column]
    if cell == "":
        return part.empty
    if part.below is not None and plain(cell, line.place(part.column)) < part.below:
        return True
    return cell in part.equals


def typed_column(part: ColumnPart) -> Column:
    """Return the candidate a manifest declares."""
    display = part.display or part.name
    if part.levels:
        return Categorical(part.name, display, part.levels, part.unknown)
    return Measured(part.name, display, part.unit, part.detection_limit, part.assay_high)


def number(line: PatientLine, part: ColumnPart) -> float:
    """Return the value; NaN where the cell is empty, -inf where it reads ``<limit``."""
    header = part.header or part.name
    cell, place = line.cells[header], line.place(header)
    if cell == "" or cell.casefold() in ("na", "nan"):
        return math.nan
    if not cell.startswith("<"):
        return plain(cell, place)
    if part.detection_limit is None:
        raise InvalidInputError(place, "reads 'less than', and the manifest gives this column no detection_limit")
    if not math.isclose(plain(cell[1:], place), part.detection_limit, rel_tol=1e-9):
        raise InvalidInputError(place, f"reads 'less than' another number than the limit {part.detection_limit:g}")
    return -math.inf


def plain(cell: str, place: str) -> float:
    """Return a finite number.

    Raises:
        InvalidInputError: If ``cell`` is none; names ``place``.
    """
    try:
        value = float(cell)
    except ValueError as error:
        raise InvalidInputError(place, "is not a number") from error
    if not math.isfinite(value):
        raise InvalidInputError(place, "is not a finite number")
    return value


def years_of(line: PatientLine, header: str, unit: str) -> float:
    """Return the time a patient was followed up, in years.

    Raises:
        InvalidInputError: If the cell holds no number above zero.
    """
    place = line.place(header)
    years = plain(line.cells[header], place) / PER_YEAR[unit]
    if years <= 0:
        raise InvalidInputError(place, "follow-up must be longer than nothing")
    return years


def level(line: PatientLine, part: ColumnPart) -> int:
    """Return the place of the level; -1 where it is missing."""
    header = part.header or part.name
    cell = line.cells[header]
    meant = part.texts.get(cell, cell)
    if meant in part.levels:
        return part.levels.index(meant)
    if cell == "":
        return part.levels.index(part.unknown) if part.unknown else -1
    raise InvalidInputError(line.place(header), f"is none of the levels {', '.join(part.levels)}")


def values_of(
    lines: Sequence[PatientLine], parts: Sequence[ColumnPart]
) -> tuple[dict[str, Numbers], dict[str, Counts]]:
    """Return the measured and the categorical candidates of ``lines``, by name."""
    measured = {part.name: np.array([number(line, part) for line in lines]) for part in parts if part.unit}
    levels = {part.name: np.array([level(line, part) for line in lines]) for part in parts if part.levels}
    return measured, levels
