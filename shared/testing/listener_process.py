"""The real listener as a process of its own, with settings a test chooses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from shared.testing.ports import accepts_connections, free_port, wait_until

REPOSITORY = Path(__file__).resolve().parents[2]

_SITE = """
[site]
data_folder = "{data}"

[[identity]]
name = "phantoms"
dicom_issuer = "PHANTOMS"

[dicom_listener]
port = {port}
calling_ae_titles = [{senders}]
results_address = "127.0.0.1:{results}"
grpc_address = "127.0.0.1:{grpc}"
min_free_mb = {min_free_mb}
{extra}
"""


@dataclass(slots=True)
class ListenerProcess:
    """``python -m services.dicom_listener`` on a free port; whoever starts it stops it."""

    folder: Path
    """Data folder and configuration go here; a new process on the same folder is a restart."""
    results_port: int = field(default_factory=free_port)
    port: int = field(default_factory=free_port)
    grpc_port: int = field(default_factory=free_port)
    extra: str = "settle_s = 0.2\nquiet_s = 2.0\nstop_grace_s = 2.0"
    """Further lines of the ``[dicom_listener]`` table."""
    min_free_mb: int = 16
    senders: tuple[str, ...] = ("PACS", "STORESCU", "ECHOSCU", "DCMSEND")
    """AE titles that may associate."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """Return what it logged so far."""
        return (self.folder / "log").read_text()

    @property
    def journal(self) -> Path:
        """Return the journal's folder."""
        return self.folder / "data" / "dicom" / "journal"

    def start(self) -> None:
        """Start it and wait until it listens."""
        site = self.folder / "site.toml"
        site.write_text(
            _SITE.format(
                data=self.folder / "data",
                port=self.port,
                results=self.results_port,
                grpc=self.grpc_port,
                senders=", ".join(f'"{title}"' for title in self.senders),
                extra=self.extra,
                min_free_mb=self.min_free_mb,
            )
        )
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.dicom_listener"],
                cwd=REPOSITORY,
                env=os.environ | {"ONCORELAY_CONFIG": str(site)},
                stdout=log,
                stderr=log,
            )
        wait_until(lambda: self._ended() or accepts_connections(self.port), "the listener")
        if self._ended():
            raise RuntimeError(f"the listener did not start:\n{self.log}")

    def stop(self) -> int:
        """Stop it in order (SIGTERM); return its exit status."""
        return self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once (SIGKILL)."""
        self._signal(signal.SIGKILL)

    def thread_count(self) -> int:
        """Return how many threads it has (Linux)."""
        assert self.process  # noqa: S101
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    def _ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def _signal(self, number: signal.Signals) -> int:
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(20)
        finally:
            self.process.kill()
            self.process.wait()
            self.process = None
