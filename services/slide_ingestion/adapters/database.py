"""The slides' database: turns and schema."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sql
from sqlalchemy.exc import DBAPIError

from shared.storage import databases
from shared.storage.databases import open_engine

__all__ = ["check_schema", "in_turn", "looking", "migrate", "open_engine"]

_MIGRATIONS = Path(__file__).parent / "migrations"
NAME = "the slides' database"

# Any constant: it names the turn of slide ingestion's writers within one PostgreSQL database.
_TURN = 0x51_1DE5


@contextmanager
def in_turn(engine: sql.Engine) -> Iterator[sql.Connection]:
    """Open a transaction that no other one overlaps.

    Raises:
        UnavailableError: If the database cannot be reached or its turn does not come.
        OutOfResourcesError: If the disk is full.
    """
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(sql.text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})
            yield connection
    except DBAPIError as error:
        raise databases.translated(error, NAME) or error from error


@contextmanager
def looking(engine: sql.Engine) -> Iterator[sql.Connection]:
    """Open a transaction that only reads what is committed: it waits for no turn, and nobody waits for it.

    Raises:
        UnavailableError: If the database cannot be reached.
    """
    try:
        with engine.connect().execution_options(readonly=True) as connection, connection.begin():
            yield connection
    except DBAPIError as error:
        raise databases.translated(error, NAME) or error from error


def check_schema(engine: sql.Engine) -> None:
    """Check that the database has the schema of this program.

    Raises:
        ConflictError: If it has none, an older one, or one this program does not know.
        UnavailableError: If it cannot be reached.
    """
    databases.check_schema(engine, _MIGRATIONS, NAME, "python -m services.slide_ingestion migrate")


def migrate(engine: sql.Engine, revision: str = "head") -> None:
    """Bring the schema up to date, or to ``revision``, up or down.

    Raises:
        InvalidInputError: If this version has no such schema.
        ConflictError: If a newer version wrote the database.
    """
    databases.migrate(engine, _MIGRATIONS, revision)
