"""Our own names: what marks a FHIR resource as ours, and the concepts for which no standard code was found.

Codes have at most 16 characters, so that DICOM can carry them as Code Value (0008,0100); displays at most 64, the
length of Code Meaning (0008,0104). No SNOMED CT or LOINC code was found for the probability of an axillary complete
response, nor for the reasons why a question was not answered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from shared.domain.coding import Coding
from shared.domain.prediction import NotAnalysedReason
from shared.domain.slide_answers import SlideLevel

IDENTIFIER_SYSTEM = "urn:oncorelay:result"
"""``identifier.system`` of every FHIR resource we send; how our own output is recognised when it comes back."""
REVISION_SYSTEM = "urn:oncorelay:revision"
"""``identifier.system`` of case and revision (``case.3``): how earlier revisions are found at a FHIR server."""
BUNDLE_SYSTEM = "urn:oncorelay:bundle"
"""``identifier.system`` of a model bundle's digest (FHIR Device)."""
INTERVAL_EXTENSION = "urn:oncorelay:probability-interval-95"
"""``extension.url``: the 95 % interval of ``RiskAssessment.prediction.probability[x]`` as a Range in per cent."""
_LONGEST = 16
SYSTEM = "urn:oncorelay:code"
"""Code system of the concepts below."""


def code(value: str, display: str) -> Coding:
    """Return one local concept."""
    return Coding(SYSTEM, value, display)


ANALYSIS_STATUS = code("analysis_status", "Status of the analysis")
NOT_ANALYSED = code("not_analysed", "Asked, and could not be analysed")
WITHDRAWN = code("withdrawn", "Result withdrawn")
REASON = code("reason", "Reason why it was not analysed")
INPUT = code("input", "Input of the analysis")
INTENDED_USE = code("intended_use", "Intended use")
VALIDITY = code("validity", "Date and expiry of the result")
MEANING = code("meaning", "What the probability is the probability of")
FLAG = code("flag", "Remark on this result")
ALTERNATIVE = code("alternative", "Probability under another reading of an input")
SIDE = code("side", "Side of the body")
IMAGES = code("images", "Images that were measured, and why these")
REGION = code("region", "Region that was measured")
REGION_VOLUME = code("region_volume", "Volume of the measured region")
VARIANT = code("variant", "Variant of the model that answered, and why")
VARIANT_ANSWER = code("variant_answer", "What another variant of the model answers")
ENDOCRINE_RECEIVED = code("endocrine_recvd", "Endocrine therapy received")
"""``Observation.code`` of the explicit statement, where a site has no code of its own; answered by yes or no."""
HORIZON = code("horizon", "Time from the draw on")
INTERVAL_LOW = code("interval_low", "Lower end of the 95 % interval of the probability")
INTERVAL_HIGH = code("interval_high", "Upper end of the 95 % interval of the probability")
AI_ON_HE = code("ai_on_he", "AI on H&E")
"""Method of everything said of a slide: never that of a receptor test."""
SLIDE_LEVEL = code("her2_he_level", "HER2 level that the H&E slide resembles (AI)")
SLIDE_SCORE = code("her2_he_score", "Score of the H&E slide by TL-PA (AI)")
SLIDE_INTERVAL = code("her2_he_interval", "95 % interval of the score of the H&E slide (AI)")
SCORE_LOW = code("score_low", "Lower end of the 95 % interval of the score")
SCORE_HIGH = code("score_high", "Upper end of the 95 % interval of the score")
INDETERMINATE = code("indeterminate", "Indeterminate on H&E: reflex IHC/ISH")
ADVICE = code("advice", "Advice")
PATCHES = code("patches", "Patches of the slide with tissue")
TUMOUR_PATCHES = code("tumour_patches", "Patches of the slide recognised as tumour")
AREA_SHARE = code("area_share", "Share of tumour patches above .33 (paper 003, Eq. 3)")
EXPLAINED = code("explained", "How this result is to be read")
SENSITIVITY = code("sensitivity", "Result with patches of another size")
READING = code("reading", "How an ambiguous term of the method was read")
QUALITY = code("quality", "Quality of the slide")
STAIN = code("stain", "Stain of the slide, and how it was normalised")
CALIBRATION = code("calibration", "Calibration of this scanner at this site")
EXCLUSION = code("exclusion", "Region a pathologist left out")
GRADIENT = code("gradient", "Change of the probability from the edge inwards")
PATCH_P = code("p_patch_positive", "Probability of the patch class: tumour of a HER2-positive slide")
"""Softmax output of the patch classifier: no probability of the patient's status."""
PATCH_NEGATIVE = code("p_patch_negative", "Probability of the patch class: tumour of a HER2-negative slide")
PATCH_OTHER = code("p_patch_other", "Probability of the patch class: no tumour")
NOMOGRAM_REPORT = code("nomogram_report", "Result of a prediction model, with its nomogram")

ASSESSMENTS: Mapping[str, Coding] = {
    "ln_pcr": code("ln_pcr", "Axillary nodal response to neoadjuvant chemotherapy"),
    "lung_metastasis": code("lung_metastasis", "Risk of lung metastasis of breast cancer"),
    "her2": code("her2_on_he", "HER2 level predicted from an H&E slide"),
}
"""Predictor -> what it assesses."""

PROBABILITIES: Mapping[str, Coding] = {
    "axillary_pcr": code("p_axillary_pcr", "Probability of no residual nodal disease (axillary pCR)"),
    "residual_nodal_disease": code("p_residual_nodal", "Probability of residual nodal disease"),
    "lung_metastasis": code("p_lung_metastas", "Probability of lung metastasis"),
    "no_lung_metastasis": code("p_no_lung_metas", "Probability of no lung metastasis"),
    "her2_positive": code("p_her2_positive", "Probability of HER2-positive by IHC/ISH, from H&E"),
    "her2_negative": code("p_her2_negative", "Probability of HER2-negative by IHC/ISH, from H&E"),
}
"""Outcome class -> the name of its probability. Not DCM 111047: that is the probability of *cancer*."""

WITHIN: Mapping[str, tuple[str, str]] = {
    "lung_metastasis": ("p_lung_met", "Probability of lung metastasis"),
    "no_lung_metastasis": ("p_no_lung_met", "Probability of no lung metastasis"),
}
"""Outcome class -> beginning of code and display of its probability within a time."""

SLIDE_CLASS = "H&E AI: "
"""Begins the name of every class in the GeoJSON we deliver: what a person drew has none that begins so."""

LEVELS: Mapping[SlideLevel, Coding] = {
    SlideLevel.RESEMBLES_0: code("resembles_0", "H&E resembles slides of IHC 0"),
    SlideLevel.RESEMBLES_1: code("resembles_1", "H&E resembles slides of IHC 1+"),
    SlideLevel.RESEMBLES_2_FISH_NEGATIVE: code("resembles_2_neg", "H&E resembles slides of IHC 2+ with negative FISH"),
    SlideLevel.RESEMBLES_2_FISH_POSITIVE: code("resembles_2_pos", "H&E resembles slides of IHC 2+ with positive FISH"),
    SlideLevel.RESEMBLES_3: code("resembles_3", "H&E resembles slides of IHC 3+"),
}
"""What a slide resembles; a local answer, never one of LOINC LL4396-9: nobody stained or counted anything."""

SHARES: Mapping[SlideLevel, Coding] = {
    level: code(row.code.replace("resembles", "share"), f"Bootstrap: {row.display}") for level, row in LEVELS.items()
}
"""How often the bootstrap ended at a level."""

REASONS: Mapping[NotAnalysedReason, Coding] = {
    NotAnalysedReason.MISSING_INPUT: code("missing_input", "An input is missing"),
    NotAnalysedReason.CONTRADICTING_INPUT: code("contradicting", "Inputs contradict each other"),
    NotAnalysedReason.UNUSABLE_INPUT: code("unusable_input", "An input cannot be used"),
    NotAnalysedReason.NOT_NODE_POSITIVE: code("not_node_pos", "The disease is not node-positive"),
    NotAnalysedReason.THERAPY_BEFORE_IMAGES: code("therapy_before", "Therapy began before the images"),
    NotAnalysedReason.AMBIGUOUS_TUMOUR: code("ambig_tumour", "Which tumour is meant is ambiguous"),
    NotAnalysedReason.SIDE_CONFLICT: code("side_conflict", "Images and facts name different sides"),
    NotAnalysedReason.NO_BUNDLE: code("no_bundle", "No model is installed for this question"),
    NotAnalysedReason.OUT_OF_DISTRIBUTION: code("out_of_range", "Outside the range the model has seen"),
    NotAnalysedReason.ALREADY_METASTATIC: code("already_metast", "The metastasis asked about is already known"),
    NotAnalysedReason.NOT_FEMALE: code("not_female", "The model was made for women only"),
    NotAnalysedReason.ACTIVE_INFECTION: code("infection", "Active infection"),
    NotAnalysedReason.RHEUMATIC_DISEASE: code("rheumatic", "Rheumatic disease"),
    NotAnalysedReason.NOT_ONE_DRAW: code("not_one_draw", "Laboratory values are not of one draw, or too old"),
    NotAnalysedReason.HORIZON_NOT_SUPPORTED: code("no_horizon", "The model supports none of the horizons asked for"),
    NotAnalysedReason.RESOLUTION_UNKNOWN: code("resol_unknown", "The slide does not say how large its pixels are"),
    NotAnalysedReason.RESOLUTION_IMPLAUSIBLE: code("resol_implaus", "What the slide says of its pixel size cannot be"),
    NotAnalysedReason.RESOLUTION_TOO_LOW: code("resol_too_low", "The resolution of the slide is too low"),
    NotAnalysedReason.UNREADABLE_SLIDE: code("unreadable_slide", "The slide cannot be read"),
    NotAnalysedReason.NOT_HE: code("not_he", "The slide is not stained with haematoxylin and eosin"),
    NotAnalysedReason.LYMPH_NODE: code("lymph_node", "The tissue is a lymph node"),
    NotAnalysedReason.AFTER_THERAPY: code("after_therapy", "The specimen was taken after therapy began"),
    NotAnalysedReason.NO_TISSUE: code("no_tissue", "No tissue was found on the slide"),
    NotAnalysedReason.NO_TUMOUR: code("no_tumour", "No patch of the slide was recognised as tumour"),
}
"""Why a question could not be answered."""


def assessment(predictor: str) -> Coding:
    """Return what a predictor assesses; a predictor without a row is named by its own name."""
    return ASSESSMENTS.get(predictor, code(predictor, predictor))


def probability_of(outcome_class: str, display: str) -> Coding:
    """Return the name of the probability of an outcome class."""
    return PROBABILITIES.get(outcome_class) or code(f"p_{outcome_class}", f"Probability of {display}")


def measured(name: str, display: str) -> Coding:
    """Return the name of a number measured in images, where no standard has one: features of filtered images, scores.

    A name of more than 16 characters is shortened to a digest of itself: readers stumble over Long Code Value. The name
    itself stands in the display, or beside the number.
    """
    if len(name) <= _LONGEST:
        return code(name, display)
    return code(f"m_{hashlib.sha256(name.encode()).hexdigest()[: _LONGEST - 2]}", display)


def probability_within(outcome_class: str, display: str, years: int) -> Coding:
    """Return the name of the probability that an outcome class comes true within so many years of the result."""
    key, text = WITHIN.get(outcome_class, (f"p_{outcome_class}", f"Probability of {display}"))
    return code(f"{key}_{years}y", f"{text} within {years} years")
