"""The service as a process: start, refusals to start, orderly end, and what survives kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from shared.domain.identity import PatientIdentity
from shared.testing.fhir_resources import HOSPITAL_SYSTEM, patient
from shared.testing.ports import free_port, wait_until
from tests.integration.lab_consumer.conftest import HEADERS, TOKEN, ListeningResults

pytestmark = pytest.mark.integration


class Process:
    """One ``python -m services.lab_consumer``."""

    def __init__(self, folder: Path, results_port: int) -> None:
        self.http_port, self.log = free_port(), folder / "log"
        self.environment = os.environ | {
            "ONCORELAY_CONFIG": str(folder / "site.toml"),
            "ONCORELAY_LAB_CONSUMER__HTTP_PORT": str(self.http_port),
            "ONCORELAY_LAB_CONSUMER__GRPC_ADDRESS": f"127.0.0.1:{free_port()}",
            "ONCORELAY_LAB_CONSUMER__RESULTS_ADDRESS": f"127.0.0.1:{results_port}",
        }
        (folder / "site.toml").write_text(
            f'[site]\ndata_folder = "{folder}"\n[[identity]]\nname = "hospital"\nfhir_system = "{HOSPITAL_SYSTEM}"\n'
        )

    def start(self) -> subprocess.Popen[bytes]:
        self.log.write_bytes(b"")
        with self.log.open("wb") as log:
            process = subprocess.Popen([*COMMAND, "--migrate"], env=self.environment, stderr=log)
        wait_until(lambda: b'"event": "ready"' in self.log.read_bytes(), "the lab consumer")
        return process

    def post_patient(self) -> int:
        url = f"http://127.0.0.1:{self.http_port}/fhir/Patient"
        return httpx.post(url, json=patient(), headers=HEADERS, timeout=20).status_code

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*COMMAND, *arguments], env=self.environment, capture_output=True, text=True, timeout=60)


COMMAND = [sys.executable, "-m", "services.lab_consumer"]


def write_token(folder: Path) -> None:
    (folder / "secrets").mkdir()
    (folder / "secrets" / "lab_consumer.token").write_text(TOKEN)


def test_without_a_token_file_it_does_not_start_and_says_how_to_make_one(tmp_path: Path) -> None:
    ended = Process(tmp_path, free_port()).run("--migrate")

    assert ended.returncode != 0
    assert "openssl rand -hex 32" in ended.stderr


def test_without_a_schema_it_does_not_start_and_says_what_to_run(tmp_path: Path) -> None:
    write_token(tmp_path)
    process = Process(tmp_path, free_port())

    ended = process.run()
    assert ended.returncode != 0
    assert "python -m services.lab_consumer migrate" in ended.stderr
    assert process.run("migrate").returncode == 0


def test_sigterm_ends_it_in_order(tmp_path: Path) -> None:
    write_token(tmp_path)
    process = Process(tmp_path, free_port()).start()

    process.send_signal(signal.SIGTERM)

    assert process.wait(20) == 0


def test_what_was_answered_is_announced_after_kill_9(tmp_path: Path) -> None:
    write_token(tmp_path)
    results_port = free_port()
    lab = Process(tmp_path, results_port)
    first = lab.start()
    assert lab.post_patient() == 201  # results is down: committed, and nobody was told

    first.kill()
    first.wait()
    results = ListeningResults()
    listening = results.start(f"127.0.0.1:{results_port}")
    second = lab.start()

    assert results.wait_for(1)[0][1] == PatientIdentity("hospital", "MRN1")
    second.send_signal(signal.SIGTERM)
    assert second.wait(20) == 0
    listening.stop(None).wait()
