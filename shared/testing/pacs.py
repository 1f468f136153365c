"""pynetdicom's own query/retrieve application as a PACS, for machines without Orthanc."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.testing.ports import accepts_connections, free_port, wait_until

_SETTINGS = """\
[DEFAULT]
ae_title: {title}
port: {port}
max_pdu: 16382
acse_timeout: 30
dimse_timeout: 30
network_timeout: 30
bind_address: 127.0.0.1
instance_location: {folder}/instances
database_location: {folder}/instances.sqlite
"""


@contextmanager
def start_qrscp(folder: Path, *, ae_title: str = "PACS") -> Iterator[int]:
    """Run qrscp below ``folder`` and yield its port."""
    port = free_port()
    settings = folder / "qrscp.ini"
    settings.write_text(_SETTINGS.format(title=ae_title, port=port, folder=folder))
    (folder / "instances").mkdir(parents=True, exist_ok=True)
    with (folder / "qrscp.log").open("wb") as log:
        command = [sys.executable, "-m", "pynetdicom", "qrscp", "-c", str(settings)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_until(lambda: accepts_connections(port), "qrscp", timeout_s=30)
            yield port
        finally:
            process.kill()
            process.wait()
