"""What each Observation.code asks and what it may answer: the table behind the reader, one row per question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from shared.codes import hl7_terminology, local, loinc, snomed, ucum
from shared.codes.analytes import ANALYTES, SITE_SYSTEM, Analyte
from shared.domain.coding import Coding
from shared.domain.facts import FactName
from shared.fhir.reading.elements import Key, key


@dataclass(frozen=True, slots=True)
class Coded:
    """Answered by a code: which fact, which token."""

    answers: Mapping[Key, tuple[FactName, str]]


@dataclass(frozen=True, slots=True)
class Measured:
    """Answered by a quantity from 0 up to a limit no living patient passes."""

    name: FactName
    unit: str
    high: Decimal
    limits: str
    """Where the limit comes from, as the sentence of the refusal."""
    in_blood: bool
    """A laboratory value: its specimen counts, and a bound (``<2.5``) is kept as one."""


@dataclass(frozen=True, slots=True)
class Staged:
    """Answered by a TNM category; ``prefix`` is ``c``, ``p`` or nothing where the question leaves it open."""

    letter: str
    prefix: str


@dataclass(frozen=True, slots=True)
class YesOrNo:
    """Answered by yes or no, as a boolean or as a code."""

    coded: Coded


Question = Coded | Measured | Staged | YesOrNo


def _answers(name: FactName, tokens: Mapping[str, Iterable[Coding]]) -> dict[Key, tuple[FactName, str]]:
    return {key(coding): (name, token) for token, rows in tokens.items() for coding in rows}


_ER = _answers(
    FactName.ESTROGEN_RECEPTOR,
    {
        "positive": (loinc.POSITIVE, snomed.POSITIVE, snomed.ER_POSITIVE),
        "negative": (loinc.NEGATIVE, snomed.NEGATIVE, snomed.ER_NEGATIVE, snomed.ER_ABSENT),
        "equivocal": (snomed.EQUIVOCAL,),
    },
)
_PR = _answers(
    FactName.PROGESTERONE_RECEPTOR,
    {
        "positive": (loinc.POSITIVE, snomed.POSITIVE, snomed.PR_POSITIVE),
        "negative": (loinc.NEGATIVE, snomed.NEGATIVE, snomed.PR_NEGATIVE),
        "equivocal": (snomed.EQUIVOCAL,),
    },
)
_SCORES = {(loinc.SYSTEM, answer): (FactName.HER2_IHC_SCORE, score) for answer, score in loinc.HER2_IHC_SCORES.items()}
_HER2 = _SCORES | _answers(
    FactName.HER2_INTERPRETATION,
    {
        "positive": (loinc.POSITIVE, snomed.POSITIVE, snomed.HER2_POSITIVE),
        "low": (snomed.HER2_LOW,),
        "negative": (loinc.NEGATIVE, snomed.NEGATIVE, snomed.HER2_NEGATIVE),
        "equivocal": (snomed.EQUIVOCAL,),
    },
)
_ISH = _answers(
    FactName.HER2_ISH,
    {
        "positive": (loinc.POSITIVE, snomed.POSITIVE),
        "negative": (loinc.NEGATIVE, snomed.NEGATIVE),
        "equivocal": (snomed.EQUIVOCAL,),
    },
)


_ENDOCRINE = Coded(
    _answers(
        FactName.ENDOCRINE_THERAPY_RECEIVED,
        {"yes": (hl7_terminology.YES,), "no": (hl7_terminology.NO,)},
    )
)


def _percent(name: FactName) -> Measured:
    return Measured(name, ucum.PERCENT, Decimal(100), "a share of cells is from 0 to 100 %", in_blood=False)


def _analyte(row: Analyte) -> Measured:
    limits = (
        f"impossible: no patient has more than {row.high} ({row.unit}); {row.likely} Source of the limit: {row.source}"
    )
    return Measured(row.name, row.unit, row.high, limits, in_blood=True)


def _at_site(name: FactName) -> Coding:
    return Coding(SITE_SYSTEM, name.value)


_ROWS: tuple[tuple[tuple[Coding, ...], Question], ...] = (
    ((*loinc.ER_STATUS, snomed.ER_STATUS), Coded(_ER)),
    (loinc.ER_PERCENT, _percent(FactName.ESTROGEN_RECEPTOR_PERCENT)),
    ((*loinc.PR_STATUS, snomed.PR_STATUS), Coded(_PR)),
    (loinc.PR_PERCENT, _percent(FactName.PROGESTERONE_RECEPTOR_PERCENT)),
    (loinc.HER2_STATUS, Coded(_HER2)),
    (loinc.HER2_ISH, Coded(_ISH)),
    *(((*row.codes, _at_site(row.name)), _analyte(row)) for row in ANALYTES),
    ((local.ENDOCRINE_RECEIVED, _at_site(FactName.ENDOCRINE_THERAPY_RECEIVED)), YesOrNo(_ENDOCRINE)),
    ((snomed.CLINICAL_T, loinc.CLINICAL_T), Staged("T", "c")),
    ((snomed.CLINICAL_N, loinc.CLINICAL_N), Staged("N", "c")),
    ((snomed.CLINICAL_M, loinc.CLINICAL_M), Staged("M", "c")),
    ((snomed.PATHOLOGICAL_T, loinc.PATHOLOGICAL_T), Staged("T", "p")),
    ((snomed.PATHOLOGICAL_N, loinc.PATHOLOGICAL_N), Staged("N", "p")),
    ((snomed.PATHOLOGICAL_M, loinc.PATHOLOGICAL_M), Staged("M", "p")),
    ((snomed.T_CATEGORY,), Staged("T", "")),
    ((snomed.N_CATEGORY,), Staged("N", "")),
    ((snomed.M_CATEGORY,), Staged("M", "")),
)

QUESTIONS: Mapping[Key, Question] = {key(coding): question for rows, question in _ROWS for coding in rows}
"""Observation.code -> question."""

IN_BLOOD = frozenset(row.name for row in ANALYTES)
"""Facts that are measured in blood."""

STAGES: Mapping[tuple[str, str], FactName] = {
    ("c", "T"): FactName.CLINICAL_T,
    ("c", "N"): FactName.CLINICAL_N,
    ("c", "M"): FactName.CLINICAL_M,
    ("p", "T"): FactName.PATHOLOGICAL_T,
    ("p", "N"): FactName.PATHOLOGICAL_N,
    ("p", "M"): FactName.PATHOLOGICAL_M,
}
CATEGORIES: Mapping[Key, tuple[str, str]] = {
    (snomed.SYSTEM, code): category for code, category in snomed.TNM_VALUES.items()
}
"""TNM value -> (prefix, category)."""
