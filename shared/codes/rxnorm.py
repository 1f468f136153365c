"""RxNorm codes of the medicines that make a therapy.

Sources, by the tag behind each code: ``mCODE`` HL7 FHIR mCODE 4.0.0 examples; ``Synthea`` its breast cancer modules
and their list of mCODE medications; ``CIBMTR`` the CIBMTR reporting IG's medication value sets; ``2`` two independent
public oncology code lists that agree. RxNorm has a code per ingredient, brand and strength: a code that is not here is
not guessed from its display.
"""

from __future__ import annotations

from collections.abc import Mapping

SYSTEM = "http://www.nlm.nih.gov/research/umls/rxnorm"

THERAPIES: Mapping[str, str] = {
    "3639": "chemotherapy",  # doxorubicin: mCODE
    "1790099": "chemotherapy",  # 10 ML doxorubicin hydrochloride 2 MG/ML Injection: mCODE, Synthea
    "3002": "chemotherapy",  # cyclophosphamide: mCODE, CIBMTR
    "1734919": "chemotherapy",  # cyclophosphamide 1000 MG Injection: Synthea
    "56946": "chemotherapy",  # paclitaxel: mCODE
    "583214": "chemotherapy",  # paclitaxel 100 MG Injection: Synthea
    "72962": "chemotherapy",  # docetaxel: 2
    "1732186": "chemotherapy",  # 100 ML epirubicin hydrochloride 2 MG/ML Injection: Synthea
    "40048": "chemotherapy",  # carboplatin: CIBMTR
    "597195": "chemotherapy",  # carboplatin 10 MG/ML Injectable Solution: Synthea
    "309311": "chemotherapy",  # cisplatin 1 MG/ML Injectable Solution: mCODE
    "1791701": "chemotherapy",  # 10 ML fluorouracil 50 MG/ML Injection: Synthea
    "194000": "chemotherapy",  # capecitabine: 2
    "12574": "chemotherapy",  # gemcitabine: CIBMTR
    "10324": "endocrine",  # tamoxifen: Synthea
    "198240": "endocrine",  # tamoxifen 10 MG Oral Tablet: Synthea
    "84857": "endocrine",  # anastrozole: mCODE
    "199224": "endocrine",  # anastrozole 1 MG Oral Tablet: Synthea
    "262485": "endocrine",  # Arimidex: Synthea
    "203769": "endocrine",  # Femara: Synthea
    "200064": "endocrine",  # letrozole 2.5 MG Oral Tablet: Synthea
    "262105": "endocrine",  # Aromasin: Synthea
    "310261": "endocrine",  # exemestane 25 MG Oral Tablet: Synthea
    "203870": "endocrine",  # Faslodex: Synthea
    "727762": "endocrine",  # 5 ML fulvestrant 50 MG/ML Prefilled Syringe: Synthea
    "203000": "endocrine",  # Megace: Synthea
    "224905": "her2",  # trastuzumab: 2
    "101306": "her2",  # Herceptin: Synthea
    "2119714": "her2",  # trastuzumab and hyaluronidase-oysk Injection: Synthea
    "1298944": "her2",  # pertuzumab: 2
    "1371046": "her2",  # Kadcyla: Synthea
    "1658084": "her2",  # ado-trastuzumab emtansine 100 MG Injection: Synthea
    "659616": "her2",  # Tykerb: Synthea
    "672149": "her2",  # lapatinib 250 MG Oral Tablet: Synthea
    "1940649": "her2",  # Nerlynx: Synthea
    "1940648": "her2",  # neratinib 40 MG Oral Tablet: Synthea
    "1601380": "other",  # palbociclib 100 MG Oral Capsule: Synthea
    "1873983": "other",  # ribociclib 200 MG Oral Tablet: Synthea
    "1946840": "other",  # Verzenio 100 MG Oral Tablet: Synthea
}
"""Medicine -> class of ``FactName.THERAPY``. Methotrexate (6851) is left out: it is mostly given for other diseases."""
