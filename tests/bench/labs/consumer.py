"""The lab consumer as a process of its own, and results, which only listens."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from shared.testing.fhir_resources import HOSPITAL_SYSTEM
from shared.testing.ports import accepts_connections, free_port, wait_until
from tests.integration.lab_consumer.conftest import TOKEN, ListeningResults

_SITE = """
[site]
data_folder = "{data}"

[[identity]]
name = "hospital"
fhir_system = "{system}"
hl7_authority = "HOSP"

[lab_consumer]
http_port = {http}
mllp_port = {mllp}
grpc_address = "127.0.0.1:{grpc}"
results_address = "127.0.0.1:{results}"
min_free_mb = 1
{extra}
"""


@dataclass(frozen=True)
class Consumer:
    """A running lab consumer."""

    http: httpx.Client
    database: Path
    process: subprocess.Popen[bytes]
    mllp: int
    """Port of the MLLP door."""

    def facts(self) -> int:
        """Return how many facts are on record, by a connection of our own: what it sees is committed."""
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as connection:
            found = connection.execute("SELECT count(*) FROM statement WHERE kind = 'fact' AND value IS NOT NULL")
            return int(found.fetchone()[0])

    def post(self, content: bytes | Iterator[bytes], kind: str) -> httpx.Response:
        """POST a body to /fhir.

        Raises:
            httpx.HTTPStatusError: If it is refused.
        """
        headers = {"authorization": f"Bearer {TOKEN}", "content-type": kind}
        return self.http.post("/fhir", content=content, headers=headers).raise_for_status()


@contextmanager
def start_consumer(folder: Path, extra: str = "") -> Iterator[Consumer]:
    """Run it on an empty database (SQLite, synchronous FULL, as shipped)."""
    ports = {name: free_port() for name in ("http", "mllp", "grpc", "results")}
    (folder / "secrets").mkdir(parents=True)
    (folder / "secrets" / "lab_consumer.token").write_text(TOKEN)
    (folder / "site.toml").write_text(_SITE.format(data=folder, system=HOSPITAL_SYSTEM, extra=extra, **ports))
    listening = ListeningResults().start(f"127.0.0.1:{ports['results']}")
    environment = os.environ | {"ONCORELAY_CONFIG": str(folder / "site.toml")}
    command = [sys.executable, "-m", "services.lab_consumer", "--migrate"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stderr=log, stdout=log)
    try:
        wait_until(lambda: accepts_connections(ports["http"]), "the lab consumer", timeout_s=60)
        with httpx.Client(base_url=f"http://127.0.0.1:{ports['http']}", timeout=3600, trust_env=False) as http:
            yield Consumer(http, folder / "lab_consumer" / "facts.sqlite", process, ports["mllp"])
    finally:
        process.terminate()
        process.wait(60)
        listening.stop(None).wait()
