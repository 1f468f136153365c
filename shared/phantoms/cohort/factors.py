"""The 19 categorical candidates of paper 002, table 1, column "Overall" (N = 326), with "unknown" as a level.

Where the paper contradicts itself the reading is: endocrine therapy received by 142 of 326 (the text; its table repeats
the luminal subtypes), ER positive 192 and PR positive 176 (table 1; table 2 has them the other way round).
"""

from __future__ import annotations

from dataclasses import dataclass

UNKNOWN = "unknown"
_YES_NO = ("no", "yes")
_YES_NO_UNKNOWN = ("no", "yes", UNKNOWN)


@dataclass(frozen=True, slots=True)
class Factor:
    """One categorical candidate; the first level is the reference."""

    name: str
    display: str
    levels: tuple[str, ...]
    counts: tuple[int, ...]
    """Of 326, in the order of the levels."""


PATIENTS = 326

FACTORS_TABLE: tuple[Factor, ...] = (
    Factor("other_organ_metastasis", "Metastasis to other organs", _YES_NO, (230, 96)),
    Factor("endocrine_therapy_received", "Endocrine therapy received", _YES_NO, (184, 142)),
    Factor("targeted_therapy", "Targeted therapy", _YES_NO, (212, 114)),
    Factor("immunotherapy", "Immunotherapy", _YES_NO, (316, 10)),
    Factor("radiotherapy", "Radiotherapy", _YES_NO, (116, 210)),
    Factor("chemotherapy", "Chemotherapy", _YES_NO, (24, 302)),
    Factor("t", "AJCC T", ("1", "2", "3", "4", UNKNOWN), (90, 146, 24, 24, 42)),
    Factor("n", "AJCC N", ("0", "1", "2", "3", UNKNOWN), (114, 82, 62, 42, 26)),
    Factor("m", "AJCC M", ("0", "1"), (318, 8)),
    Factor("surgery", "Surgery", ("mastectomy", "conserving", "none"), (278, 32, 16)),
    Factor("grade", "Pathological grade", ("1", "2", "3", "4", UNKNOWN), (14, 106, 60, 4, 142)),
    Factor("er", "Oestrogen receptor positive", _YES_NO_UNKNOWN, (104, 192, 30)),
    Factor("pr", "Progesterone receptor positive", _YES_NO_UNKNOWN, (120, 176, 30)),
    Factor("her2", "HER2 positive", _YES_NO_UNKNOWN, (78, 212, 36)),
    Factor("ki67_above_14", "Ki-67 above 14 %", _YES_NO_UNKNOWN, (54, 202, 70)),
    Factor("subtype", "Subtype", ("luminal_a", "luminal_b", "triple_negative", "her2"), (16, 240, 42, 28)),
    Factor("laterality", "Laterality", ("left", "right", "bilateral"), (184, 138, 4)),
    Factor("pathology", "Pathological type", ("ductal", "lobular", "other", UNKNOWN), (244, 6, 36, 40)),
    Factor("menopausal", "Menopausal", _YES_NO, (154, 172)),
)


def factor(name: str) -> Factor:
    """Return the factor ``name``."""
    return next(one for one in FACTORS_TABLE if one.name == name)
