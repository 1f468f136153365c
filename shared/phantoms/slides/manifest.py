"""The text files of a cohort of slides: ``manifest.toml``, ``slides.csv``, and apart from them ``truth.csv``."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence

from shared.phantoms.slides.cohort import DrawnSlides
from shared.phantoms.slides.optics import SCANNERS
from shared.phantoms.slides.slide import SimulatedSlide

MANIFEST_FILE = "manifest.toml"
SHEET_FILE = "slides.csv"
TRUTH_FILE = "truth.csv"
COLUMNS = (
    "patient", "file", "sha256", "annotation", "her2", "level", "scanner", "site", "microns_per_pixel", "pcr", "rcb",
)  # fmt: skip
TRUTH_COLUMNS = (
    "file", "shown", "true_probability", "nests", "tissue_share", "tumour_share", "haematoxylin", "eosin", "pen",
    "fold", "blur",
)  # fmt: skip


def file_name(row: int) -> str:
    """Return the slide of a row (from 0), from the manifest's folder."""
    return f"slides/simulated-{row + 1:05d}.tiff"


def annotation_name(row: int) -> str:
    """Return the annotation of a row (from 0), from the manifest's folder."""
    return f"annotations/simulated-{row + 1:05d}.geojson"


def sheet(cohort: DrawnSlides, digests: Sequence[str]) -> str:
    """Return ``slides.csv``: what a hospital would hand over; ``digests`` are sha256 of the slides."""
    return _csv(COLUMNS, (_row(cohort, row, digest) for row, digest in enumerate(digests)))


def _row(cohort: DrawnSlides, row: int, digest: str) -> tuple[object, ...]:
    truth, machine = cohort.truth, SCANNERS[int(cohort.scanner[row])]
    rcb = str(truth.rcb[row])
    pcr = "" if not rcb else "yes" if rcb == "0" else "no"
    return (
        f"simulated-{cohort.patient[row] + 1:05d}", file_name(row), digest, annotation_name(row),
        "positive" if truth.positive[row] else "negative", str(truth.level[row]),
        f"{machine.manufacturer} {machine.model}", f"site-{machine.model.lower()}", "", pcr, rcb,
    )  # fmt: skip


def truth_row(cohort: DrawnSlides, row: int, slide: SimulatedSlide) -> tuple[object, ...]:
    """Return one row of ``truth.csv``: what a trainer must never read."""
    plan, strengths = slide.plan, slide.staining.strengths
    numbers = (plan.tissue_share, plan.tumour_share, *strengths)
    return (
        file_name(row), f"{cohort.truth.shown[row]:.6f}", f"{cohort.truth.probability[row]:.6f}", len(slide.nests),
        *(f"{one:.4f}" for one in numbers), plan.artefacts.pen, int(plan.artefacts.fold), int(plan.artefacts.blur),
    )  # fmt: skip


def truth_sheet(rows: Sequence[tuple[object, ...]]) -> str:
    """Return ``truth.csv``."""
    return _csv(TRUTH_COLUMNS, rows)


def manifest(cohort: DrawnSlides) -> str:
    """Return ``manifest.toml``; the truth is not named in it."""
    text = (
        f"SIMULATED, no patients: {cohort.n} slides of {int(cohort.patient[-1]) + 1} drawn with seed {cohort.seed}; "
        "two scanners, tumour nests annotated, a HER2-like factor of the nests' look and a truth that is known."
    )
    lines = [
        "schema_version = 1", 'kind = "slides"', 'name = "her2-simulated"', f"description = {json.dumps(text)}",
        "simulated = true", 'patient = "patient"', "",
        "[[table]]", f'file = "{SHEET_FILE}"', "",
        "[outcome]", 'code = "her2_positive"',
        'display = "HER2-positive by IHC/ISH (3+ or 2+ with FISH amplification)"',
        'status = "her2"', 'event = ["positive"]', 'no_event = ["negative"]', "",
        "[slides]", *(f'{one} = "{one}"' for one in (
            "file", "sha256", "annotation", "level", "scanner", "site", "microns_per_pixel")), "",
        "[therapy]", 'pcr = "pcr"', 'rcb = "rcb"',
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _csv(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue()
