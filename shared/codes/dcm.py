"""Concepts of the DICOM templates and context groups that our objects use, in the scheme PS3.16 gives them.

Source: PS3.16, by template (TID) or context group (CID); spelled as pydicom 3 carries them.
"""

from __future__ import annotations

from shared.codes import loinc, snomed, ucum
from shared.codes.terminology import DCM, UMLS
from shared.domain.coding import Coding

IMAGING_MEASUREMENT_REPORT = Coding(DCM, "126000", "Imaging Measurement Report")  # CID 7021
DEVICE = Coding(DCM, "121007", "Device")  # TID 1002, observer type
REJECTED_FOR_QUALITY = Coding(DCM, "113001", "Rejected for Quality Reasons")  # CID 7010, 7031
REJECTED_FOR_PATIENT_SAFETY = Coding(DCM, "113037", "Rejected for Patient Safety Reasons")  # CID 7010, 7031
COMMENT = Coding(DCM, "121106", "Comment")  # TID 1500, text of the qualitative evaluations
QUALITATIVE_EVALUATIONS = Coding(UMLS, "C0034375", "Qualitative Evaluations")  # TID 1500, row 12
MRI = Coding(loinc.SYSTEM, "25056-3", "MRI unspecified body region")  # CID 100; MRI of breast is not in that group
AXILLARY_LYMPH_NODE = Coding(snomed.SYSTEM, "68171009", "Axillary lymph node")  # CID 7600
NO_UNITS = Coding(ucum.SYSTEM, "1", "no units")  # TID 300, unit of a fraction

SEGMENTATION = Coding(DCM, "113076", "Segmentation")  # CID 7203, how a frame was derived
GRADIENT_WEIGHTED_ACTIVATION = Coding(DCM, "130403", "Gradient-weighted class activation")  # CID 218, CID 7180
UNSPECIFIED_METHOD = Coding(DCM, "112187", "Unspecified method of calculation")  # as PS3.16 annex D
ARTIFICIAL_INTELLIGENCE = Coding(DCM, "123109", "Artificial Intelligence")  # CID 7162
NEIGHBOURHOOD_ANALYSIS = Coding(DCM, "123101", "Neighborhood Analysis")  # CID 7162, family of the automatic region
