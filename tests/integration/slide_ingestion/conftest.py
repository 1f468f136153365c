"""The slide room on SQLite, and a real S3 server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.slide_ingestion.adapters import database
from shared.testing.s3_server import S3Server, start_s3
from tests.contract.slide_ingestion.conftest import Room


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with start_s3() as server:
        yield server


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    engine = database.open_engine(f"sqlite:///{tmp_path / 'slides.sqlite'}")
    database.migrate(engine)
    made = Room(engine, tmp_path.resolve())
    yield made
    made.jail.close()
    engine.dispose()
