"""What the lab consumer needs from its database, from the hospital's FHIR server and from those it tells."""
