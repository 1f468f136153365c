"""What is measured in blood and becomes a fact: codes, unit, and the limits no living patient leaves.

Codes and their sources: ``shared/codes/loinc.py``. No LOINC code was found for the mass concentration of interferon
alpha: a site names its laboratory's own code (``[[lab_consumer.site_code]]``).

Limits are there to catch a wrong unit or a slipped decimal point, not to judge health: each lies above the highest
value its source reports, and what is above is impossible rather than high.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from shared.codes import loinc, ucum
from shared.domain.coding import Coding
from shared.domain.facts import FactName

SITE_SYSTEM = "urn:oncorelay:site-code"
"""Code system of what a site's own code means, put beside it at the door; from anywhere else it is removed."""


@dataclass(frozen=True, slots=True)
class Analyte:
    """One row: what a value is called, in which unit it is kept, and up to where it is believed."""

    name: FactName
    codes: tuple[Coding, ...]
    unit: str
    high: Decimal
    source: str
    """Of the upper limit, with what was found there."""
    likely: str
    """What is to be looked at first where a value is above it."""


ANALYTES = (
    Analyte(
        FactName.HSCRP,
        loinc.HSCRP,
        ucum.MILLIGRAM_PER_LITRE,
        Decimal(1000),
        "highest of 1,260 raised values: 576 mg/L (Landry 2017, Can Fam Physician 63:e316)",
        "was it measured in ug/L?",
    ),
    Analyte(
        FactName.IL6,
        loinc.IL6,
        ucum.PICOGRAM_PER_MILLILITRE,
        Decimal(1_000_000),
        "fatal septic shock: above 750 ng/mL (Waage 1989, J Exp Med 169:333)",
        "was it measured in fg/mL?",
    ),
    Analyte(
        FactName.IFN_ALPHA,
        (),
        ucum.PICOGRAM_PER_MILLILITRE,
        Decimal(5000),
        "ten times the highest standard of an ELISA for serum, 500 pg/mL (IBL BE51041)",
        "was it measured in fg/mL?",
    ),
    Analyte(
        FactName.TNF_ALPHA,
        loinc.TNF_ALPHA,
        ucum.PICOGRAM_PER_MILLILITRE,
        Decimal(10_000),
        "septic shock: up to 5,000 pg/mL (Crit Care Med 1989, 17:975)",
        "was it measured in fg/mL?",
    ),
    Analyte(
        FactName.NEUTROPHILS,
        loinc.NEUTROPHILS,
        ucum.THOUSAND_PER_MICROLITRE,
        Decimal(500),
        # mCODE's own example says 3000 x10*3/uL for 3000 /uL.
        "hyperleukocytosis begins at 100 x10*3/uL of all white cells (The Blood Project, 2024)",
        "was it counted per uL?",
    ),
)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A code that is taken for one of ours, and is another one."""

    reason: str
    """Why it is not read, and what to send instead."""
    may_be: FactName | None = None
    """What a site may declare it to be, because its property could not be confirmed."""


_MASS_OF_IL6 = f"send {loinc.IL6[0].code} (mass concentration in serum or plasma)"
_MASS_OF_TNF = f"send {loinc.TNF_ALPHA[0].code} (mass concentration in serum or plasma)"
_SITE_IFN = "send the mass concentration in pg/mL under a code the site declares as ifn_alpha"

NEIGHBOURS: Mapping[str, Neighbour] = {
    # Mayo CRPP.
    "1988-5": Neighbour(
        "1988-5 is C-reactive protein, not by a high sensitivity method: it is no hsCRP; where the method is a high "
        f"sensitivity one, send {loinc.HSCRP[0].code}"
    ),
    # loinc.org.
    "49732-1": Neighbour(f"49732-1 is interleukin 6 in a body fluid, not in serum or plasma: {_MASS_OF_IL6}"),
    # healthassure.
    "99103-4": Neighbour(f"99103-4 is TNF-alpha in arbitrary units per volume, which have no mass: {_MASS_OF_TNF}"),
    # ARUP 0093148, measured by Quest, which reports IU/mL; official property unconfirmed.
    "12731-6": Neighbour(
        f"12731-6 is interferon alpha without a confirmed property, mostly reported in IU/mL: {_SITE_IFN}",
        FactName.IFN_ALPHA,
    ),
    # healthassure: "DEPRECATED Interferon alpha in Serum or Plasma", order only.
    "55458-4": Neighbour(f"55458-4 is deprecated and names an order, no result: {_SITE_IFN}"),
    # Labelled TNF-alpha in public code lists, against Mayo and ARUP.
    "3236-2": Neighbour(f"3236-2 has no LOINC check digit, though some lists call it TNF-alpha: {_MASS_OF_TNF}"),
    "57835-4": Neighbour(f"57835-4 has no LOINC check digit, though some lists call it TNF-alpha: {_MASS_OF_TNF}"),
}
"""LOINC code -> why it is not read."""
