"""One running system for all e2e tests, and patients that nobody shares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from shared.testing.otlp_collector import Collector, start_collector
from shared.testing.ports import free_port
from tests.lung_bundle import lung_bundle_settings
from tests.patients import Someone, a_patient, require_peers
from tests.system import System, start_system


@dataclass(frozen=True)
class Watched:
    """A system whose traces are collected."""

    system: System
    collector: Collector
    stow: str
    """Base URL of our STOW-RS door; the token is that of the FHIR door."""


@pytest.fixture
def someone() -> Someone:
    return a_patient()


@pytest.fixture(scope="package")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    require_peers()
    with start_collector() as collector, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        folder, port = tmp_path_factory.mktemp("system"), free_port()
        stow = {"stow_port": port, "stow_token_file": str(folder / "site" / "secrets" / "lab_consumer.token")}
        bundles = lung_bundle_settings(folder)
        with start_system(folder, collect_s=4.0, listener=stow, inference=bundles, **bundles) as running:
            yield Watched(running, collector, f"http://127.0.0.1:{port}/dicomweb")


@pytest.fixture(scope="package")
def system(watched: Watched) -> System:
    return watched.system
