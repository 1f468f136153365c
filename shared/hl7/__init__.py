"""HL7 v2 messages (2.3 to 2.5.1): framing, encoding, results and merges are read, answers and results are written.

in: bytes. out: messages, values of shared.domain. never: network, FHIR (``services/lab_consumer/formats/v2`` maps).
"""
