"""The three model families of paper 000, richest first."""

from __future__ import annotations

from shared.domain.case import Pins
from shared.domain.prediction import BundleReference
from shared.predictors.ln_pcr.clinical import VARIANT

CLINICAL = VARIANT
DLR = "clinical_dlr"
RADIOMICS = "clinical_radiomics"
VARIANTS = (DLR, RADIOMICS, CLINICAL)
IMAGE_VARIANTS = frozenset({DLR, RADIOMICS})

TITLES = {DLR: "Clinical-DLR", RADIOMICS: "Clinical-Radiomics", CLINICAL: "Clinical"}

NO_BUNDLE = {
    DLR: "no network bundle is installed",
    RADIOMICS: "no radiomics bundle is installed",
    CLINICAL: "no clinical bundle is installed",
}

RAD_SCORE = "rad_score"
DL_PROB = "dl_prob"
"""Columns of the graph behind the clinical ones."""


def pinned_variants(pins: Pins) -> dict[str, BundleReference]:
    """Return variant -> bundle as it was pinned, richest first."""
    return {one.variant: one.bundle for one in pins.bundles}
