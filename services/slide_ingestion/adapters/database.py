"""The slides' database: turns and schema."""

from __future__ import annotations

from pathlib import Path

from shared.storage.databases import InTurns, open_engine

__all__ = ["MIGRATIONS", "NAME", "check_schema", "in_turn", "looking", "migrate", "open_engine"]

NAME = "the slides' database"
MIGRATIONS = Path(__file__).parent / "migrations"
_OURS = InTurns(NAME, MIGRATIONS, 0x51_1DE5, "services.slide_ingestion")
in_turn, looking = _OURS.in_turn, _OURS.looking
check_schema, migrate = _OURS.check_schema, _OURS.migrate
