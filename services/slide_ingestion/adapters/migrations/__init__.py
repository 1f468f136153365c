"""Alembic migrations of the slides' database."""
