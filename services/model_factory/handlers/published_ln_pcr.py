"""The Clinical LN-pCR model as far as paper 000 publishes it, and the intercept it does not publish.

Table 3 models the 216 patients with residual nodal disease: its univariable ratios are reproduced by table 2 only with
the 216 column as the event (ER positive: 143 x 145 / (73 x 86) = 3.30). Axillary pCR is the 231 column: its 138
patients without residual breast tumour are the total pCR of table 1. Two labels of table 1, and the sentence that
gives 216 patients without residual nodal disease, are swapped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product

MODELLED_EVENT = "residual_nodal_disease"

# Paper 000, table 3, multivariable odds ratios of residual nodal disease; references ER negative, HER2 0, T1.
ODDS_RATIOS: Mapping[str, float] = {
    "er_positive": 2.61,
    "her2_low": 1.43,
    "her2_3": 0.48,
    "t_2": 0.39,
    "t_3": 0.59,
    "t_4": 1.19,
}

# Paper 000, table 2: axillary pCR (N = 231) + axillary non-pCR (N = 216).
COUNTS: Mapping[str, Mapping[str, int]] = {
    "er": {"negative": 145 + 73, "positive": 86 + 143},
    "her2": {"0": 54 + 53, "low": 57 + 100, "3": 120 + 63},
    "t": {"1": 22 + 31, "2": 152 + 116, "3": 43 + 41, "4": 14 + 28},
}
PATIENTS = 447
NON_PCR_PATIENTS = 216  # paper 000, table 2, column head


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """Log odds of residual nodal disease = intercept + sum of the coefficients of the levels present."""

    intercept: float
    coefficients: Mapping[str, float]

    def log_odds(self, levels: Mapping[str, str]) -> float:
        """Return the log odds of residual nodal disease; a level without coefficient is a reference level."""
        present = (f"{name}_{level}" for name, level in levels.items())
        return math.fsum([self.intercept, *(self.coefficients.get(name, 0.0) for name in present)])

    def non_pcr(self, levels: Mapping[str, str]) -> float:
        """Return P(residual nodal disease)."""
        return 1.0 / (1.0 + math.exp(-self.log_odds(levels)))

    def pcr(self, levels: Mapping[str, str]) -> float:
        """Return P(axillary pCR)."""
        return 1.0 / (1.0 + math.exp(self.log_odds(levels)))


def published_model() -> PublishedModel:
    """Return the published coefficients with the intercept that makes the mean P(non-pCR) 216/447."""
    coefficients = {name: math.log(ratio) for name, ratio in ODDS_RATIOS.items()}

    def excess(intercept: float) -> float:
        return mean_non_pcr(PublishedModel(intercept, coefficients)) - NON_PCR_PATIENTS / PATIENTS

    return PublishedModel(_root(excess, -10.0, 10.0), coefficients)


def mean_non_pcr(model: PublishedModel) -> float:
    """Return the mean P(non-pCR) over the product of table 2's marginals of ER, HER2 and T.

    The joint distribution is not published; the product takes the three as independent.
    """
    names = tuple(COUNTS)
    return math.fsum(
        math.prod(COUNTS[name][level] / PATIENTS for name, level in zip(names, row, strict=True))
        * model.non_pcr(dict(zip(names, row, strict=True)))
        for row in product(*COUNTS.values())
    )


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return the zero of an increasing function by bisection, to the last bit that a float carries."""
    while True:
        middle = (low + high) / 2
        if middle in (low, high):
            return middle
        low, high = (middle, high) if function(middle) < 0 else (low, middle)
