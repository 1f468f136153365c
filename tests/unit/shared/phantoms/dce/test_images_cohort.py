"""A cohort with images is the same from the same seed, holds what its manifest names, and hides the truth from it."""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path

import pytest
from pydicom import dcmread

from shared.phantoms.dce.cohort import draw_cohort, scan
from shared.phantoms.dce.manifest import truth_row
from shared.phantoms.dce.writing import write_cohort


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cohort")
    write_cohort(draw_cohort(3, seed=2), out, phases=3)
    return out


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_same_seed_gives_the_same_bytes_in_every_file(folder: Path, tmp_path: Path) -> None:
    write_cohort(draw_cohort(3, seed=2), tmp_path, phases=3)

    assert _files(tmp_path) == _files(folder)


def test_every_file_the_sheet_names_is_there(folder: Path) -> None:
    images = tomllib.loads((folder / "manifest.toml").read_text())["images"]
    rows = list(csv.DictReader((folder / "patients.csv").open()))

    assert len(rows) == 3
    for row in rows:
        assert len(list((folder / row[images["study"]]).glob("*.dcm"))) == 1
        assert (folder / row[images["mask"]]).is_file()
        assert (folder / row[images["second_mask"]]).is_file()


def test_masks_can_be_segmentations_and_the_sheet_says_so(tmp_path: Path) -> None:
    write_cohort(draw_cohort(1, seed=2), tmp_path, phases=3, masks_as="seg")
    (row,) = csv.DictReader((tmp_path / "patients.csv").open())
    first, second = (dcmread(tmp_path / row[name]) for name in ("mask", "second_mask"))

    assert first.Modality == second.Modality == "SEG"
    assert first.SOPInstanceUID != second.SOPInstanceUID


def test_the_manifest_declares_every_input_and_no_finding_after_treatment_and_no_truth(folder: Path) -> None:
    text = (folder / "manifest.toml").read_text()
    manifest = tomllib.loads(text)

    assert {one["name"] for one in manifest["column"]} == {
        "age", "ki67", "histology", "nac_cycles", "er", "pr", "her2", "p53", "t", "n", "m",
    }  # fmt: skip
    assert manifest["outcome"]["event"] == ["yes"]
    assert "truth" not in text.replace("a truth that is known", "")
    assert manifest["description"].startswith("SIMULATED, no patients")


def test_the_truth_lies_apart_and_has_a_row_per_patient(folder: Path) -> None:
    sheet = list(csv.DictReader((folder / "patients.csv").open()))
    truth = list(csv.DictReader((folder / "truth.csv").open()))

    assert [row["patient"] for row in truth] == [row["patient"] for row in sheet]
    assert all(0 < float(row["true_probability"]) < 1 for row in truth)


def test_a_patient_is_the_same_whoever_is_scanned_before_her() -> None:
    cohort = draw_cohort(4, seed=2)
    scan(cohort, 0, phases=2)

    assert truth_row(cohort, scan(cohort, 3, phases=2)) == truth_row(cohort, scan(cohort, 3, phases=2))


def test_a_cohort_of_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        draw_cohort(0)
