"""Simulated slides in somebody's name, dropped as a scanner drops them, for tests of the whole system."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from shared.phantoms.modules import PatientAttributes
from shared.phantoms.slides.glass import Glass
from shared.phantoms.slides.optics import SCANNERS
from shared.phantoms.slides.pyramid import pyramid
from shared.phantoms.slides.slide import Plan, SimulatedSlide, make_slide
from shared.phantoms.slides.tiff import write_tiff
from tests.patients import BIRTH_DATE, Someone
from tests.system import ISSUER, System


@lru_cache(maxsize=4)
def simulated(seed: int = 1, shown: float = 1.0, side_px: int = 1536) -> SimulatedSlide:
    """Return a slide; alike for the same numbers."""
    return make_slide(np.random.default_rng(seed), SCANNERS[0], Plan(shown=shown, side_px=side_px))


def glass_of(someone: Someone) -> Glass:
    """Return the glass of somebody's first block."""
    patient = PatientAttributes(someone.identifier, ISSUER, "SIMULATED^PATIENT", BIRTH_DATE)
    case = f"S26-{someone.number}"
    return Glass(someone.identifier, patient, case, f"{case}-A", "A1", f"{case}-A1-1")


def manifest_of(someone: Someone, **changes: Any) -> dict[str, Any]:
    """Return the row of a manifest beside the file."""
    glass = glass_of(someone)
    return {
        "accession": glass.accession, "specimen": glass.specimen, "block": glass.block, "slide": "1",
        "container": glass.container, "patient_id": someone.identifier, "issuer": ISSUER,
        "birth_date": BIRTH_DATE.isoformat(), "sex": "female", "stain": "he", "tissue": "breast",
        "after_therapy": False, **changes,
    }  # fmt: skip


def drop(
    system: System, name: str, seed: int, manifest: dict[str, Any] | None = None, *, claims_um: float | None = None
) -> Path:
    """Write a slide into the scanner's folder, and its manifest before it.

    Args:
        system: Whose folder.
        name: Of the file.
        seed: Of the slide.
        manifest: What lies beside it; None: nothing.
        claims_um: Micrometres per pixel the file states, where that is not the truth.
    """
    slide, path = simulated(seed), system.scanner / name
    scanner = replace(slide.scanner, microns_per_pixel=claims_um or slide.scanner.microns_per_pixel)
    if manifest is not None:
        path.with_name(f"{name}.manifest.json").write_text(json.dumps(manifest))
    with path.open("wb") as stream:
        write_tiff(stream, pyramid(slide.pixels), scanner)
    return path
