"""The text files of a cohort with images: ``manifest.toml``, ``patients.csv``, and apart from them ``truth.csv``."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence

from shared.phantoms.dce.clinic import FACTORS
from shared.phantoms.dce.cohort import DrawnCohort, ScannedPatient

MANIFEST_FILE = "manifest.toml"
SHEET_FILE = "patients.csv"
TRUTH_FILE = "truth.csv"
COLUMNS = (
    "patient", "age", "ki67", *(one.name for one in FACTORS), "breast_residual", "axillary_pcr", "dfs_months",
    "dfs_event", "study", "mask", "second_mask",
)  # fmt: skip
TRUTH_COLUMNS = (
    "patient", "true_probability", "image_factor", "diameter_mm", "rim_factor", "spiculation", "ktrans", "kep", "vp",
    "side", "manufacturer", "field_tesla", "density", "background", "gain", "motion_mm",
)  # fmt: skip


def patient_name(row: int) -> str:
    """Return the pseudonym of a row (from 0)."""
    return f"simulated-{row + 1:06d}"


def sheet(cohort: DrawnCohort, mask_ending: str = "nrrd") -> str:
    """Return ``patients.csv``: what a hospital would hand over, post-treatment findings included."""
    return _csv(COLUMNS, (_row(cohort, row, mask_ending) for row in range(cohort.n)))


def _row(cohort: DrawnCohort, row: int, ending: str) -> Iterator[object]:
    clinic, happened, name = cohort.clinic, cohort.outcomes, patient_name(row)
    yield from (name, int(clinic.age[row]), int(clinic.ki67[row]))
    yield from (clinic.factors[one.name][row] for one in FACTORS)
    yield from (happened.breast[row], "yes" if happened.axillary_pcr[row] else "no")
    yield from (f"{happened.dfs_months[row]:.1f}", int(happened.dfs_event[row]))
    yield from (f"studies/{name}", f"masks/{name}.{ending}", f"masks/{name}-second.{ending}")


def truth_row(cohort: DrawnCohort, one: ScannedPatient) -> tuple[object, ...]:
    """Return one row of ``truth.csv``: what a trainer must never read."""
    lesion, setting, scanner = one.lesion, one.setting, one.study.scanner
    numbers = (
        cohort.outcomes.probability[one.row], lesion.image_factor, lesion.diameter_mm, lesion.rim_factor,
        lesion.spiculation, lesion.ktrans, lesion.kep, lesion.vp,
    )  # fmt: skip
    others = (setting.density, setting.background, setting.gain, setting.motion_mm)
    machine = (setting.side.value, scanner.manufacturer, f"{scanner.field_tesla:g}")
    return (patient_name(one.row), *(f"{n:.6f}" for n in numbers), *machine, *(f"{n:.4f}" for n in others))


def truth_sheet(rows: Sequence[tuple[object, ...]]) -> str:
    """Return ``truth.csv``."""
    return _csv(TRUTH_COLUMNS, rows)


def _csv(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue()


def manifest(cohort: DrawnCohort) -> str:
    """Return ``manifest.toml``; the truth is not named in it."""
    return "\n".join([*_head(cohort), *_columns()]) + "\n"


def _head(cohort: DrawnCohort) -> list[str]:
    text = (
        f"SIMULATED, no patients: {cohort.n} drawn with seed {cohort.seed} from the published marginals and odds "
        "ratios of a study of axillary response to neoadjuvant chemotherapy (447 women), with simulated DCE-MRI and "
        "a truth that is known."
    )
    return [
        "schema_version = 1", 'kind = "images"', 'name = "ln-pcr-simulated"', f"description = {json.dumps(text)}",
        "simulated = true", 'patient = "patient"', "",
        "[[table]]", f'file = "{SHEET_FILE}"', "",
        "[outcome]", 'code = "axillary_pcr"', 'display = "Axillary pathological complete response"',
        'status = "axillary_pcr"', 'event = ["yes"]', 'no_event = ["no"]', "",
        "[survival]", 'time = "dfs_months"', 'unit = "mo"', 'status = "dfs_event"', 'event = ["1"]',
        'censored = ["0"]', "",
        "[images]", 'study = "study"', 'mask = "mask"', 'second_mask = "second_mask"',
    ]  # fmt: skip


def _columns() -> Iterator[str]:
    for name, display, unit in (("age", "Age", "a"), ("ki67", "Ki-67", "%")):
        yield from ("", "[[column]]", f'name = "{name}"', f'display = "{display}"', f'unit = "{unit}"')
    for one in FACTORS:
        yield from ("", "[[column]]", f'name = "{one.name}"', f"display = {json.dumps(one.display)}")
        yield f"levels = {json.dumps(list(one.levels))}"
