"""Draw candidates: a Gaussian copula for what is measured, conditional tables for what is categorical."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from shared.phantoms.cohort.factors import FACTORS_TABLE, PATIENTS, UNKNOWN, factor
from shared.phantoms.cohort.measured import FACTORS, MEASURED, Measured

Numbers = NDArray[np.float64]
Levels = NDArray[np.str_]
QUARTILE = 0.6744897501960817
"""Upper quartile of the standard normal."""


def draw_measured(rng: np.random.Generator, n: int) -> tuple[dict[str, Numbers], dict[str, Numbers]]:
    """Return (values by candidate, latent factors by name), each (n,); values not yet rounded or censored."""
    factors = {name: rng.standard_normal(n) for name in FACTORS}
    return {one.name: _values(one, _latent(rng, one, factors, n)) for one in MEASURED}, factors


def _latent(rng: np.random.Generator, one: Measured, factors: Mapping[str, Numbers], n: int) -> Numbers:
    own = math.sqrt(1.0 - sum(loading**2 for _, loading in one.loadings))
    shared: Numbers = own * rng.standard_normal(n)
    for name, loading in one.loadings:
        shared = shared + loading * factors[name]
    return shared


def _values(one: Measured, latent: Numbers) -> Numbers:
    low, middle, high = (math.log(quartile) for quartile in one.quartiles)
    below = (middle - low) / QUARTILE * np.minimum(latent, 0.0)
    above = (high - middle) / QUARTILE * np.clip(latent, 0.0, QUARTILE)
    beyond = one.tail * (high - middle) / QUARTILE * np.maximum(latent - QUARTILE, 0.0)
    return np.asarray(np.exp(middle + below + above + beyond), dtype=np.float64)


def draw_factors(rng: np.random.Generator, n: int, latent: Mapping[str, Numbers]) -> dict[str, Levels]:
    """Return every categorical candidate, (n,) of level names; receptors, treatments and stage hang together."""
    drawn = _subtype_and_receptors(rng, n)
    luminal = np.isin(drawn["subtype"], ("luminal_a", "luminal_b"))
    progesterone = drawn["pr"] == "yes"
    # .8 of the PR positive would be all 142; some of them go to the other luminal patients.
    endocrine = np.where(progesterone, 0.74, np.where(luminal, 0.147, 0.0))
    # Table 1: 114 of 326, most of them among the 212 HER2 positive.
    targeted = np.where(drawn["her2"] == "yes", 0.5, 0.07)
    drawn["endocrine_therapy_received"] = _flag(rng, endocrine)
    drawn["targeted_therapy"] = _flag(rng, targeted)
    drawn["menopausal"] = _ordered(rng, "menopausal", latent["age"], 0.8)
    stage = rng.standard_normal(n)
    for name, weight in (("t", 0.6), ("n", 0.6), ("grade", 0.3), ("radiotherapy", 0.4), ("chemotherapy", 0.3)):
        drawn[name] = _ordered(rng, name, stage, weight)
    drawn["other_organ_metastasis"] = _ordered(rng, "other_organ_metastasis", latent["tumour"], 0.3)
    for name in ("immunotherapy", "m", "surgery", "laterality", "pathology"):
        drawn[name] = _ordered(rng, name, stage, 0.0)
    return {one.name: drawn[one.name] for one in FACTORS_TABLE}


def _subtype_and_receptors(rng: np.random.Generator, n: int) -> dict[str, Levels]:
    subtype = _ordered(rng, "subtype", np.zeros(n), 0.0)
    luminal = np.isin(subtype, ("luminal_a", "luminal_b"))
    unknown = rng.random(n) < factor("er").counts[2] / PATIENTS
    share = sum(factor("subtype").counts[:2]) / PATIENTS
    receptors = {}
    for name in ("er", "pr"):
        positive = factor(name).counts[1] / PATIENTS / share / (1 - factor("er").counts[2] / PATIENTS)
        yes = luminal & (rng.random(n) < positive)
        receptors[name] = np.where(unknown, UNKNOWN, np.where(yes, "yes", "no"))
    # Table 1: 212 of 326 HER2 positive: every HER2 subtype, no triple negative, no luminal A, 78 % of luminal B.
    her2 = (subtype == "her2") | ((subtype == "luminal_b") & (rng.random(n) < 0.876))
    silent = rng.random(n) < factor("her2").counts[2] / PATIENTS
    receptors["her2"] = np.where(silent, UNKNOWN, np.where(her2, "yes", "no"))
    high = (subtype != "luminal_a") & (rng.random(n) < 0.83)
    quiet = rng.random(n) < factor("ki67_above_14").counts[2] / PATIENTS
    receptors["ki67_above_14"] = np.where(quiet, UNKNOWN, np.where(high, "yes", "no"))
    return {"subtype": subtype, **receptors}


def _flag(rng: np.random.Generator, probability: Numbers) -> Levels:
    return np.where(rng.random(len(probability)) < probability, "yes", "no")


def _ordered(rng: np.random.Generator, name: str, latent: Numbers, weight: float) -> Levels:
    """Cut a normal that has correlation ``weight`` with ``latent`` at the table's shares; unknown is cut apart."""
    one = factor(name)
    known = [(level, count) for level, count in zip(one.levels, one.counts, strict=True) if level != UNKNOWN]
    normal = weight * latent + math.sqrt(1 - weight**2) * rng.standard_normal(len(latent))
    shares = np.cumsum([count for _, count in known]) / sum(count for _, count in known)
    cuts = [NormalDist().inv_cdf(share) for share in shares[:-1]]
    place = np.searchsorted(cuts, normal, side="right")
    silent = rng.random(len(latent)) < 1 - sum(count for _, count in known) / sum(one.counts)
    return np.where(silent, UNKNOWN, np.array([level for level, _ in known])[place])
