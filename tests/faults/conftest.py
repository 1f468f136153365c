"""One system for all faults: what one test breaks must be whole again for the next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.patients import Someone, a_patient, require_peers
from tests.system import System, start_system


@pytest.fixture
def someone() -> Someone:
    return a_patient()


@pytest.fixture(scope="package")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    require_peers()
    folder = tmp_path_factory.mktemp("faults")
    with start_system(folder, attempt_lease_s=3.0, redispatch_s=10.0, collect_s=60.0) as running:
        yield running
