"""A service's own database: SQLite (WAL, synchronous FULL) or PostgreSQL, migrated by Alembic, errors in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError

from shared.domain.errors import ConflictError, InvalidInputError, OncoRelayError, OutOfResourcesError, UnavailableError

if TYPE_CHECKING:
    from alembic.config import Config

BUSY_TIMEOUT_S = 20.0
"""How long a writer of SQLite waits for its turn."""

_FULL = ("database or disk is full", "No space left on device")


def open_engine(url: str) -> sa.Engine:
    """Return an engine; nothing is connected yet. A commit is on disk when it returns."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sa.create_engine(parsed, hide_parameters=True, pool_pre_ping=True, pool_size=8, max_overflow=16)
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    arguments = {"timeout": BUSY_TIMEOUT_S, "check_same_thread": False}
    # Hidden: the values of a statement that failed may identify a person, and end in logs.
    engine = sa.create_engine(parsed, hide_parameters=True, connect_args=arguments)
    sa.event.listen(engine, "connect", _configure_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _: Any) -> None:
    # The driver must not open transactions by itself: "begin" below opens them, as writers from the start.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: sa.Connection) -> None:
    # A reader that turns writer half-way can only fail with "database is locked"; queue at the start instead.
    readonly = connection.get_execution_options().get("readonly", False)
    connection.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")


def compact(engine: sa.Engine) -> None:
    """Rewrite the database without what was deleted or overwritten, its write-ahead log included.

    SQLite: VACUUM and a truncating checkpoint. PostgreSQL: VACUUM FULL (each table is locked while it is rewritten);
    its own write-ahead log and its backups age out as the site has decided.
    """
    connection = engine.raw_connection()
    try:
        driver: Any = connection.driver_connection
        if engine.dialect.name == "sqlite":
            for statement in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                driver.execute(statement).fetchall()
            return
        connection.rollback()
        driver.autocommit = True
        try:
            driver.execute("VACUUM FULL")
        finally:
            driver.autocommit = False
    finally:
        connection.close()


def translated(error: DBAPIError, name: str) -> OncoRelayError | None:
    """Return our error for what may pass (``name``: what a person calls the database); None for a defect of ours."""
    if any(sign in str(error.orig) for sign in _FULL):
        return OutOfResourcesError(f"the disk of {name} is full")
    if isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated:
        return UnavailableError(f"{name} cannot be reached right now, or stays locked")
    if isinstance(error, IntegrityError):
        # Somebody wrote the same thing at the same moment; asked again, this request finds it.
        return UnavailableError(f"{name}: a concurrent write of the same thing came first, ask again")
    return None


@contextmanager
def asked(name: str) -> Iterator[None]:
    """Have what the database refuses in the block raised as our own error, where we have one (``translated``)."""
    try:
        yield
    except DBAPIError as error:
        raise translated(error, name) or error from error


@contextmanager
def looking(engine: sa.Engine, name: str) -> Iterator[sa.Connection]:
    """Open a transaction that only reads what is committed: it waits for no turn, and nobody waits for it.

    Raises:
        UnavailableError: If the database cannot be reached.
    """
    with (
        asked(name),
        engine.connect().execution_options(readonly=True) as connection,
        connection.begin(),
    ):
        yield connection


def upgrade(engine: sa.Engine, migrations: Path, revision: str = "head") -> None:
    """Bring the schema up to ``revision``.

    Raises:
        ConflictError: If a newer version wrote the database; says what to do.
    """
    from alembic import command  # who finds the schema as it must be does not wait for Alembic and its templates

    with engine.begin() as connection:
        _refuse_newer(found_revision(connection), migrations, "the database")
        command.upgrade(_configuration(connection, migrations), revision)


def downgrade(engine: sa.Engine, migrations: Path, revision: str) -> None:
    """Take the schema back to ``revision``."""
    from alembic import command

    with engine.begin() as connection:
        command.downgrade(_configuration(connection, migrations), revision)


def migrate(engine: sa.Engine, migrations: Path, revision: str = "head") -> None:
    """Bring the schema to ``revision``, up or down; going down loses what only newer schemas hold.

    Raises:
        InvalidInputError: If this version has no such schema; names those it has.
        ConflictError: If a newer version wrote the database; says what to do.
    """
    known = revisions(migrations)
    if revision not in {*known, "head"}:
        raise InvalidInputError("--to", f"this version has no schema {revision}; it has {', '.join(known)}")
    with engine.connect() as connection:
        found = found_revision(connection)
    if found == (known[-1] if revision == "head" else revision):
        return
    if revision == "head" or found not in known or known.index(found) <= known.index(revision):
        upgrade(engine, migrations, revision)
    else:
        downgrade(engine, migrations, revision)


def check_schema(engine: sa.Engine, migrations: Path, name: str, remedy: str) -> None:
    """Refuse a schema this code does not know.

    Raises:
        ConflictError: If the revision differs; says what to run.
        UnavailableError: If the database cannot be reached.
    """
    head = revisions(migrations)[-1]
    try:
        with engine.connect() as connection:
            found = found_revision(connection)
    except DBAPIError as error:
        raise UnavailableError(f"{name} cannot be reached") from error
    _refuse_newer(found, migrations, name)
    if found != head:
        raise ConflictError(f"{name} has schema {found or 'none'}, this version needs {head}: run `{remedy}`")


@dataclass(frozen=True, slots=True)
class InTurns:
    """A database whose writers take turns, one after the other, also where several processes write PostgreSQL."""

    name: str
    """What a person calls it."""
    migrations: Path
    turn: int
    """Any constant: it names the turn of this service's writers within one PostgreSQL database."""
    module: str
    """``python -m MODULE migrate`` brings its schema up to date."""

    @contextmanager
    def in_turn(self, engine: sa.Engine) -> Iterator[sa.Connection]:
        """Open a transaction that no other one overlaps.

        Raises:
            UnavailableError: If the database cannot be reached or its turn does not come.
            OutOfResourcesError: If the disk is full.
        """
        with asked(self.name), engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": self.turn})
            yield connection

    def looking(self, engine: sa.Engine) -> AbstractContextManager[sa.Connection]:
        """Open a transaction that only reads; see ``looking``."""
        return looking(engine, self.name)

    def check_schema(self, engine: sa.Engine) -> None:
        """Check that the database has the schema of this program.

        Raises:
            ConflictError: If it has none, an older one, or one this program does not know.
            UnavailableError: If it cannot be reached.
        """
        check_schema(engine, self.migrations, self.name, f"python -m {self.module} migrate")

    def migrate(self, engine: sa.Engine, revision: str = "head") -> None:
        """Bring the schema up to date, or to ``revision``, up or down.

        Raises:
            InvalidInputError: If this version has no such schema.
            ConflictError: If a newer version wrote the database.
        """
        migrate(engine, self.migrations, revision)


def found_revision(connection: sa.Connection) -> str | None:
    """Return the revision the database is at, from Alembic's own table; None before the first."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return found


def revisions(migrations: Path) -> list[str]:
    """Return the revisions this version knows, oldest first; the name of each file begins with its own."""
    return sorted(path.stem.partition("_")[0] for path in (migrations / "versions").glob("[0-9]*.py"))


def _refuse_newer(found: str | None, migrations: Path, name: str) -> None:
    if found and found not in revisions(migrations):
        raise ConflictError(
            f"{name} was written by a newer version (schema {found}): install that version, or restore a backup"
        )


def _configuration(connection: sa.Connection, migrations: Path) -> Config:
    from alembic.config import Config

    configuration = Config()
    configuration.set_main_option("script_location", str(migrations))
    configuration.attributes["connection"] = connection
    return configuration
