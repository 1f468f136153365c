"""One running system for all e2e tests, and patients that nobody shares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from shared.testing.otlp_collector import Collector, start_collector
from tests.patients import Someone, a_patient, require_peers
from tests.system import System, start_system


@dataclass(frozen=True)
class Watched:
    """A system whose traces are collected."""

    system: System
    collector: Collector


@pytest.fixture
def someone() -> Someone:
    return a_patient()


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    require_peers()
    with start_collector() as collector, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        with start_system(tmp_path_factory.mktemp("system"), collect_s=4.0) as running:
            yield Watched(running, collector)


@pytest.fixture(scope="session")
def system(watched: Watched) -> System:
    return watched.system
