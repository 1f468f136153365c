"""Opening the ledger: SQLite (WAL, synchronous FULL) or PostgreSQL, one kind of transaction, a schema check."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from shared.domain.errors import ConflictError, UnavailableError

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_TIMEOUT_S = 15.0


def open_engine(url: str) -> sa.Engine:
    """Return an engine on the ledger; nothing is connected yet."""
    if not url.startswith("sqlite"):
        return sa.create_engine(url, pool_pre_ping=True, pool_size=8, max_overflow=16)
    folder = sa.make_url(url).database
    if folder and folder != ":memory:":
        Path(folder).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False})
    sa.event.listen(engine, "connect", _configure_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: Any) -> None:
    # The driver must not open transactions by itself: "begin" below opens them, as writers from the start.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_S * 1000:.0f}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    # A reader that turns writer half-way can only fail with "database is locked"; queue at the start instead.
    readonly = connection.get_execution_options().get("readonly", False)
    connection.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Run one write transaction; it is on disk when the block has ended.

    Raises:
        UnavailableError: If the database cannot be reached or stays locked.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except OperationalError as error:
        raise UnavailableError("the ledger's database cannot be reached or is locked") from error
    except IntegrityError as error:
        # Somebody wrote the same thing at the same moment; asked again, this request finds it.
        raise UnavailableError("a concurrent write of the same thing came first: ask again") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise UnavailableError("the connection to the ledger's database broke") from error
        raise


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Run one consistent read.

    Raises:
        UnavailableError: If the database cannot be reached.
    """
    try:
        with engine.connect().execution_options(readonly=True) as connection, connection.begin():
            yield connection
    except OperationalError as error:
        raise UnavailableError("the ledger's database cannot be reached") from error


def upgrade(engine: sa.Engine, revision: str = "head") -> None:
    """Bring the schema to ``revision`` (``oncorelay up`` and ``python -m services.results.serve migrate`` do this)."""
    with engine.connect() as connection:
        configuration = _configuration(connection)
        command.upgrade(configuration, revision)
        connection.commit()


def downgrade(engine: sa.Engine, revision: str) -> None:
    """Take the schema back to ``revision``."""
    with engine.connect() as connection:
        command.downgrade(_configuration(connection), revision)
        connection.commit()


def check_schema(engine: sa.Engine) -> None:
    """Refuse a schema this code does not know.

    Raises:
        ConflictError: If the revision differs; says what to run.
    """
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    with reading(engine) as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found != head:
        raise ConflictError(
            f"the ledger's schema is {found or 'empty'}, this version needs {head}: run "
            "`python -m services.results.serve migrate` (after a backup), or start the version that made it"
        )


def _configuration(connection: sa.Connection) -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS))
    configuration.attributes["connection"] = connection
    return configuration
