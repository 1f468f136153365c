"""``oncorelay demo``: a PACS, an EHR, the whole system between them, and simulated cases through it."""
