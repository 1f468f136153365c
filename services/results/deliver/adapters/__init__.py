"""Doors to the outside: PACS by C-STORE or STOW-RS, FHIR servers, folders, and the blob store the source lies in."""
