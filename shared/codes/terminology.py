"""Code systems by both of their names: the URI that FHIR writes and the designator that DICOM writes.

Source: PS3.16 section 8 (table 8-1, coding schemes) and the FHIR R4 page "Code Systems".
"""

from __future__ import annotations

from collections.abc import Mapping

from shared.codes import hl7_terminology, local, loinc, snomed, ucum
from shared.domain.coding import Coding

DCM = "http://dicom.nema.org/resources/ontology/DCM"
UMLS = "http://www.nlm.nih.gov/research/umls"
IBSI = "urn:oid:1.2.840.10008.2.16.13"
"""Image Biomarker Standardisation Initiative: names of radiomics features (PS3.6 table A-4, PS3.16 CID 7468)."""
DICOM_UID = "urn:dicom:uid"
"""``identifier.system`` of a DICOM UID written as ``urn:oid:…`` (FHIR R4, ImagingStudy.identifier)."""

DICOM_DESIGNATORS: Mapping[str, str] = {
    DCM: "DCM",
    snomed.SYSTEM: "SCT",
    loinc.SYSTEM: "LN",
    ucum.SYSTEM: "UCUM",
    UMLS: "UMLS",
    IBSI: "IBSI",
    local.SYSTEM: "99ONCORELAY",  # PS3.3 8.2: private designators begin with 99
}
"""FHIR ``system`` -> Coding Scheme Designator (0008,0102)."""

TEST_DATA = Coding("http://terminology.hl7.org/CodeSystem/v3-ActReason", "HTEST", "test health data")
"""``meta.security`` of everything a demonstration bundle produces (HL7 v3 ActReason)."""
NOT_PERFORMED = Coding(hl7_terminology.DATA_ABSENT_REASON, "not-performed", "Not Performed")
"""``Observation.dataAbsentReason`` of a question that could not be answered; our own reason stands beside it."""
ASSEMBLER = Coding("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "assembler", "Assembler")
"""``Provenance.agent.type``: a device that works on its own on existing data."""
OTHER_REPORT = Coding("http://terminology.hl7.org/CodeSystem/v2-0074", "OTH", "Other")
"""``DiagnosticReport.category`` (diagnostic service section) of what no laboratory and no radiology department made."""
SURGICAL_PATHOLOGY = Coding("http://terminology.hl7.org/CodeSystem/v2-0074", "SP", "Surgical Pathology")
"""``DiagnosticReport.category`` and OBR-24 of what is said about a slide."""
LABORATORY = Coding("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory", "Laboratory")
"""``Observation.category`` of what is said about a specimen (FHIR R4)."""
IMAGING = Coding("http://terminology.hl7.org/CodeSystem/observation-category", "imaging", "Imaging")
"""``Observation.category`` of what was measured in images (FHIR R4)."""
