"""``oncorelay demo``: a PACS, an EHR, the whole system between them, and six cases through it."""
