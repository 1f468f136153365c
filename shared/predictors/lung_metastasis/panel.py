"""The five inputs of the nomogram, as paper 002 selected them, and what the paper found about each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.domain.facts import FactName

NAME = "lung_metastasis"
VARIANT = "nomogram"
POSITIVE_CLASS = "lung_metastasis"
"""The only event this predictor gives a probability of; a bundle that scores another one is refused."""

ENDOCRINE = "endocrine_therapy_received"
ENDOCRINE_LEVELS = ("yes", "no")

LUMINAL = "luminal_status"
"""Pinned beside the inputs where it is known (``yes`` or ``no``): the paper's column of endocrine therapy equals the
indicator of luminal subtypes in every cell, so nobody knows which of the two entered its nomogram."""


@dataclass(frozen=True, slots=True)
class Analyte:
    """One measured input."""

    fact: FactName
    unit: str
    """UCUM; the facts come in it, and a bundle must be made in it."""
    paper_cut: str
    """Cut of the maximally selected rank statistic of paper 002, in ``unit``: data-driven there, a rule nowhere."""


ANALYTES: Mapping[str, Analyte] = {
    "hscrp": Analyte(FactName.HSCRP, "mg/L", "16.8"),
    "il6": Analyte(FactName.IL6, "pg/mL", "16.19"),
    "ifn_alpha": Analyte(FactName.IFN_ALPHA, "pg/mL", "2.36"),
    "tnf_alpha": Analyte(FactName.TNF_ALPHA, "pg/mL", "1.35"),
}
"""Name of the input -> what it is measured as (paper 002, supplementary figure 2 for the cuts)."""

LABELS: Mapping[str, str] = {
    ENDOCRINE: "Endocrine therapy received",
    "hscrp": "hsCRP",
    "il6": "IL-6",
    "ifn_alpha": "IFN-α",
    "tnf_alpha": "TNF-α",
}
"""Name of the input -> how a clinician calls it."""

TITLE = "Risk of lung metastasis of breast cancer"

INPUTS = (ENDOCRINE, *ANALYTES)
"""Every input, in the order people read them."""
