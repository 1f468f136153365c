"""Reading, checking and writing FHIR R4 resources; no I/O.

in: parsed JSON. out: values of shared.domain, OperationOutcomes. never: network, guesses.
"""
