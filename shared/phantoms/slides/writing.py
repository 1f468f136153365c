"""A cohort of slides on disk: pyramidal TIFF, annotations, sheets."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from shared.phantoms.slides.annotations import geojson
from shared.phantoms.slides.cohort import DrawnSlides, scan
from shared.phantoms.slides.manifest import (
    MANIFEST_FILE,
    SHEET_FILE,
    TRUTH_FILE,
    annotation_name,
    file_name,
    manifest,
    sheet,
    truth_row,
    truth_sheet,
)
from shared.phantoms.slides.pyramid import pyramid
from shared.phantoms.slides.slide import SIDE_PX, SimulatedSlide
from shared.phantoms.slides.tiff import write_tiff


def write_slides(
    cohort: DrawnSlides, folder: Path, *, side_px: int = SIDE_PX, one_done: Callable[[], None] = lambda: None
) -> Path:
    """Write the whole cohort below ``folder``; return the manifest, which is written last.

    Args:
        cohort: As drawn.
        folder: Receives ``manifest.toml``, ``slides.csv``, ``truth.csv``, ``slides/`` and ``annotations/``.
        side_px: Of each slide.
        one_done: Called after each slide.
    """
    for name in ("slides", "annotations"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    rows, digests = [], []
    for row in range(cohort.n):
        slide = scan(cohort, row, side_px)
        content = tiff_bytes(slide)
        (folder / file_name(row)).write_bytes(content)
        (folder / annotation_name(row)).write_text(geojson(slide), encoding="utf-8")
        digests.append(hashlib.sha256(content).hexdigest())
        rows.append(truth_row(cohort, row, slide))
        one_done()
    (folder / SHEET_FILE).write_text(sheet(cohort, digests), encoding="utf-8")
    (folder / TRUTH_FILE).write_text(truth_sheet(rows), encoding="utf-8")
    (folder / MANIFEST_FILE).write_text(manifest(cohort), encoding="utf-8")
    return folder / MANIFEST_FILE


def tiff_bytes(slide: SimulatedSlide) -> bytes:
    """Return the slide as a generic pyramidal TIFF."""
    stream = BytesIO()
    write_tiff(stream, pyramid(slide.pixels), slide.scanner)
    return stream.getvalue()
