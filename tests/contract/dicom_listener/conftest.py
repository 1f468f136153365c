"""Both doors, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors import Standing, stand


@pytest.fixture(params=["own", "pynetdicom"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def standing(kind: str, tmp_path: Path) -> Iterator[Standing]:
    found = stand(kind, tmp_path)
    yield found
    found.door.stop()
