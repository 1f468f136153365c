"""A real FHIR R4 server (Medplum's router and validator, in memory) in Node, for tests and the demonstration."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from shared.testing.ports import accepts_connections, free_port, wait_until

PEERS = Path(__file__).resolve().parents[2] / "tests" / "peers"


@dataclass(frozen=True, slots=True)
class FhirServer:
    """A running server."""

    base_url: str

    def get(self, path: str) -> dict[str, Any]:
        """Return the resource or searchset at ``path``."""
        answer = httpx.get(f"{self.base_url}/{path}", timeout=15)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def put(self, resource: dict[str, Any]) -> dict[str, Any]:
        """Create or update a resource with an id; return it as stored."""
        path = f"{self.base_url}/{resource['resourceType']}/{resource['id']}"
        answer = httpx.put(path, json=resource, headers={"Content-Type": "application/fhir+json"}, timeout=15)
        answer.raise_for_status()
        stored: dict[str, Any] = answer.json()
        return stored

    def search(self, resource_type: str, **parameters: str) -> list[dict[str, Any]]:
        """Return the resources a search finds (at most 1000)."""
        query = {"_count": "1000", **parameters}
        answer = httpx.get(f"{self.base_url}/{resource_type}", params=query, timeout=15)
        answer.raise_for_status()
        return [entry["resource"] for entry in answer.json().get("entry", [])]

    def fail_next(self, status: int = 500, count: int = 1) -> None:
        """Have the next writes fail with ``status``."""
        httpx.post(f"{self.base_url}/_admin/fail", json={"status": status, "count": count}, timeout=15)

    def forwarded(self) -> list[dict[str, Any]]:
        """Return what was forwarded so far: path and status of the answer."""
        rows: list[dict[str, Any]] = self.get("_admin/forwarded")["forwarded"]
        return rows


def fhir_server_available() -> bool:
    """Tell whether Node and the server's packages are here (``npm ci`` in tests/peers installs them)."""
    return bool(shutil.which("node")) and (PEERS / "node_modules" / "@medplum" / "fhir-router").is_dir()


@contextmanager
def start_fhir_server(
    folder: Path, *, forward_to: str = "", forward_token: str = "", port: int = 0
) -> Iterator[FhirServer]:
    """Run the server; with ``forward_to`` it PUTs every new or changed resource to that base URL, in order.

    Raises:
        FileNotFoundError: If Node or the packages are missing; says what to run.
    """
    if not fhir_server_available():
        raise FileNotFoundError("the FHIR server needs Node 20 or later and: npm ci --prefix tests/peers")
    port = port or free_port()
    command = ["node", str(PEERS / "fhir_server.mjs"), "--port", str(port)]
    command += ["--forward-to", forward_to, "--forward-token", forward_token] if forward_to else []
    with (folder / "fhir_server.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=PEERS)
        try:
            wait_until(lambda: accepts_connections(port) or process.poll() is not None, "the FHIR server", timeout_s=60)
            yield FhirServer(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            _reap(process)


def _reap(process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 5
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    if process.poll() is None:
        process.kill()
    process.wait()
