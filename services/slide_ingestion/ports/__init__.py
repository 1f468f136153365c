"""What slide ingestion keeps, and whom it asks."""
