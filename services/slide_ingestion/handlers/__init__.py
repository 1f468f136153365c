"""Use cases of slide ingestion: what comes in, whose it is, what results is told."""
