"""The ledger's transactions, and its schema."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import sqlalchemy as sa

from services.results.ledger import audit
from shared.storage import databases
from shared.storage.databases import open_engine

__all__ = ["check_schema", "compact", "downgrade", "migrate", "open_engine", "reading", "upgrade", "writing"]

MIGRATIONS = Path(__file__).parent / "migrations"
NAME = "the ledger's database"


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Run one write transaction; it is on disk when the block has ended.

    Raises:
        UnavailableError: If the database cannot be reached or stays locked, or somebody else wrote the same first.
        OutOfResourcesError: If its disk is full.
    """
    with databases.asked(NAME), engine.begin() as connection:
        audit.begin(connection)
        yield connection
        audit.seal(connection)


def reading(engine: sa.Engine) -> AbstractContextManager[sa.Connection]:
    """Run one consistent read.

    Raises:
        UnavailableError: If the database cannot be reached.
    """
    return databases.looking(engine, NAME)


def compact(engine: sa.Engine) -> None:
    """Give back what erased rows took, so that no byte of them is left in the database's files.

    Raises:
        UnavailableError: If somebody reads or writes for too long.
    """
    with databases.asked(NAME):
        databases.compact(engine)


def upgrade(engine: sa.Engine, revision: str = "head") -> None:
    """Bring the schema to ``revision`` (``oncorelay up`` and ``python -m services.results.serve migrate`` do this)."""
    databases.upgrade(engine, MIGRATIONS, revision)


def migrate(engine: sa.Engine, revision: str = "head") -> None:
    """Bring the schema to ``revision``, up or down.

    Raises:
        InvalidInputError: If this version has no such schema.
        ConflictError: If a newer version wrote the database.
    """
    databases.migrate(engine, MIGRATIONS, revision)


def downgrade(engine: sa.Engine, revision: str) -> None:
    """Take the schema back to ``revision``."""
    databases.downgrade(engine, MIGRATIONS, revision)


def check_schema(engine: sa.Engine) -> None:
    """Refuse a schema this code does not know.

    Raises:
        ConflictError: If the revision differs; says what to run.
    """
    databases.check_schema(engine, MIGRATIONS, "the ledger", "python -m services.results.serve migrate")
