"""The MLLP door: HL7 v2 messages over TCP, each answered after its commit."""
