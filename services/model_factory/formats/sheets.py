"""Sheets as rows of text: ``.csv`` or ``.xlsx``, with the number a person sees at the left of the row."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.domain.errors import InvalidInputError

MAX_FILE_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One line: cells by header, as text; an empty cell is the empty text."""

    number: int
    """As a spreadsheet counts: the header is row 1."""
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table."""

    name: str
    headers: tuple[str, ...]
    rows: tuple[SheetRow, ...]
    sha256: str
    """Of the whole file."""


def read_sheet(path: Path, sheet: str = "") -> Sheet:
    """Return the table of ``path``.

    Raises:
        InvalidInputError: If the file cannot be read, a header is there twice, or a row is longer than the header.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InvalidInputError(path.name, f"is larger than {MAX_FILE_BYTES} bytes")
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInputError(path.name, "cannot be read") from error
    lines = _workbook(path.name, content, sheet) if path.suffix == ".xlsx" else _comma(path.name, content)
    if not lines:
        raise InvalidInputError(path.name, "is empty")
    headers = tuple(head.strip() for head in lines[0])
    named = [head for head in headers if head]
    twice = sorted({head for head in named if named.count(head) > 1}) if len(set(named)) < len(named) else []
    if twice:
        raise InvalidInputError(path.name, f"has two columns {twice[0]!r}")
    rows = tuple(_row(path.name, headers, n, cells) for n, cells in enumerate(lines[1:], start=2) if any(cells))
    return Sheet(path.name, headers, rows, hashlib.sha256(content).hexdigest())


def _row(file: str, headers: tuple[str, ...], number: int, cells: list[str]) -> SheetRow:
    if any(cells[len(headers) :]):
        raise InvalidInputError(f"{file} row {number}", "has more cells than the header")
    full = cells + [""] * (len(headers) - len(cells))
    return SheetRow(number, {head: cell.strip() for head, cell in zip(headers, full, strict=False) if head})


def _comma(file: str, content: bytes) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig")), strict=True))
    except UnicodeDecodeError as error:
        raise InvalidInputError(file, "is not UTF-8 text") from error
    except csv.Error as error:
        raise InvalidInputError(file, f"is not a sheet of comma-separated cells: {error}") from error


def _workbook(file: str, content: bytes, sheet: str) -> list[list[str]]:
    import warnings

    import openpyxl

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # styles and extensions of the workbook that are of no concern
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InvalidInputError(file, "is not a readable .xlsx workbook") from error
    try:
        if sheet and sheet not in book.sheetnames:
            raise InvalidInputError(file, f"has no sheet {sheet!r}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            page = book[sheet] if sheet else book[book.sheetnames[0]]
            return [[_text(cell) for cell in row] for row in page.iter_rows(values_only=True)]
    finally:
        book.close()


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, dt.datetime | dt.date):
        return cell.isoformat()
    # Spreadsheets keep whole numbers as 3.0 as well as 3.
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
