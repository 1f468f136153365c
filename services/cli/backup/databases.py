"""Consistent copies of a database that is in use: SQLite's online backup, PostgreSQL's pg_dump."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from shared.domain.errors import ConflictError, UnavailableError
from shared.storage.databases import found_revision, open_engine

_LONGEST_S = 24 * 3600


def is_sqlite(path: Path) -> bool:
    """Tell whether a file is an SQLite database."""
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\x00"


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy one state of a database that others write to (https://sqlite.org/backup.html), as one file without WAL."""
    with (
        closing(sqlite3.connect(f"{source.as_uri()}?mode=rw", uri=True, timeout=60)) as reading,
        closing(sqlite3.connect(target)) as writing,
    ):
        reading.backup(writing)  # one step, so one state; in WAL mode writers go on meanwhile
        writing.execute("PRAGMA journal_mode=DELETE")


def dump_postgresql(url: str, target: Path) -> None:
    """Write one state of a database by ``pg_dump`` (custom format).

    Raises:
        UnavailableError: If pg_dump is not installed, is older than the server, or the database cannot be reached.
    """
    _run("pg_dump", url, ["--format=custom", "--no-owner", "--no-privileges", f"--file={target}"])


def load_postgresql(url: str, source: Path) -> None:
    """Fill an empty database from a dump, all or nothing.

    Raises:
        UnavailableError: As ``dump_postgresql``.
        ConflictError: If the database holds tables.
    """
    require_empty(url)
    options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    _run("pg_restore", url, [*options, f"--dbname={sa.make_url(url).database}", str(source)])


def require_empty(url: str) -> None:
    """Refuse a PostgreSQL database that holds something.

    Raises:
        ConflictError: If it holds tables.
    """
    if schema_revision(url) or _tables(url):
        raise ConflictError("the PostgreSQL database is not empty: restore into an empty one")


def schema_revision(url: str) -> str:
    """Return the Alembic revision of a database; empty where it has none."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists():
        return ""
    with _engine(url) as engine, engine.connect() as connection:
        return found_revision(connection) or ""


def _tables(url: str) -> list[str]:
    with _engine(url) as engine:
        return sa.inspect(engine).get_table_names()


@contextmanager
def _engine(url: str) -> Iterator[sa.Engine]:
    engine = open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def _run(program: str, url: str, options: list[str]) -> None:
    """Run a PostgreSQL program; the password goes through a file of ours, never through the command line."""
    if shutil.which(program) is None:
        raise UnavailableError(f"{program} is not installed: apt-get install postgresql-client")
    parsed = sa.make_url(url)
    where = {"PGHOST": parsed.host or "", "PGPORT": str(parsed.port or 5432), "PGUSER": parsed.username or ""}
    environment = {**os.environ, **where, "PGDATABASE": parsed.database or ""}
    environment |= {f"PG{key.upper()}": str(value) for key, value in parsed.query.items() if key.startswith("ssl")}
    with TemporaryDirectory() as folder:
        if parsed.password:
            environment["PGPASSFILE"] = str(_password_file(Path(folder), str(parsed.password)))
        command = [program, *options]
        done = subprocess.run(command, env=environment, capture_output=True, timeout=_LONGEST_S, check=False)
    if done.returncode != 0:
        raise UnavailableError(f"{program} ended with status {done.returncode}: {_reason(done.stderr)}")


def _password_file(folder: Path, password: str) -> Path:
    path = folder / "pgpass"
    path.touch(mode=0o600)
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    path.write_text(f"*:*:*:*:{escaped}\n")
    return path


def _reason(said: bytes) -> str:
    """Return the first line only: the following ones may quote rows."""
    return next(iter(said.decode(errors="replace").strip().splitlines()), "it said nothing")
