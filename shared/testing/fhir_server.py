"""A real FHIR R4 server (Medplum's router in Node) as EHR; its script and lock file are in ``tests/peers``."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.testing.plain_http import HTTP
from shared.testing.ports import accepts_connections, free_port, wait_until

PEERS = Path(__file__).resolve().parents[2] / "tests" / "peers"
_INSTALL_TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class FhirServer:
    """A running server; it forgets everything when it stops."""

    port: int

    @property
    def url(self) -> str:
        """Return the FHIR base URL."""
        return f"http://127.0.0.1:{self.port}/fhir"

    def get(self, path: str) -> Any:
        """Return the JSON answer to a GET below the base."""
        return HTTP.get(f"{self.url}/{path}").raise_for_status().json()

    def search(self, path: str) -> list[dict[str, Any]]:
        """Return the resources a search finds, for example ``search("RiskAssessment?subject=Patient/1")``."""
        return [entry["resource"] for entry in self.get(path).get("entry", [])]

    def put(self, resource: dict[str, Any]) -> dict[str, Any]:
        """Store a resource under its own id and return it as stored."""
        url = f"{self.url}/{resource['resourceType']}/{resource['id']}"
        answer = HTTP.put(url, json=resource)
        return dict(answer.raise_for_status().json())

    def post(self, resource: dict[str, Any]) -> dict[str, Any]:
        """Create a resource, or run a transaction, and return the answer."""
        path = "" if resource["resourceType"] == "Bundle" else f"/{resource['resourceType']}"
        return dict(HTTP.post(f"{self.url}{path}", json=resource, timeout=30).raise_for_status().json())

    def fail_next(self, status: int, count: int = 1) -> None:
        """Answer the next ``count`` requests with ``status`` and do nothing."""
        url = f"http://127.0.0.1:{self.port}/_admin/fail?next={status}&count={count}"
        HTTP.post(url).raise_for_status()

    def withhold(self, *kinds: str) -> None:
        """Offer and take everything but these resource types (or "transaction") from now on."""
        url = f"http://127.0.0.1:{self.port}/_admin/withhold?kinds={','.join(kinds)}"
        HTTP.post(url).raise_for_status()

    def asked(self) -> list[str]:
        """Return method and URL of every request so far, as an access log would have them."""
        answer = HTTP.get(f"http://127.0.0.1:{self.port}/_admin/asked")
        return list(answer.raise_for_status().json()["asked"])

    def forwarded(self) -> list[dict[str, Any]]:
        """Return what subscribers were sent so far: path and status of their answer."""
        answer = HTTP.get(f"http://127.0.0.1:{self.port}/_admin/forwarded")
        return list(answer.raise_for_status().json()["forwarded"])


def installed() -> bool:
    """Tell whether this machine can run the server (Node, npm and the script are there)."""
    return bool(shutil.which("node") and shutil.which("npm") and (PEERS / "fhir_server.mjs").exists())


def ready() -> bool:
    """Tell whether its packages are here already, so that it can start without fetching anything."""
    return installed() and (PEERS / "node_modules" / ".package-lock.json").exists()


def install() -> None:
    """Fetch the server's pinned packages unless they are there (``npm ci``, once per checkout)."""
    marker = PEERS / "node_modules" / ".package-lock.json"
    locks = PEERS.parents[1] / ".venvs"
    locks.mkdir(exist_ok=True)
    with (locks / ".peers.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not marker.exists():
            subprocess.run(["npm", "ci"], cwd=PEERS, check=True, capture_output=True, timeout=_INSTALL_TIMEOUT_S)


@contextmanager
def start_fhir_server(
    folder: Path, *, forward_to: str = "", forward_token: str = "", port: int = 0, issuer: str = ""
) -> Iterator[FhirServer]:
    """Run the server, logging into ``folder``; every new or changed resource is PUT to ``forward_to``/Type/id.

    ``issuer``: the OpenID provider without whose tokens nothing is answered.
    """
    install()
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    command = ["node", str(PEERS / "fhir_server.mjs"), "--port", str(port), "--forward-to", forward_to]
    command += ["--issuer", issuer] if issuer else []
    environment = {**os.environ, "FORWARD_TOKEN": forward_token}  # a command line is there for all to see
    with (folder / "fhir_server.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        wait_until(lambda: accepts_connections(port), f"the FHIR server ({folder}/fhir_server.log)", timeout_s=60)
        yield FhirServer(port)
    finally:
        process.kill()
        process.wait()
