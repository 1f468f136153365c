"""``oncorelay demo``: a PACS, an EHR, the whole system between them, and five cases through it."""
