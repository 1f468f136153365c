"""SNOMED CT codes that facts are read from.

Sources, by the tag behind each code: ``mCODE`` HL7 FHIR mCODE 4.0.0 value sets and examples; ``ICHOM`` HL7 FHIR ICHOM
Breast Cancer value sets; ``Synthea`` Synthea's breast cancer modules; ``CID`` DICOM PS3.16 context groups; ``MII``
Medizininformatik-Initiative oncology examples; ``EU`` a European breast cancer FHIR project.
"""

from __future__ import annotations

from collections.abc import Mapping

from shared.domain.coding import Coding
from shared.domain.identity import Side

SYSTEM = "http://snomed.info/sct"


def code(value: str, display: str) -> Coding:
    """Return the coding of one SNOMED CT concept."""
    return Coding(SYSTEM, value, display)


BREAST = code("76752008", "Breast structure")  # ICHOM, CID 6003
LEFT_BREAST = code("80248007", "Left breast structure")  # mCODE, ICHOM
RIGHT_BREAST = code("73056007", "Right breast structure")  # ICHOM
BOTH_BREASTS = code("63762007", "Both breasts")  # ICHOM
LEFT = code("7771000", "Left")  # mCODE LateralityQualifierVS, CID 244
RIGHT = code("24028007", "Right")  # mCODE LateralityQualifierVS, CID 244
RIGHT_AND_LEFT = code("51440002", "Right and left")  # mCODE LateralityQualifierVS, CID 244

MORPHOLOGICALLY_ABNORMAL = code("49755003", "Morphologically Abnormal Structure")  # CID 7150, segment category
NEOPLASM = code("108369006", "Neoplasm")  # CID 7159, CID 7151, segment type
TISSUE = code("85756007", "Tissue")  # CID 7150, segment category
HISTOPATHOLOGY = code("252416005", "Histopathology")  # CID 8131, pathology imaging procedure
VOLUME = code("118565006", "Volume")  # CID 7469, CID 218

BREAST_SITES: Mapping[str, Side | None] = {
    BREAST.code: None,
    LEFT_BREAST.code: Side.LEFT,
    RIGHT_BREAST.code: Side.RIGHT,
    BOTH_BREASTS.code: Side.BOTH,
}
"""Body sites that are the breast, with the side they name."""

LATERALITIES: Mapping[str, Side] = {LEFT.code: Side.LEFT, RIGHT.code: Side.RIGHT, RIGHT_AND_LEFT.code: Side.BOTH}

PRIMARY_BREAST_CANCERS: Mapping[str, Side | None] = {
    "254837009": None,  # Malignant neoplasm of breast: mCODE example, ICHOM
    "372137005": None,  # Primary malignant neoplasm of breast: ICHOM
    "353431000119107": Side.LEFT,  # Primary malignant neoplasm of female left breast: mCODE example
    "408643008": None,  # Infiltrating ductal carcinoma of breast: ICHOM
    "427685000": None,  # HER2 positive carcinoma of breast: ICHOM
    "431396003": None,  # HER2 negative carcinoma of breast: ICHOM
    "706970001": None,  # Triple negative malignant neoplasm of breast: EU
}
"""Conditions that are a primary breast cancer, with the side their code names."""

LUNG_METASTASIS = code("94391008", "Secondary malignant neoplasm of lung")  # CID 645, CID 8134
SECONDARY_CANCER = code("128462008", "Secondary malignant neoplastic disease")  # mCODE SecondaryCancerCondition
LUNG_SITES = frozenset({"39607008", "44029006", "3341006"})
"""Lung (CID 4031), left lung (GenomeX mCODE example), right lung (HL7 CDA imaging report example)."""

# Synthea's modules, as all of the two tables below. SNOMED CT has no codes that carry their hierarchy: a site that
# codes problems in it declares the ones it uses (``[[lab_consumer.site_code]]``).
INFECTIONS: Mapping[str, str] = {
    "233604007": "Pneumonia",
    "68566005": "Urinary tract infectious disease",
    "301011002": "Escherichia coli urinary tract infection",
    "45816000": "Pyelonephritis",
    "43878008": "Streptococcal sore throat",
    "195662009": "Acute viral pharyngitis",
    "444814009": "Viral sinusitis",
    "75498004": "Acute bacterial sinusitis",
    "840539006": "COVID-19",
    "87628006": "Bacterial infectious disease",
    "406602003": "Infection caused by Staphylococcus aureus",
    "76571007": "Septic shock",
    "770349000": "Sepsis caused by virus",
    "448417001": "Sepsis caused by Staphylococcus aureus",
    "448813005": "Sepsis caused by Pseudomonas",
}
RHEUMATIC_DISEASES: Mapping[str, str] = {
    "69896004": "Rheumatoid arthritis",
    "200936003": "Lupus erythematosus",
    "90560007": "Gout",
}

ER_STATUS = code("445028008", "Status of estrogen receptors of neoplasm")  # ICHOM
PR_STATUS = code("445029000", "Status of progesterone receptors of neoplasm")  # ICHOM

POSITIVE = code("10828004", "Positive")  # Synthea
NEGATIVE = code("260385009", "Negative")  # Synthea
EQUIVOCAL = code("280414007", "Equivocal result")  # ICHOM HER2ReceptorStatusVS
ER_POSITIVE = code("416053008", "Estrogen receptor positive tumor")  # ICHOM
ER_NEGATIVE = code("441117001", "Estrogen receptor negative neoplasm")  # EU
ER_ABSENT = code("373572006", "Clinical finding absent")  # ICHOM EstrogenStatusVS: its word for ER negative
PR_POSITIVE = code("416561008", "Progesterone receptor positive tumor")  # ICHOM
PR_NEGATIVE = code("441118006", "Progesterone receptor negative neoplasm")  # ICHOM
HER2_POSITIVE = code("427685000", "Human epidermal growth factor 2 positive carcinoma of breast")  # ICHOM
HER2_NEGATIVE = code("431396003", "Human epidermal growth factor 2 negative carcinoma of breast")  # ICHOM
HER2_LOW = code("1381317004", "HER2 low")  # MII
NOT_DONE = code("416237000", "Procedure not done")  # ICHOM receptor value sets

T_CATEGORY = code("78873005", "T category")  # mCODE TNMPrimaryTumorStagingTypeVS
CLINICAL_T = code("399504009", "cT category")
PATHOLOGICAL_T = code("384625004", "pT category")
N_CATEGORY = code("277206009", "N category")  # mCODE TNMRegionalNodesStagingTypeVS
CLINICAL_N = code("399534004", "cN category")
PATHOLOGICAL_N = code("371494008", "pN category")
M_CATEGORY = code("277208005", "M category")  # mCODE TNMDistantMetastasesStagingTypeVS
CLINICAL_M = code("399387003", "cM category")
PATHOLOGICAL_M = code("371497001", "pM category")

TNM_VALUES: Mapping[str, tuple[str, str]] = {
    "1222604002": ("c", "TX"),  # AJCC cTX: ICHOM TNMPrimaryTumorVS, as the T rows that follow
    "1228882005": ("c", "T0"),
    "1228885007": ("c", "Tis"),  # cTis(DCIS)
    "1228888009": ("c", "Tis"),  # cTis(Paget)
    "1228889001": ("c", "T1"),
    "1228929004": ("c", "T2"),
    "1228938002": ("c", "T3"),  # also mCODE example
    "1228944003": ("c", "T4"),
    "1228950008": ("p", "TX"),
    "1228951007": ("p", "T0"),
    "1228954004": ("p", "Tis"),  # pTis(DCIS)
    "1228956002": ("p", "Tis"),  # pTis(Paget)
    "1228957006": ("p", "T1"),
    "1229852009": ("p", "T2"),
    "1229859000": ("p", "T3"),  # also mCODE example
    "1229864001": ("p", "T4"),
    "1229966003": ("c", "NX"),  # AJCC cNX: ICHOM TNMRegionalNodesVS, as the N rows that follow
    "1229967007": ("c", "N0"),  # also mCODE example
    "1229973008": ("c", "N1"),
    "1229978004": ("c", "N2"),
    "1229984001": ("c", "N3"),  # also mCODE example
    "1229945006": ("p", "NX"),
    "1229947003": ("p", "N0"),  # also mCODE example
    "1229951001": ("p", "N1"),
    "1229957002": ("p", "N2"),
    "1229962001": ("p", "N3"),
    "1229901006": ("c", "M0"),  # AJCC cM0: ICHOM TNMDistantMetastasesVS, as the M rows that follow; mCODE example
    "1229903009": ("c", "M1"),
    "1229916009": ("p", "M1"),
    "58790005": (
        "",
        "T0",
    ),  # T0 category (finding): Synthea, as the rows that follow; neither clinical nor pathological
    "23351008": ("", "T1"),
    "67673008": ("", "T2"),
    "14410001": ("", "T3"),
    "65565005": ("", "T4"),
    "62455006": ("", "N0"),
    "53623008": ("", "N1"),
    "46059003": ("", "N2"),
    "5856006": ("", "N3"),
    "30893008": ("", "M0"),
    "55440008": ("", "M1"),
}
"""Category values: (``c`` or ``p`` or nothing where the code does not say, category without sub-category).

Sub-categories (cT1a, pN1mi, cN2a, the yp family, ...) have codes of their own that are deliberately not here: what a
sub-category folds to is a decision, and the yp family describes the treated tumour.
"""

NEOADJUVANT_INTENT = code("373847000", "Neo-adjuvant - intent")  # ICHOM
ADJUVANT_INTENT = code("373846009", "Adjuvant - intent")  # ICHOM

INTENTS: Mapping[str, str] = {
    NEOADJUVANT_INTENT.code: "neoadjuvant",
    ADJUVANT_INTENT.code: "adjuvant",
    "373808002": "curative",  # Curative - procedure intent: mCODE example
    "363676003": "palliative",  # Palliative - procedure intent: Onconova, MII procedure module
    "360271000": "preventive",  # Prophylaxis - procedure intent: Act-NOW regimen value set
}
"""Intent of a therapy -> value of ``Fact.intent``."""

THERAPY_PROCEDURES: Mapping[str, str] = {
    "367336001": "chemotherapy",  # Chemotherapy: CID 6083, Synthea
    "385786002": "chemotherapy",  # Chemotherapy care: ICHOM
    "169413002": "endocrine",  # Hormone therapy: CID 6083, ICHOM
    "76334006": "other",  # Immunotherapy: ICHOM
    "108290001": "radiotherapy",  # Radiation oncology AND/OR radiotherapy: ICHOM
    "1217123003": "radiotherapy",  # Radiotherapy course of treatment: mCODE
    "1287742003": "radiotherapy",  # Radiotherapy: Synthea
    "33195004": "radiotherapy",  # External beam radiation therapy procedure: Synthea
    "385798007": "radiotherapy",  # Radiation therapy care: Synthea
    "447759004": "radiotherapy",  # Brachytherapy of breast: Synthea
    "113120007": "radiotherapy",  # Interstitial brachytherapy: Synthea
    "384692006": "radiotherapy",  # Intracavitary brachytherapy: Synthea
    "64368001": "surgery",  # Excision of part of breast: mCODE example
    "69031006": "surgery",  # Excision of breast tissue: ICHOM, Synthea
    "392021009": "surgery",  # Lumpectomy of breast: Synthea
    "33496007": "surgery",  # Reconstruction of breast: ICHOM
    "699455008": "surgery",  # Operative procedure on axilla: ICHOM
    "396487001": "surgery",  # Sentinel lymph node biopsy: ICHOM lists it under surgery of the axilla
    "234262008": "surgery",  # Excision of axillary lymph node: ICHOM
    "234254000": "surgery",  # Excision of axillary lymph nodes group: ICHOM
    "79544006": "surgery",  # Complete axillary lymphadenectomy: ICHOM
}
"""Procedures that are cancer therapies, with the class of ``FactName.THERAPY``.

Oophorectomy (ICHOM lists it as hormonal therapy) is left out: most are done for other reasons.
"""

THERAPY_SUBSTANCES: Mapping[str, str] = {
    "413575009": "endocrine",  # Aromatase inhibitor: ICHOM HormonalTherapyTypeVS
    "373336003": "endocrine",  # Estrogen receptor antagonist: ICHOM
    "784176007": "her2",  # HER2 inhibitor: ICHOM TargetedTherapyVS
    "432253008": "other",  # PARP inhibitor: ICHOM
    "108787006": "chemotherapy",  # Anthracycline: ICHOM ChemoTherapyTypeVS
    "418965003": "chemotherapy",  # Taxane derivative: ICHOM
    "768621002": "chemotherapy",  # Platinum: ICHOM
    "386906001": "chemotherapy",  # Capecitabine: ICHOM
}
"""Substances and products that are cancer therapies, with the class of ``FactName.THERAPY``."""

OUTCOMES: Mapping[str, Coding] = {"lung_metastasis": LUNG_METASTASIS}
"""Outcome class of a predictor -> the disorder whose probability it is."""
