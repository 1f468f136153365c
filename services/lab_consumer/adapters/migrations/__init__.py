"""Schema of the facts database, step by step (expand, then contract)."""
