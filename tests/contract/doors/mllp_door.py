"""Driver of the MLLP door of the lab consumer."""

from __future__ import annotations

import itertools
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from shared.domain.refusals import ANSWERS, Cause
from shared.hl7.mllp import framed
from shared.testing.hl7_messages import header, message, obr, obx, oru, pid
from shared.testing.listener_process import REPOSITORY
from shared.testing.ports import accepts_connections, free_port, wait_until
from tests.contract.doors.driver import Heard

_SITE = """
[site]
data_folder = "{data}"

[[identity]]
name = "hospital"
fhir_system = "http://hospital.example.org"
hl7_authority = "HOSP"

[lab_consumer]
http_port = {http}
mllp_port = {port}
mllp_allowed_networks = ["127.0.0.1/32"]
mllp_max_message_bytes = 100000
mllp_message_timeout_s = {timeout}
mllp_max_connections = {connections}
grpc_address = "127.0.0.1:{grpc}"
results_address = "127.0.0.1:1"
min_free_mb = {free}
ledger_grace_s = {grace}
"""


class Mllp:
    """Sends messages as a laboratory does, one connection each."""

    troubles = frozenset({Cause.OVERLOADED, Cause.TOO_SLOW, Cause.STORE_UNREACHABLE, Cause.OUT_OF_SPACE})

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self.acknowledged: list[str] = []
        secrets = folder / "data" / "secrets"
        secrets.mkdir(parents=True)
        (secrets / "lab_consumer.token").write_text("EHR a-key-of-the-ehr-1234 facts.write\n")
        self.provoked: Mapping[Cause, Callable[[], Heard]] = {
            Cause.STORE_UNREACHABLE: self._abandoned,
            Cause.OUT_OF_SPACE: self.send_good,
            Cause.OVERLOADED: self._crowded,
            Cause.TOO_SLOW: self._slow,
            Cause.CALLER_UNKNOWN: lambda: self._sent(oru(), address="127.0.0.2"),
            Cause.NOT_SUPPORTED: lambda: self._sent(message(header(kind="ADT^A08"), pid())),
            Cause.ENCODING_NOT_SUPPORTED: lambda: self._sent(f"{header()}||||||ISO IR87\r".encode()),
            Cause.UNREADABLE: lambda: self._sent(message(header(), "PID|\x00")),
            Cause.INVALID_VALUE: lambda: self._sent(oru(obx(status="?"))),
            Cause.DUPLICATE: self._rival,
            Cause.TOO_LARGE: lambda: self._sent(oru() + b"NTE|1||" + b"x" * 100_000 + b"\r"),
            Cause.NO_SUCH_OBJECT: lambda: self._sent(message(f"{header()}||no-such-part", "ADD|rest")),
        }

    def start(self, trouble: Cause | None = None) -> None:
        site = self._folder / "site.toml"
        crowded, slow = trouble is Cause.OVERLOADED, trouble is Cause.TOO_SLOW
        values = {"timeout": 0.5 if slow else 10, "connections": 1 if crowded else 20, "grpc": free_port()}
        values |= {"free": 10**9 if trouble is Cause.OUT_OF_SPACE else 1, "http": free_port()}
        values |= {"grace": 0.2 if trouble is Cause.STORE_UNREACHABLE else 600}  # nobody answers at its results_address
        site.write_text(_SITE.format(data=self._folder / "data", port=self._port, **values))
        command = [sys.executable, "-m", "services.lab_consumer"]
        environment = os.environ | {"ONCORELAY_CONFIG": str(site)}
        subprocess.run([*command, "migrate"], cwd=REPOSITORY, env=environment, check=True, capture_output=True)
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=log, stderr=log)
        wait_until(lambda: accepts_connections(self._port), "the MLLP door")

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()

    def send_good(self) -> Heard:
        number = next(self._numbers)
        content = message(header(f"GOOD-{number}"), pid(f"MRN-{number}"), obr(f"F-{number}^LAB"), obx())
        heard = self._sent(content)
        if heard.success:
            self.acknowledged.append(f"MRN-{number}")
        return heard

    def holds_all(self) -> bool:
        """Look into the database file, past the service: a fact of each patient is stated."""
        with sqlite3.connect(self._folder / "data" / "lab_consumer" / "facts.sqlite") as database:
            found = {row[0] for row in database.execute("SELECT identifier FROM statement WHERE kind = 'fact'")}
        return set(self.acknowledged) <= found

    def expected(self, cause: Cause) -> Heard:
        row = ANSWERS[cause]
        return Heard(success=False, answer=f"{row.acknowledgment} {row.hl7_error}")

    def _connected(self, address: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._port), timeout=20, source_address=(address, 0))

    def _sent(self, content: bytes, address: str = "127.0.0.1") -> Heard:
        with self._connected(address) as connection:
            connection.sendall(framed(content))
            return _heard(connection)

    def _crowded(self) -> Heard:
        """The one place is held by somebody whose message was answered."""

        def taken() -> bool:
            connection = self._connected()
            connection.sendall(framed(oru()))
            if _heard(connection).success:
                held.append(connection)
            else:
                connection.close()
            return bool(held)

        held: list[socket.socket] = []
        wait_until(taken, "a free place")
        try:
            return self._sent(oru())
        finally:
            held[0].close()

    def _slow(self) -> Heard:
        with self._connected() as connection:
            connection.sendall(b"\x0b" + oru()[:120])
            return _heard(connection)

    def _rival(self) -> Heard:
        """The same identifier with another birth date."""
        assert self._sent(message(header("R1"), pid("RIVAL"), obr("R1^LAB"), obx())).success
        return self._sent(message(header("R2"), pid("RIVAL", born="19501231"), obr("R2^LAB"), obx()))

    def _abandoned(self) -> Heard:
        """Wait until results, which is not there, is missed; a locked database is told in the same way."""
        wait_until(lambda: not self.send_good().success, "a refusal")
        heard = self.send_good()
        holder = sqlite3.connect(self._folder / "data" / "lab_consumer" / "facts.sqlite", isolation_level=None)
        try:
            holder.execute("BEGIN EXCLUSIVE")
            assert self._sent(oru(control="LOCKED")) == heard
        finally:
            holder.close()
        return heard


def _heard(connection: socket.socket) -> Heard:
    content = b""
    while not content.endswith(b"\x1c\r"):
        received = connection.recv(65536)
        assert received, f"closed after {content!r}"
        content += received
    segments = [line.split("|") for line in content.strip(b"\x0b\x1c\r").decode().split("\r")]
    code = next(fields[1] for fields in segments if fields[0] == "MSA")
    errors = [fields[3].split("^")[0] for fields in segments if fields[0] == "ERR"]
    return Heard(code == "AA", " ".join([code, *errors[:1]]))
