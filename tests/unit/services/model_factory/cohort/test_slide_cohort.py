"""A cohort of slides: what its manifest may say, and what is refused with sheet, row and column."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from services.model_factory.formats.slide_cohort import content_sha256, read_slide_cohort
from shared.domain.errors import InvalidInputError

MANIFEST = """
schema_version = 1
kind = "slides"
name = "own"
description = "Two sites."
patient = "patient"
learn_from = ["a"]

[[table]]
file = "slides.csv"

[outcome]
code = "her2_positive"
display = "HER2-positive"
status = "her2"
event = ["positive"]
no_event = ["negative"]

[slides]
file = "file"
sha256 = "sha256"
annotation = "annotation"
level = "level"
scanner = "scanner"
site = "site"
microns_per_pixel = "mpp"

[therapy]
pcr = "pcr"
rcb = "rcb"

[[exclude]]
reason = "post-therapy specimen"
column = "when"
equals = ["after"]
"""
HEAD = "patient,file,sha256,annotation,her2,level,scanner,site,mpp,pcr,rcb,when"
ROWS = (
    "p1,1.tif,{0},1.geojson,positive,3+,ACME One,a,0.5,no,II,",
    "p1,2.tif,{1},2.geojson,positive,2+/FISH+,ACME One,a,,yes,0,",
    "p2,3.tif,{2},,negative,1+,ACME Two,b,0.25,,,",
    "p3,4.tif,{3},,negative,,ACME Two,b,,,,after",
)


def written(folder: Path, rows: tuple[str, ...] = ROWS) -> Path:
    """Return the manifest of a cohort of small files that are no slides; none is opened here."""
    digests = []
    for number in range(1, 5):
        (folder / f"{number}.tif").write_bytes(bytes([number]))
        (folder / f"{number}.geojson").write_text("{}")
        digests.append(hashlib.sha256(bytes([number])).hexdigest())
    (folder / "slides.csv").write_text("\n".join([HEAD, *(row.format(*digests) for row in rows)]) + "\n")
    (folder / "manifest.toml").write_text(MANIFEST)
    return folder / "manifest.toml"


def test_every_column_of_the_manifest_is_read_and_the_excluded_slide_stands_in_the_flow(tmp_path: Path) -> None:
    cohort = read_slide_cohort(written(tmp_path))

    assert (cohort.n, cohort.patients) == (3, ("p1", "p1", "p2"))
    assert cohort.events.tolist() == [True, True, False]
    assert cohort.levels.tolist() == [4, 3, 1]
    assert cohort.learned_from.tolist() == [True, True, False]
    assert (cohort.non_pcr.tolist(), cohort.rcb.tolist()) == ([1, 0, -1], [2, 0, -1])
    assert [one.microns_per_pixel for one in cohort.slides] == [0.5, None, 0.25]
    assert [one.annotation is None for one in cohort.slides] == [False, False, True]
    assert [(box.label, box.excluded, box.remaining) for box in cohort.flow] == [
        ("slides in the sheet", 0, 4), ("post-therapy specimen", 1, 3),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "to", "said"),
    [
        ("3+", "0", "row 2, column level: contradicts the column her2"),
        ("3+", "3", "row 2, column level: is none of"),
        ("1.tif", "../1.tif", "row 2, column file: leads out of the manifest's folder"),
        ("1.tif", "9.tif", "row 2, column file: names a file that is not there"),
        ("{0}", "{1}", "row 3, column sha256: the same slide stands in"),
        ("{0}", "abc", "row 2, column sha256: is no sha256"),
        (",0.5,", ",5,", "row 2, column mpp: is not between"),
        ("no,II", "no,0", "row 2, column rcb: contradicts the column pcr"),
        ("no,II", "perhaps,II", "row 2, column pcr: tells neither"),
        ("p1,", ",", "row 2, column patient: is empty"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place_and_no_file_name(
    tmp_path: Path, changed: str, to: str, said: str
) -> None:
    rows = (ROWS[0].replace(changed, to, 1), *ROWS[1:])
    with pytest.raises(InvalidInputError) as refused:
        read_slide_cohort(written(tmp_path, rows))
    assert said in str(refused.value)
    assert ".tif" not in str(refused.value)


def test_the_content_of_a_folder_is_that_of_its_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name, content in (("b", b"2"), ("a", b"1")):
        (tmp_path / name).write_bytes(content)
    assert content_sha256(tmp_path) == hashlib.sha256(b"12").hexdigest()


def test_slides_that_are_not_known_keep_their_place_in_arrays(tmp_path: Path) -> None:
    cohort = read_slide_cohort(written(tmp_path))
    left = cohort.only(np.array([2]), cohort.flow[-1])
    assert (left.patients, left.levels.tolist(), left.sites) == (("p2",), [1], ("b",))
