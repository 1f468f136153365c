"""HL7 v2 messages as we write them."""
