"""What a database error may say, and what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

from services.cli.backup.reading import MIGRATIONS
from shared.domain.errors import UnavailableError
from shared.storage.databases import found_revision, migrate, open_engine, revisions, translated


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    return open_engine(f"sqlite:///{tmp_path / 'new' / 'x.sqlite'}")


def test_a_commit_is_on_disk_and_readers_do_not_wait(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_the_values_of_a_failed_statement_are_not_in_its_text(engine: sa.Engine) -> None:
    with pytest.raises(DBAPIError) as failed, engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO nowhere VALUES (:x)"), {"x": "SECRET-MRN"})

    assert "SECRET-MRN" not in str(failed.value)


def test_a_concurrent_write_is_temporary_and_a_defect_of_ours_is_not(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (x INTEGER PRIMARY KEY)")
    with pytest.raises(DBAPIError) as twice, engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (1), (1)")

    assert isinstance(translated(twice.value, "the ledger"), UnavailableError)
    assert translated(sa.exc.ProgrammingError("x", {}, Exception("syntax")), "the ledger") is None


@pytest.mark.parametrize("name", MIGRATIONS)
def test_the_files_of_every_schema_are_named_by_the_revisions_alembic_finds_in_them(name: str) -> None:
    walked = [script.revision for script in ScriptDirectory(str(MIGRATIONS[name])).walk_revisions()]

    assert revisions(MIGRATIONS[name]) == walked[::-1]


@pytest.mark.parametrize("name", MIGRATIONS)
def test_the_revision_that_is_found_is_the_one_alembic_wrote(name: str, engine: sa.Engine) -> None:
    with engine.connect() as connection:
        assert found_revision(connection) is None
    for revision in (*revisions(MIGRATIONS[name]), "head"):
        migrate(engine, MIGRATIONS[name], revision)
        with engine.connect() as connection:
            assert found_revision(connection) == MigrationContext.configure(connection).get_current_revision()

            last = found_revision(connection)

    assert last == revisions(MIGRATIONS[name])[-1]
