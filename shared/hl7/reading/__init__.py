"""HL7 v2 messages -> segments and fields -> values of shared.domain."""
