"""One running system for all e2e tests, and patients that nobody shares."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.patients import Someone, a_patient, require_peers
from tests.system import System, start_system


@pytest.fixture
def someone() -> Someone:
    return a_patient()


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    require_peers()
    with start_system(tmp_path_factory.mktemp("system"), collect_s=4.0) as running:
        yield running
