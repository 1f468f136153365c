"""Documents slide ingestion reads: manifests beside slides."""
