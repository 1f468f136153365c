"""pynetdicom's own query/retrieve server as PACS, for the demonstration where Orthanc is not installed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.testing.orthanc import Modality
from shared.testing.ports import accepts_connections, free_port, wait_until


@dataclass(frozen=True, slots=True)
class Pacs:
    """A running qrscp: C-STORE, C-FIND, C-GET, C-MOVE; no DICOMweb, no storage commitment, no auto-routing."""

    ae_title: str
    dicom_port: int
    folder: Path
    """What it stored lies here, one file per object."""
    host: str = "127.0.0.1"


@contextmanager
def start_qrscp(
    folder: Path, *, ae_title: str = "QRSCP", modalities: Mapping[str, Modality] | None = None, dicom_port: int = 0
) -> Iterator[Pacs]:
    """Run qrscp with its files and its index in ``folder``."""
    stored = folder / "instances"
    stored.mkdir(parents=True, exist_ok=True)
    port = dicom_port or free_port()
    (folder / "qrscp.ini").write_text(_configuration(ae_title, port, folder, modalities or {}), encoding="utf-8")
    command = [sys.executable, "-W", "ignore", "-m", "pynetdicom", "qrscp", "-c", str(folder / "qrscp.ini")]
    with (folder / "qrscp.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        wait_until(lambda: accepts_connections(port), f"qrscp ({folder}/qrscp.log)")
        yield Pacs(ae_title, port, stored)
    finally:
        process.kill()
        process.wait()


def _configuration(ae_title: str, port: int, folder: Path, modalities: Mapping[str, Modality]) -> str:
    head = (
        f"[DEFAULT]\nae_title: {ae_title}\nport: {port}\nmax_pdu: 16382\nacse_timeout: 30\ndimse_timeout: 30\n"
        f"network_timeout: 30\nbind_address: 127.0.0.1\ninstance_location: {folder / 'instances'}\n"
        f"database_location: {folder / 'index.sqlite'}\n"
    )
    rows = [
        f"[{name}]\nae_title: {row.ae_title}\naddress: {row.host}\nport: {row.port}\n"
        for name, row in modalities.items()
    ]
    return "\n".join([head, *rows])
