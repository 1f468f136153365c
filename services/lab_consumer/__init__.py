"""lab_consumer.

in: FHIR R4 resources and Bundles by HTTP POST. out: facts with code, unit, time, status, source and version
(GetFacts); AnnounceFacts to results. never: drops silently, converts by guess, imputes.
"""
