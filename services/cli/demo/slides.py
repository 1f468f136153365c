"""The slide of the demonstration: a simulated H&E slide, as a scanner writes it into its folder, with its order."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from shared.domain.slides import Specimen
from shared.phantoms.slides.optics import SCANNERS
from shared.phantoms.slides.pyramid import pyramid
from shared.phantoms.slides.slide import Plan, make_slide
from shared.phantoms.slides.tiff import write_tiff

SEED = 7
SHOWN = 1.8
"""How strongly its tumour looks HER2-driven (``shared/phantoms/slides``)."""
GLASS = Specimen("DEMO-S-1", "DEMO-S-1-A", "A1", "1")


def drop(folder: Path, patient: str, issuer: str, birth_date: str) -> None:
    """Write the order as a manifest, and the slide beside it; about a second, 0.6 MB."""
    slide = make_slide(np.random.default_rng(SEED), SCANNERS[0], Plan(shown=SHOWN))
    ordered = {
        "accession": GLASS.accession, "specimen": GLASS.specimen, "block": GLASS.block, "slide": GLASS.slide,
        "patient_id": patient, "issuer": issuer, "birth_date": birth_date, "sex": "female", "stain": "he",
        "tissue": "breast", "after_therapy": False,
    }  # fmt: skip
    (folder / "scan-1.tiff.manifest.json").write_text(json.dumps(ordered, indent=2) + "\n")
    with (folder / "scan-1.tiff").open("wb") as stream:
        write_tiff(stream, pyramid(slide.pixels), slide.scanner)
