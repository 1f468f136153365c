"""The 30 measured candidates of paper 002: marginals, assay limits, and what they share.

Medians and quartiles: paper 002, table 1, column "Overall" (N = 326); where the paper rounds quartiles to one digit the
value used lies within the rounding. Tails, loadings, detection and assay limits are the simulation's own.
"""

from __future__ import annotations

from dataclasses import dataclass

FACTORS = ("inflammation", "cytokines", "tumour", "age", "marrow")
"""Latent factors, independent standard normal."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One measured candidate; ln(value) is normal on either side of the median, with its own spread."""

    name: str
    display: str
    unit: str
    """UCUM."""
    quartiles: tuple[float, float, float]
    tail: float = 1.0
    """Factor on the spread beyond the upper quartile."""
    loadings: tuple[tuple[str, float], ...] = ()
    """Correlation of the latent normal with each factor; the squares sum to less than 1."""
    limits: tuple[float, float] | None = None
    """Detection limit and upper end of the assay; below the first the sheet reads ``<limit``."""
    decimals: int = 2


def _m(  # one line per candidate keeps the table readable
    name: str,
    display: str,
    unit: str,
    quartiles: tuple[float, float, float],
    *loadings: tuple[str, float],
    tail: float = 1.0,
    limits: tuple[float, float] | None = None,
    decimals: int = 2,
) -> Measured:
    return Measured(name, display, unit, quartiles, tail, loadings, limits, decimals)


MEASURED: tuple[Measured, ...] = (
    _m("age", "Age", "a", (45, 52, 58), ("age", 0.9), decimals=0),
    _m("bmi", "Body mass index", "kg/m2", (21.48, 22.97, 24.61), ("inflammation", 0.2), ("age", 0.15)),
    _m("b2mg", "Beta-2 microglobulin", "ug/mL", (1.53, 1.80, 2.24), ("inflammation", 0.3), ("age", 0.3)),
    _m("cea", "Carcinoembryonic antigen", "ng/mL", (1.6, 2.2, 3.9), ("tumour", 0.6), tail=1.8),
    _m("tsgf", "Tumour-specific growth factor", "U/mL", (46, 53, 62), ("tumour", 0.3), decimals=1),
    _m("scc", "Squamous cell carcinoma antigen", "ug/mL", (0.47, 0.58, 0.78), ("tumour", 0.2)),
    _m("ca125", "CA 125", "U/mL", (10, 14, 22), ("tumour", 0.6), ("inflammation", 0.25), tail=1.5, decimals=1),
    _m("ca153", "CA 15-3", "U/mL", (8, 10.4, 20), ("tumour", 0.7), tail=1.4, decimals=1),
    _m("ca50", "CA 50", "[IU]/mL", (4, 6, 11), ("tumour", 0.5), decimals=1),
    _m("ferritin", "Ferritin", "ng/mL", (58, 110, 219), ("inflammation", 0.5), ("tumour", 0.2), decimals=0),
    _m("hscrp", "High-sensitivity C-reactive protein", "mg/L", (1.0, 1.8, 3.4), ("inflammation", 0.7), tail=1.7,
       limits=(0.1, 200.0)),
    _m("neutrophils", "Neutrophil count", "10*9/L", (2.34, 3.05, 4.41), ("inflammation", 0.5), ("marrow", 0.5)),
    _m("lymphocytes", "Lymphocyte count", "10*9/L", (1.12, 1.36, 1.72), ("marrow", 0.4), ("inflammation", -0.2)),
    _m("haemoglobin", "Haemoglobin", "g/L", (114, 125, 132), ("inflammation", -0.3), ("marrow", 0.3), decimals=0),
    _m("platelets", "Platelet count", "10*9/L", (179, 236, 290), ("inflammation", 0.3), ("marrow", 0.4), decimals=0),
    _m("monocytes", "Monocyte count", "10*9/L", (0.31, 0.38, 0.52), ("inflammation", 0.45), ("marrow", 0.4)),
    _m("albumin", "Albumin", "g/L", (40.7, 43.6, 46.5), ("inflammation", -0.45), ("age", -0.2), decimals=1),
    _m("fibrinogen", "Fibrinogen", "g/L", (3.27, 3.86, 4.21), ("inflammation", 0.55)),
    _m("ifn_alpha", "Interferon alpha", "pg/mL", (1.46, 2.14, 3.67), ("cytokines", 0.4), limits=(0.5, 100.0)),
    _m("ifn_gamma", "Interferon gamma", "pg/mL", (1.9, 2.8, 4.8), ("cytokines", 0.5), limits=(0.5, 500.0)),
    _m("il12p70", "Interleukin 12 p70", "pg/mL", (1.14, 1.94, 3.04), ("cytokines", 0.5), limits=(0.3, 500.0)),
    _m("il17a", "Interleukin 17A", "pg/mL", (2, 4, 10), ("cytokines", 0.45), ("inflammation", 0.2),
       limits=(0.5, 500.0)),
    _m("il1_beta", "Interleukin 1 beta", "pg/mL", (1.07, 1.75, 2.86), ("cytokines", 0.5), limits=(0.4, 500.0)),
    _m("il2", "Interleukin 2", "pg/mL", (0.98, 1.75, 3.17), ("cytokines", 0.5), limits=(0.3, 500.0)),
    _m("il4", "Interleukin 4", "pg/mL", (1.36, 2.06, 3.35), ("cytokines", 0.45), limits=(0.3, 500.0)),
    _m("il5", "Interleukin 5", "pg/mL", (0.68, 1.11, 1.54), ("cytokines", 0.4), limits=(0.2, 500.0)),
    _m("il6", "Interleukin 6", "pg/mL", (3, 5, 9), ("inflammation", 0.55), ("cytokines", 0.15), tail=1.5,
       limits=(0.5, 1000.0)),
    _m("il8", "Interleukin 8", "pg/mL", (6, 9, 14), ("inflammation", 0.45), ("cytokines", 0.2), limits=(1.0, 1000.0)),
    _m("il10", "Interleukin 10", "pg/mL", (2.07, 3.35, 4.48), ("cytokines", 0.4), limits=(0.5, 500.0)),
    _m("tnf_alpha", "Tumour necrosis factor alpha", "pg/mL", (1.23, 1.95, 3.45), ("cytokines", 0.4),
       limits=(0.4, 200.0)),
)  # fmt: skip
