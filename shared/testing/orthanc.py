"""A real Orthanc on free ports: PACS of tests and of the demonstration."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from shared.testing.ports import free_port, wait_until

DICOMWEB_PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


@dataclass
class Orthanc:
    """A running Orthanc."""

    ae_title: str
    dicom_port: int
    http_port: int
    command: list[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return the REST base URL."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def dicomweb_url(self) -> str:
        """Return the DICOMweb base URL."""
        return f"{self.url}/dicom-web"

    def get(self, path: str) -> Any:
        """Return what the REST API answers to GET."""
        answer = httpx.get(f"{self.url}/{path}", timeout=15)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, content: Any) -> Any:
        """Return what the REST API answers to POST (JSON)."""
        answer = httpx.post(f"{self.url}/{path}", json=content, timeout=15)
        answer.raise_for_status()
        return answer.json()

    def find(self, level: str, **query: str) -> list[str]:
        """Return Orthanc's ids of what matches, for example ``find("Instance", Modality="SR")``."""
        found: list[str] = self.post("tools/find", {"Level": level, "Query": query})
        return found

    def file(self, instance: str) -> bytes:
        """Return the DICOM file of an instance (Orthanc's id)."""
        answer = httpx.get(f"{self.url}/instances/{instance}/file", timeout=15)
        answer.raise_for_status()
        return answer.content

    def start(self) -> None:
        """Start it (again, on the same ports and data) and wait until it answers."""
        with self.log.open("ab") as stream:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)
        wait_until(self._answers, "Orthanc", timeout_s=30)

    def stop(self, *, kill: bool = True) -> None:
        """Stop it; an orderly stop takes about three seconds, so tests kill it."""
        if self.process is not None:
            self.process.kill() if kill else self.process.terminate()
            self.process.wait()
            self.process = None

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/system", timeout=1).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False


def orthanc_executable() -> str:
    """Return the path of the program; empty where it is not installed (Debian: apt-get install orthanc)."""
    return shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin:/usr/local/sbin") or ""


@contextmanager
def start_orthanc(
    folder: Path,
    *,
    ae_title: str = "PACS",
    modalities: Mapping[str, tuple[str, int]] | None = None,
    dicomweb: bool = True,
    lua: str = "",
) -> Iterator[Orthanc]:
    """Run an Orthanc below ``folder``.

    Args:
        folder: Where configuration, database and log go.
        ae_title: Its AE title.
        modalities: Name -> (AE title, port) of nodes on this machine it may send to and answer.
        dicomweb: Load the DICOMweb plugin (Debian: orthanc-dicomweb) where it is installed.
        lua: Script for auto-routing.
    """
    dicom_port, http_port = free_port(), free_port()
    settings = _settings(folder, ae_title, dicom_port, http_port, modalities or {})
    if dicomweb and DICOMWEB_PLUGIN.exists():
        settings["Plugins"] = [str(DICOMWEB_PLUGIN)]
    if lua:
        (folder / "route.lua").write_text(lua)
        settings["LuaScripts"] = [str(folder / "route.lua")]
    configuration = folder / "orthanc.json"
    configuration.write_text(json.dumps(settings, indent=2))
    orthanc = Orthanc(
        ae_title, dicom_port, http_port, [orthanc_executable(), str(configuration)], folder / "orthanc.log"
    )
    try:
        orthanc.start()
        yield orthanc
    finally:
        orthanc.stop()


def _settings(
    folder: Path, ae_title: str, dicom_port: int, http_port: int, modalities: Mapping[str, tuple[str, int]]
) -> dict[str, Any]:
    return {
        "Name": ae_title, "DicomAet": ae_title, "DicomPort": dicom_port, "HttpPort": http_port,
        "StorageDirectory": str(folder / "storage"), "IndexDirectory": str(folder / "storage"),
        "RemoteAccessAllowed": False, "AuthenticationEnabled": False, "DicomCheckCalledAet": True,
        "DicomAlwaysAllowFind": True, "StableAge": 1, "JobsHistorySize": 100, "ConcurrentJobs": 4,
        "DicomModalities": {
            name: {"AET": title, "Host": "127.0.0.1", "Port": port, "AllowStorageCommitment": True}
            for name, (title, port) in modalities.items()
        },
    }  # fmt: skip
