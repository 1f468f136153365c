"""HL7 v2 messages -> values of shared.domain."""
