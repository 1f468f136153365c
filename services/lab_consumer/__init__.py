"""lab_consumer.

in: FHIR R4 resources and Bundles by HTTP POST, HL7 v2 results by MLLP. out: facts with code, unit, time, status,
source and version (GetFacts); AnnounceFacts to results. never: drops silently, converts by guess, imputes.
"""
