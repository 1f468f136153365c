"""A manifest of a cohort with images: what it must say, and what is refused with its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from services.model_factory.formats.imaged_cohort import read_imaged_cohort
from services.model_factory.handlers.imaged.families import answerable, levels_of
from shared.domain.errors import InvalidInputError
from shared.phantoms.dce.cohort import draw_cohort
from shared.phantoms.dce.manifest import SHEET_FILE, TRUTH_FILE, manifest, sheet

MANIFEST = """\
schema_version = 1
kind = "images"
name = "few"
description = "Synthetic."
patient = "id"
[[table]]
file = "few.csv"
[outcome]
code = "axillary_pcr"
display = "Axillary pCR"
status = "ypn"
event = ["ypN0"]
no_event = ["ypN1", "ypN0(i+)"]
[survival]
time = "months"
unit = "mo"
status = "relapse"
event = ["1"]
censored = ["0"]
[images]
study = "study"
mask = "mask"
[[column]]
name = "er"
levels = ["negative", "positive"]
[[column]]
name = "her2"
levels = ["0", "low", "3"]
[[column]]
name = "t"
levels = ["1", "2", "3", "4"]
[[exclude]]
reason = "M1"
column = "m"
equals = ["1"]
"""
ROWS = """\
id,ypn,months,relapse,study,mask,er,her2,t,m
a,ypN0,24,0,a,a.nrrd,positive,low,2,0
b,ypN1,12,1,b,,negative,3,1,0
c,ypN0(i+),36,0,c,,negative,,4,0
d,ypN0,6,1,d,,negative,0,4,1
"""


def _write(folder: Path, rows: str = ROWS, text: str = MANIFEST) -> Path:
    (folder / "few.csv").write_text(rows)
    for name in "abcd":
        (folder / name).mkdir(exist_ok=True)
    (folder / "a.nrrd").touch()
    path = folder / "manifest.toml"
    path.write_text(text)
    return path


def test_the_outcome_is_yes_or_no_and_isolated_tumour_cells_are_what_the_manifest_says(tmp_path: Path) -> None:
    cohort = read_imaged_cohort(_write(tmp_path))
    assert cohort.patients == ("a", "b", "c")
    assert cohort.events.tolist() == [True, False, False]
    assert [(box.label, box.excluded) for box in cohort.flow] == [("patients in the sheet", 0), ("M1", 1)]


def test_follow_up_is_read_in_years(tmp_path: Path) -> None:
    later = read_imaged_cohort(_write(tmp_path)).follow_up
    assert later is not None
    assert later.years.tolist() == pytest.approx([2.0, 1.0, 3.0])
    assert later.events.tolist() == [False, True, False]


def test_a_patient_without_a_mask_has_none(tmp_path: Path) -> None:
    first, second, _ = read_imaged_cohort(_write(tmp_path)).studies
    assert first.mask == (tmp_path / "a.nrrd").resolve()
    assert second.mask is None


def test_who_lacks_her2_leaves_with_a_box_of_her_own_and_nothing_is_filled_in(tmp_path: Path) -> None:
    cohort = answerable(read_imaged_cohort(_write(tmp_path)))
    assert cohort.patients == ("a", "b")
    assert cohort.flow[-1].excluded == 1
    assert levels_of(cohort, 0) == {"er": "positive", "her2": "low", "t": "2"}


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("ypN0,24", "ypNX,24", "few.csv row 2, column ypn"),
        ("24,0", "0,0", "few.csv row 2, column months"),
        (",a,a.nrrd", ",e,a.nrrd", "few.csv row 2, column study"),
        (",a,a.nrrd", ",../../etc,a.nrrd", "few.csv row 2, column study"),
        (",a,a.nrrd", ",a,b.nrrd", "few.csv row 2, column mask"),
        ("positive,low", "positive,high", "few.csv row 2, column her2"),
    ],
)
def test_what_does_not_fit_is_refused_with_file_row_and_column(tmp_path: Path, old: str, new: str, place: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read_imaged_cohort(_write(tmp_path, ROWS.replace(old, new, 1)))
    assert refused.value.element == place


def test_a_manifest_of_the_other_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="kind"):
        read_imaged_cohort(_write(tmp_path, text=MANIFEST.replace('kind = "images"\n', "")))


def test_a_simulated_cohort_is_read_as_it_is_written_and_its_truth_never(tmp_path: Path) -> None:
    drawn = draw_cohort(12, 3)
    (tmp_path / "manifest.toml").write_text(manifest(drawn))
    (tmp_path / SHEET_FILE).write_text(sheet(drawn))
    for row in range(12):
        name = f"simulated-{row + 1:06d}"
        (tmp_path / "studies" / name).mkdir(parents=True)
        (tmp_path / "masks").mkdir(exist_ok=True)
        (tmp_path / "masks" / f"{name}.nrrd").touch()
        (tmp_path / "masks" / f"{name}-second.nrrd").touch()
    cohort = answerable(read_imaged_cohort(tmp_path / "manifest.toml"))
    assert np.array_equal(cohort.events, drawn.outcomes.axillary_pcr)
    assert TRUTH_FILE not in {one.name for one in cohort.sources}
    assert not {"true_probability", "breast_residual"} & {column.name for column in cohort.columns}
