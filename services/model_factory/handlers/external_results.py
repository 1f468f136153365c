"""Results of ``validate`` that bundles carry; a test repeats each on the real sheet where it lies."""

from __future__ import annotations

from typing import Any

_DUKE = (
    "Duke-Breast-Cancer-MRI clinical sheet: 145 clinically node-positive patients with neoadjuvant chemotherapy and "
    "known pathological N, 2 without T left out; HER2 negative scored as HER2 0"
)
_SOURCE = "oncorelay validate ln_pcr-clinical-published --cohort duke=duke_clinical.xlsx"
_WALD = "logistic recalibration, Wald, 95 %"


def _metric(name: str, value: float, interval: tuple[float, float] | None, method: str) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "interval": interval,
        "interval_method": method,
        "positive_class": "axillary_pcr",
        "n": 143,
        "positives": 49,
        "cohort": _DUKE,
        "source": _SOURCE,
    }


# Rounded to four decimals.
DUKE_METRICS: tuple[dict[str, Any], ...] = (
    _metric("auc", 0.6427, (0.5463, 0.7392), "DeLong (midranks of Sun & Xu), normal, 95 %"),
    _metric("sensitivity_at_0.5", 0.5510, (0.4132, 0.6815), "Wilson score, 95 %"),
    _metric("specificity_at_0.5", 0.7340, (0.6368, 0.8129), "Wilson score, 95 %"),
    _metric("observed_to_expected", 0.7432, (0.5923, 0.9326), "log ratio, 95 %"),
    _metric("calibration_in_the_large", -0.5556, (-0.9207, -0.1905), _WALD),
    _metric("calibration_slope", 0.7635, (0.2564, 1.2705), _WALD),
    _metric("calibration_intercept", -0.5669, (-0.9254, -0.2085), _WALD),
    _metric("brier", 0.2265, None, ""),
    _metric("brier_of_prevalence", 0.2252, None, ""),
)
