"""The whole system in its embedded form: what it starts shows no secret, and lets nobody in without one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from services.cli.demo.site import Ports, write_site_file
from services.cli.doctor import examine
from services.cli.person import person_tls
from services.cli.supervisor import Supervisor
from services.cli.up import Settings, running
from shared.domain.errors import UnavailableError
from shared.rpc.clients import LabConsumerClient, ResultsClient
from shared.security.tls_files import files_of
from shared.site.settings import CONFIG_VARIABLE

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def ports() -> Ports:
    return Ports.free()


@pytest.fixture(scope="module")
def site(ports: Ports, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    data = tmp_path_factory.mktemp("site")
    before = os.environ.get(CONFIG_VARIABLE)
    sinks = [{"name": "folder", "kind": "folder", "folder": str(data / "results")}]
    os.environ[CONFIG_VARIABLE] = str(write_site_file(data, ports, sinks))
    yield data
    os.environ.pop(CONFIG_VARIABLE) if before is None else os.environ.update({CONFIG_VARIABLE: before})


@pytest.fixture(scope="module")
def system(site: Path) -> Iterator[Supervisor]:
    with running(lambda _name, _text: None) as supervisor:
        yield supervisor


def secrets_of(site: Path) -> list[str]:
    found = [path.read_text().strip() for path in (site / "secrets").iterdir()]
    found += [path.read_text().splitlines()[1] for path in (site / "tls").rglob("*.key")]
    assert len(found) >= 3 + 10
    return found


def test_no_command_line_and_no_environment_holds_a_secret(system: Supervisor, site: Path) -> None:
    started = [child.process.pid for child in system.children.values() if child.process.poll() is None]
    everything = [psutil.Process(pid) for pid in started]
    everything += [child for one in everything for child in one.children(recursive=True)]
    seen = {one.pid: " ".join(one.cmdline()) + Path(f"/proc/{one.pid}/environ").read_text() for one in everything}

    assert len(seen) >= 8
    for secret in secrets_of(site):
        assert not [seen[pid][:80] for pid in seen if secret in seen[pid]]


def test_no_log_holds_a_secret(system: Supervisor, site: Path) -> None:
    logs = "".join(path.read_text() for path in (site / "logs").iterdir())

    assert "ready" in logs
    assert not [secret[:4] for secret in secrets_of(site) if secret in logs]


def test_every_file_with_a_secret_is_for_its_owner_only(system: Supervisor, site: Path) -> None:
    files = [*(site / "secrets").iterdir(), *(site / "tls").rglob("*.key"), site / "redis.conf"]

    assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o600"}


def test_the_embedded_redis_lets_nobody_in_without_its_password(system: Supervisor, ports: Ports) -> None:
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=ports.redis).ping()


def test_services_let_nobody_in_without_a_certificate(system: Supervisor, site: Path, ports: Ports) -> None:
    for kind, port in ((ResultsClient, ports.results), (LabConsumerClient, ports.facts)):
        address = f"127.0.0.1:{port}"
        assert kind(address, tls=person_tls(Settings().site)).healthy()
        assert not kind(address, deadline_s=2.0).healthy()
    with pytest.raises(UnavailableError):
        ResultsClient(f"127.0.0.1:{ports.results}", deadline_s=2.0).list_cases()


def test_whoever_runs_it_is_its_administrator_and_its_workers_are_not(system: Supervisor, site: Path) -> None:
    (person,) = (site / "tls" / "people").glob("*.pem")

    assert person_tls(Settings().site) == files_of(site / "tls", f"people/{person.stem}")


def test_the_doctor_finds_the_doors_closed(system: Supervisor) -> None:
    found = {one.name: one for one in examine()}

    for name in ("certificates", "secrets", "redis", "FHIR door", "results", "lab_consumer"):
        assert found[name].passed, found[name]
    assert "password" in found["redis"].detail
