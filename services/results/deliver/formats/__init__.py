"""One typed finding, rendered as DICOM SR and as a FHIR transaction; pure, repeatable byte for byte."""
