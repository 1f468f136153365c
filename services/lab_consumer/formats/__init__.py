"""Answers <-> FHIR JSON; pure."""
