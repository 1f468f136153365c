"""Building and checking the FHIR R4 resources we send; plain JSON values, no I/O."""
