"""Driver of the FHIR door of the lab consumer."""

from __future__ import annotations

import itertools
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from shared.codes import loinc
from shared.domain.refusals import ANSWERS, Cause
from shared.testing.fhir_resources import ER, observation, patient
from shared.testing.listener_process import REPOSITORY
from shared.testing.ports import accepts_connections, free_port, wait_until
from tests.contract.doors.driver import Heard

_SITE = """
[site]
data_folder = "{data}"

[[identity]]
name = "hospital"
fhir_system = "http://hospital.example.org"

[lab_consumer]
http_port = {port}
grpc_address = "127.0.0.1:{grpc}"
results_address = "127.0.0.1:1"
max_body_bytes = 100000
body_timeout_s = {timeout}
max_connections = {connections}
min_free_mb = {free}
ledger_grace_s = {grace}
"""
_KIND = "application/fhir+json"
_UNDATED = observation("o1", ER, loinc.POSITIVE) | {"effectiveDateTime": "2026-01"}
"""FHIR allows a month alone; a fact without its day cannot be used."""


class Fhir:
    """POSTs resources as an EHR does."""

    troubles = frozenset({Cause.OVERLOADED, Cause.TOO_SLOW, Cause.STORE_UNREACHABLE, Cause.OUT_OF_SPACE})

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self.acknowledged: list[str] = []
        secrets = folder / "data" / "secrets"
        secrets.mkdir(parents=True)
        keys = "EHR a-key-of-the-ehr-1234 facts.write\nREADER a-key-of-a-reader-12 facts.read\n"
        (secrets / "lab_consumer.token").write_text(keys)
        post = self._post
        self.provoked: Mapping[Cause, Callable[[], Heard]] = {
            Cause.STORE_UNREACHABLE: self._abandoned,
            Cause.OUT_OF_SPACE: self.send_good,
            Cause.OVERLOADED: self._crowded,
            Cause.TOO_SLOW: self._slow,
            Cause.CALLER_UNKNOWN: lambda: post(patient(), Authorization="Bearer nobody-knows-this-key"),
            Cause.CALLER_FORBIDDEN: lambda: post(patient(), Authorization="Bearer a-key-of-a-reader-12"),
            Cause.CALLED_UNKNOWN: lambda: post(patient(), path="/fhir/NoSuchType"),
            Cause.NOT_SUPPORTED: lambda: post(patient(), Content_Type="text/xml"),
            Cause.ENCODING_NOT_SUPPORTED: lambda: post(patient(), Content_Encoding="gzip"),
            Cause.UNREADABLE: lambda: self._raw(b"{not json"),
            Cause.INVALID_VALUE: lambda: post(_UNDATED, path="/fhir/Observation"),
            Cause.TOO_LARGE: lambda: self._raw(b" " * 100_001),
        }

    def start(self, trouble: Cause | None = None) -> None:
        site = self._folder / "site.toml"
        crowded, slow = trouble is Cause.OVERLOADED, trouble is Cause.TOO_SLOW
        values = {"timeout": 0.5 if slow else 10, "connections": 1 if crowded else 20, "grpc": free_port()}
        values |= {"free": 10**9 if trouble is Cause.OUT_OF_SPACE else 1}
        values |= {"grace": 0.2 if trouble is Cause.STORE_UNREACHABLE else 600}  # nobody answers at its results_address
        site.write_text(_SITE.format(data=self._folder / "data", port=self._port, **values))
        command = [sys.executable, "-m", "services.lab_consumer"]
        environment = os.environ | {"ONCORELAY_CONFIG": str(site)}
        subprocess.run([*command, "migrate"], cwd=REPOSITORY, env=environment, check=True, capture_output=True)
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=log, stderr=log)
        wait_until(lambda: accepts_connections(self._port), "the FHIR door")

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()

    def send_good(self) -> Heard:
        made = patient() | {"id": f"p{next(self._numbers)}"}
        heard = self._post(made)
        if heard.success:
            self.acknowledged.append(f"Patient/{made['id']}")
        return heard

    def holds_all(self) -> bool:
        """Look into the database file, past the service."""
        path = self._folder / "data" / "lab_consumer" / "facts.sqlite"
        with sqlite3.connect(path) as database:
            text = "\n".join(database.iterdump())
        return all(f"'{source}'" in text for source in self.acknowledged)

    def expected(self, cause: Cause) -> Heard:
        row = ANSWERS[cause]
        return Heard(success=False, answer=f"{row.http}{' retry' if row.transient else ''} {row.fhir}")

    def _post(self, resource: dict[str, Any], path: str = "/fhir/Patient", **headers: str) -> Heard:
        sent = {"Authorization": "Bearer a-key-of-the-ehr-1234", "Content-Type": _KIND}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"http://127.0.0.1:{self._port}{path}"
        return _heard(httpx.post(url, json=resource, headers=sent, timeout=40, trust_env=False))

    def _raw(self, content: bytes) -> Heard:
        headers = {"Authorization": "Bearer a-key-of-the-ehr-1234", "Content-Type": _KIND}
        url = f"http://127.0.0.1:{self._port}/fhir/Patient"
        return _heard(httpx.post(url, content=content, headers=headers, timeout=20, trust_env=False))

    def _open(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._port), timeout=15)
        head = (
            "POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a-key-of-the-ehr-1234\r\n"
            f"Content-Type: {_KIND}\r\nContent-Length: 500\r\n\r\n{{"
        )
        connection.sendall(head.encode())
        return connection

    def _crowded(self) -> Heard:
        with self._open():
            wait_until(lambda: not self.send_good().success, "the first request to be at work")
            return self.send_good()

    def _slow(self) -> Heard:
        with self._open() as connection:
            content = b""
            while b"OperationOutcome" not in content or not content.endswith(b"}"):
                content += connection.recv(65536)
            head, _, body = content.partition(b"\r\n\r\n")
            return _heard(httpx.Response(int(head.split()[1]), content=body))

    def _abandoned(self) -> Heard:
        """Wait until results, which is not there, is missed; a locked database is told in the same way."""
        wait_until(lambda: not self.send_good().success, "a refusal")
        heard = self.send_good()
        assert self._locked_out() == heard
        return heard

    def _locked_out(self) -> Heard:
        """Hold the database file locked: the service waits, then gives up."""
        path = self._folder / "data" / "lab_consumer" / "facts.sqlite"
        holder = sqlite3.connect(path, isolation_level=None)
        try:
            holder.execute("BEGIN EXCLUSIVE")
            return self._post(patient() | {"id": "locked-out"})
        finally:
            holder.close()


def _heard(answer: httpx.Response) -> Heard:
    tree = answer.json()
    code = tree["issue"][0]["code"]
    success = answer.status_code in (200, 201)
    retry = " retry" if "retry-after" in answer.headers else ""
    return Heard(success, f"{answer.status_code}{retry} {code}")
