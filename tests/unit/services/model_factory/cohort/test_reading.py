"""Cohort sheets with types: what fits is read, what does not is refused with file, row and column."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from services.model_factory.formats.cohort_reading import read_cohort
from services.model_factory.handlers.cohort.typed import Categorical, Measured
from shared.domain.errors import InvalidInputError

MANIFEST = """
schema_version = 1
name = "ward"
description = "Five women."
patient = "id"

[[table]]
file = "a.csv"

[outcome]
code = "lung_metastasis"
display = "Lung metastasis"
time = "months"
unit = "mo"
status = "end"
event = ["met"]
censored = ["alive"]
competing = ["dead"]
competing_display = "Death"

[[column]]
name = "hscrp"
header = "hs CRP"
unit = "mg/L"
detection_limit = 0.3

[[column]]
name = "er"
levels = ["no", "yes", "unknown"]
unknown = "unknown"
texts = { "0" = "no", "1" = "yes" }
"""
SHEET = """id,hs CRP,er,months,end,sex
p1,12.5,1,24,met,f
p2,<0.3,0,60,alive,f
p3,,yes,12,dead,f
p4,3,,120,alive,f
p5,4,1,30,alive,m
"""


def written(folder: Path, manifest: str = MANIFEST, **sheets: str) -> Path:
    for name, text in (sheets or {"a": SHEET}).items():
        (folder / f"{name}.csv").write_text(text)
    (folder / "manifest.toml").write_text(manifest)
    return folder / "manifest.toml"


def test_columns_have_units_or_levels_and_time_is_in_years(tmp_path: Path) -> None:
    cohort = read_cohort(written(tmp_path))

    assert cohort.columns == (
        Measured("hscrp", "hscrp", "mg/L", 0.3, None),
        Categorical("er", "er", ("no", "yes", "unknown"), "unknown"),
    )
    assert list(cohort.years) == [2.0, 5.0, 1.0, 10.0, 2.5]
    assert list(cohort.outcome) == [1, 0, 2, 0, 0]
    assert list(cohort.measured["hscrp"][[0, 1]]) == [12.5, -np.inf]
    assert np.isnan(cohort.measured["hscrp"][2])


def test_an_empty_cell_of_a_category_is_the_level_unknown(tmp_path: Path) -> None:
    assert list(read_cohort(written(tmp_path)).categorical["er"]) == [1, 0, 1, 2, 1]


def test_every_file_is_hashed(tmp_path: Path) -> None:
    sources = read_cohort(written(tmp_path)).sources

    assert [one.name for one in sources] == ["manifest.toml", "a.csv"]
    assert sources[1].sha256 == hashlib.sha256(SHEET.encode()).hexdigest()


def test_exclusions_are_counted_in_order(tmp_path: Path) -> None:
    excluding = '[[exclude]]\nreason = "male"\ncolumn = "sex"\nequals = ["m"]\n[[exclude]]\nreason = "short"\n'
    cohort = read_cohort(written(tmp_path, MANIFEST + excluding + 'column = "months"\nbelow = 13\n'))

    assert [(box.label, box.excluded, box.remaining, box.events) for box in cohort.flow] == [
        ("patients in the sheet", 0, 5, 1),
        ("male", 1, 4, 1),
        ("short", 1, 3, 1),
    ]


def test_two_sheets_are_joined_by_patient(tmp_path: Path) -> None:
    manifest = MANIFEST.replace('file = "a.csv"', 'file = "a.csv"\n[[table]]\nfile = "b.csv"')
    other = "id,hs CRP,er\n" + "".join(f"p{i},{i},1\n" for i in (1, 2, 3))
    left = "\n".join(f"{row.split(',')[0]},{','.join(row.split(',')[3:])}" for row in SHEET.splitlines())

    cohort = read_cohort(written(tmp_path, manifest, a=left, b=other))

    assert cohort.patients == ("p1", "p2", "p3")


def test_a_workbook_is_a_sheet_too(tmp_path: Path) -> None:
    manifest = written(tmp_path, MANIFEST.replace('"a.csv"', '"a.xlsx"\nsheet = "Outcome"'))
    book = openpyxl.Workbook()
    page = book.create_sheet("Outcome")
    for row in ((c or None for c in line.split(",")) for line in SHEET.splitlines()):
        page.append([float(c) if c and c.replace(".", "").isdigit() else c for c in row])
    book.save(tmp_path / "a.xlsx")

    cohort = read_cohort(manifest)

    assert (list(cohort.years), list(cohort.categorical["er"])) == ([2.0, 5.0, 1.0, 10.0, 2.5], [1, 0, 1, 2, 1])


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("p1,12.5", "p1,much", "a.csv row 2, column hs CRP: is not a number"),
        ("p1,12.5", "p1,inf", "a.csv row 2, column hs CRP: is not a finite number"),
        ("<0.3", "<0.5", "a.csv row 3, column hs CRP: reads 'less than' another number than the limit 0.3"),
        ("12.5,1,24", "12.5,2,24", "a.csv row 2, column er: is none of the levels no, yes, unknown"),
        ("24,met", "24,gone", "a.csv row 2, column end: tells neither the event nor the end of follow-up"),
        ("24,met", "0,met", "a.csv row 2, column months: follow-up must be longer than nothing"),
        ("p2,", "p1,", "a.csv row 3: this patient has a row already"),
        ("p2,", ",", "a.csv row 3, column id: is empty"),
        ("hs CRP", "crp", "a.csv: has no column 'hs CRP'; it has, for example, 'crp', 'end', 'er', 'id', 'months'"),
        ("sex\n", "er\n", "a.csv: has two columns 'er'"),
        ("met,f", "met,f,x", "a.csv row 2: has more cells than the header"),
    ],
)
def test_what_does_not_fit_is_named_by_row_and_column(tmp_path: Path, before: str, after: str, said: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read_cohort(written(tmp_path, a=SHEET.replace(before, after, 1)))

    assert str(refused.value) == said


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('unit = "mg/L"', "", "has either a unit or levels"),
        ('name = "er"', 'name = "hscrp"', "column hscrp is declared twice"),
        ('censored = ["alive"]', 'censored = ["met"]', "one text of the status column has two meanings"),
        ('"1" = "yes"', '"1" = "maybe"', "texts lead to 'maybe', which is none of its levels"),
        ('unit = "mo"', 'unit = "months"', "'a', 'mo', 'wk' or 'd'"),
        ("schema_version = 1", "schema_version = 1\nsecret = 1", "Extra inputs are not permitted"),
        ('file = "a.csv"', 'file = "a.csv"\nsha256 = "' + "0" * 64 + '"', "its sha256 differs"),
        ('file = "a.csv"', 'file = "z.csv"', "cannot be read"),
        ("[outcome]", "[outcome", "is not TOML"),
    ],
)
def test_a_manifest_that_does_not_hold_is_refused(tmp_path: Path, before: str, after: str, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said.replace("(", r"\(")):
        read_cohort(written(tmp_path, MANIFEST.replace(before, after, 1)))


def test_a_refusal_never_quotes_a_patients_value(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read_cohort(written(tmp_path, a=SHEET.replace("p1,12.5", "p1,Jane Roe")))

    assert "Jane" not in str(refused.value)
