"""The database as such: engine, turns, schema."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from shared.domain.errors import OutOfResourcesError, PermanentError, UnavailableError

_MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_TIMEOUT_S = 20.0
"""How long a writer waits for its turn."""

# Any constant: it names the turn of the lab consumer's writers within one PostgreSQL database.
_TURN = 0x1AB_FAC75
_FULL = ("database or disk is full", "No space left on device")


class UnknownSchemaError(PermanentError):
    """The database has another schema than this program; the sentence says what to run."""


def open_engine(url: str) -> sql.Engine:
    """Return an engine; SQLite runs in WAL mode with ``synchronous=FULL``, so that a commit is on disk."""
    parsed = sql.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sql.create_engine(parsed, pool_pre_ping=True)
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = sql.create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False})
    sql.event.listen(engine, "connect", _on_connect)
    sql.event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions are begun below, not by the driver
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _on_begin(connection: sql.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


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
        raise _translated(error) from error


def _translated(error: DBAPIError) -> Exception:
    if any(sign in str(error.orig) for sign in _FULL):
        return OutOfResourcesError("the disk of the facts database is full")
    if isinstance(error, sql.exc.OperationalError | sql.exc.InterfaceError):
        return UnavailableError("the facts database cannot be reached right now")
    return error


def check_schema(engine: sql.Engine) -> None:
    """Check that the database has the schema of this program.

    Raises:
        UnknownSchemaError: If it has none, an older one, or one this program does not know.
        UnavailableError: If it cannot be reached.
    """
    head = ScriptDirectory(str(_MIGRATIONS)).get_current_head()
    try:
        with engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError as error:
        raise UnavailableError("the facts database cannot be reached") from error
    if current != head:
        raise UnknownSchemaError(
            f"the facts database has schema {current or 'none'}, this program needs {head}: "
            "run  python -m services.lab_consumer migrate"
        )


def migrate(engine: sql.Engine) -> None:
    """Bring the schema up to date."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
