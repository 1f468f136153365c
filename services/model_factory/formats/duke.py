"""The clinical sheet of the collection Duke-Breast-Cancer-MRI (TCIA): one row per patient, codes as its legend says.

Read for external validation of ``ln_pcr``. Column names are those of sheet ``Data``, rows 1 to 3 are heads.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

from services.model_factory.handlers.cohorts import Cohort, Filter, Patient, Row, flow_through
from shared.domain.errors import InvalidInputError

MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_UNPACKED_BYTES = 512 * 1024 * 1024
MAX_ROWS = 100_000

DESCRIPTION = (
    "Duke-Breast-Cancer-MRI clinical sheet (TCIA). Event: no tumour in the axillary nodes after neoadjuvant "
    "chemotherapy (pathological N0). HER2 is recorded positive or negative only: negative is scored as HER2 0. "
    "Stages combine clinical and pathological staging; nodes need not be biopsy-proven."
)

# Our name -> head of the column, white space folded.
_COLUMNS = {
    "er": "ER",
    "her2": "HER2",
    "t": "Staging(Tumor Size)# [T]",
    "n": "Staging(Nodes)#(Nx replaced by -1)[N]",
    "neoadjuvant": "Neoadjuvant Chemotherapy",
    "yp_n": "Pathologic response to Neoadjuvant therapy: Pathologic stage (N) following neoadjuvant therapy",
}
_ER = {0: "negative", 1: "positive"}
_HER2 = {0: "negative", 1: "3"}

_CRITERIA = (
    Filter("neoadjuvant chemotherapy not given or not known", lambda row: row["neoadjuvant"] == 1),
    Filter("nodes not clinically positive, or not known", lambda row: row["n"] in (1, 2, 3)),
    Filter("pathological N after therapy not known", lambda row: row["yp_n"] in (0, 1, 2, 3)),
    Filter("clinical T missing", lambda row: row["t"] in (1, 2, 3, 4)),
    Filter("ER missing", lambda row: row["er"] in _ER),
    Filter("HER2 missing or borderline", lambda row: row["her2"] in _HER2),
)


def read_duke(path: Path) -> Cohort:
    """Return the cohort of ``path`` with its flow of exclusions.

    Raises:
        InvalidInputError: If the file is not that sheet; names the column that is missing.
    """
    rows = _rows(path)
    kept, flow = flow_through(rows, "patients in the sheet", _CRITERIA)
    return Cohort("duke", DESCRIPTION, "axillary_pcr", tuple(_patient(row) for row in kept), flow)


def _patient(row: Row) -> Patient:
    levels = {"er": _ER[row["er"]], "her2": _HER2[row["her2"]], "t": str(row["t"])}
    return Patient(levels, event=row["yp_n"] == 0)


def _rows(path: Path) -> list[Row]:
    table = _table(path)
    heads = [_folded(head) for head in table[1]] if len(table) > 1 else []
    missing = [head for head in _COLUMNS.values() if head not in heads]
    if missing:
        raise InvalidInputError(path.name, f"sheet Data has no column {missing[0]!r}")
    places = {name: heads.index(head) for name, head in _COLUMNS.items()}
    return [{name: row[place] for name, place in places.items()} for row in table[3:] if row[0] is not None]


def _table(path: Path) -> list[tuple[Any, ...]]:
    import openpyxl

    _refuse_unfit(path)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InvalidInputError(path.name, "is not a readable .xlsx workbook") from error
    try:
        if "Data" not in book.sheetnames:
            raise InvalidInputError(path.name, "has no sheet Data")
        return list(book["Data"].iter_rows(max_row=MAX_ROWS, values_only=True))
    finally:
        book.close()


def _refuse_unfit(path: Path) -> None:
    """Refuse what is no workbook, or unpacks to more than a clinical sheet can be."""
    if not path.is_file():
        raise InvalidInputError(path.name, "there is no such file")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise InvalidInputError(path.name, f"is larger than {MAX_FILE_BYTES} bytes")
    if not zipfile.is_zipfile(path):
        raise InvalidInputError(path.name, "is not an .xlsx workbook")
    with zipfile.ZipFile(path) as archive:
        if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED_BYTES:
            raise InvalidInputError(path.name, f"unpacks to more than {MAX_UNPACKED_BYTES} bytes")


def _folded(head: Any) -> str:
    return re.sub(r"\s+", " ", str(head)).strip()
