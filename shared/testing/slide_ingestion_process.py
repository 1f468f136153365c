"""The real slide ingestion as a process of its own, with settings a test chooses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from shared.testing.ports import free_port, wait_until

REPOSITORY = Path(__file__).resolve().parents[2]

_SITE = """
[site]
data_folder = "{data}"
slide_folders = ["{inbox}"]

[[identity]]
name = "phantoms"
dicom_issuer = "PHANTOMS"

[slide_ingestion]
grpc_address = "127.0.0.1:{grpc}"
results_address = "127.0.0.1:{results}"
scan_s = 0.2
settle_s = 0.6
min_free_mb = 16
retry_s = 0.1
longest_retry_s = 1.0
{extra}
"""


@dataclass(slots=True)
class SlideIngestionProcess:
    """``python -m services.slide_ingestion --migrate`` on a free port; whoever starts it stops it."""

    folder: Path
    """Data, the scanner's folder and the configuration go here; a new process on the same folder is a restart."""
    results_port: int = field(default_factory=free_port)
    grpc_port: int = field(default_factory=free_port)
    extra: str = ""
    """Further lines of the ``[slide_ingestion]`` table."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def inbox(self) -> Path:
        """Return the scanner's folder."""
        return self.folder / "inbox"

    @property
    def address(self) -> str:
        """Return where it answers."""
        return f"127.0.0.1:{self.grpc_port}"

    @property
    def log(self) -> str:
        """Return what it logged so far."""
        return (self.folder / "slides.log").read_text()

    def start(self) -> None:
        """Start it and wait until it is ready.

        Raises:
            RuntimeError: If it ends; quotes what it said.
        """
        self.inbox.mkdir(parents=True, exist_ok=True)
        site = self.folder / "slides.toml"
        site.write_text(
            _SITE.format(
                data=self.folder / "data", inbox=self.inbox, grpc=self.grpc_port, results=self.results_port,
                extra=self.extra,
            )
        )  # fmt: skip
        before = len(self.log) if (self.folder / "slides.log").exists() else 0
        with (self.folder / "slides.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.slide_ingestion", "--migrate"],
                cwd=REPOSITORY, env=os.environ | {"ONCORELAY_CONFIG": str(site)}, stdout=log, stderr=log,
            )  # fmt: skip
        process = self.process
        wait_until(
            lambda: process.poll() is not None or '"event": "ready"' in self.log[before:], "slide ingestion",
            timeout_s=60,
        )  # fmt: skip
        if process.poll() is not None:
            raise RuntimeError(f"slide ingestion did not start:\n{self.log}")

    def stop(self) -> int:
        """Stop it in order (SIGTERM); return its exit status."""
        return self._signal(signal.SIGTERM)

    def kill(self) -> int:
        """Kill it."""
        return self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(number)
        status = self.process.wait(30)
        self.process = None
        return status
