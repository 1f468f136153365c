"""A real Orthanc as PACS: C-STORE, C-FIND, C-GET, storage commitment, DICOMweb, auto-routing by Lua."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.testing.plain_http import HTTP
from shared.testing.ports import accepts_connections, free_port, wait_until

_DICOMWEB = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")  # Debian package orthanc-dicomweb


@dataclass(frozen=True, slots=True)
class Modality:
    """A DICOM node Orthanc knows: it may find, and be sent to."""

    ae_title: str
    port: int
    host: str = "127.0.0.1"

    def configuration(self) -> dict[str, Any]:
        """Return Orthanc's own words for it."""
        return {"AET": self.ae_title, "Host": self.host, "Port": self.port, "AllowStorageCommitment": True}


@dataclass(frozen=True, slots=True)
class Orthanc:
    """A running Orthanc."""

    ae_title: str
    dicom_port: int
    http_port: int
    host: str = "127.0.0.1"
    process: subprocess.Popen[bytes] | None = field(default=None, compare=False)

    @property
    def url(self) -> str:
        """Return the address of the REST interface."""
        return f"http://{self.host}:{self.http_port}"

    @property
    def dicomweb_url(self) -> str:
        """Return the address of the DICOMweb interface."""
        return f"{self.url}/dicom-web"

    def get(self, path: str) -> Any:
        """Return the JSON answer of the REST interface to a GET."""
        return HTTP.get(f"{self.url}{path}").raise_for_status().json()

    def post(self, path: str, content: Any) -> Any:
        """Return the JSON answer to a POST of JSON."""
        return HTTP.post(f"{self.url}{path}", json=content, timeout=30).raise_for_status().json()

    def delete(self, path: str) -> None:
        """Delete what the REST interface has at ``path``."""
        HTTP.delete(f"{self.url}{path}").raise_for_status()

    def upload(self, dicom: bytes) -> str:
        """Store one object by the REST interface; return Orthanc's own identifier of it."""
        answer = HTTP.post(f"{self.url}/instances", content=dicom).raise_for_status()
        return str(answer.json()["ID"])

    def find(self, level: str, **query: str) -> list[str]:
        """Return Orthanc's identifiers of what matches, for example ``find("Instance", Modality="SR")``."""
        return list(self.post("/tools/find", {"Level": level, "Query": query}))

    def dicom(self, identifier: str) -> bytes:
        """Return the file of one instance."""
        url = f"{self.url}/instances/{identifier}/file"
        return HTTP.get(url).raise_for_status().content

    def send(self, modality: str, *identifiers: str) -> None:
        """Send studies, series or instances to a modality, and wait until they are sent."""
        self.post(f"/modalities/{modality}/store", {"Resources": list(identifiers), "Synchronous": True})


def installed() -> bool:
    """Tell whether this machine has Orthanc."""
    return bool(_executable())


def _executable() -> str:
    # Debian installs it into /usr/sbin, which is not on every user's path.
    return shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin:/usr/local/sbin") or ""


@contextmanager
def start_orthanc(
    folder: Path,
    *,
    ae_title: str = "ORTHANC",
    modalities: Mapping[str, Modality] | None = None,
    dicomweb: bool = True,
    lua: str = "",
    dicom_port: int = 0,
    http_port: int = 0,
) -> Iterator[Orthanc]:
    """Run Orthanc with its storage in ``folder``; the same folder and ports again bring the same archive back.

    It binds every address of the machine, whatever its configuration says, and refuses REST calls from others.
    """
    folder.mkdir(parents=True, exist_ok=True)
    peer = Orthanc(ae_title, dicom_port or free_port(), http_port or free_port())
    settings = _configuration(folder, peer, modalities or {}, dicomweb=dicomweb)
    if lua:
        (folder / "routing.lua").write_text(lua, encoding="utf-8")
        settings["LuaScripts"] = [str(folder / "routing.lua")]
    (folder / "orthanc.json").write_text(json.dumps(settings), encoding="utf-8")
    with (folder / "orthanc.log").open("ab") as log:
        process = subprocess.Popen([_executable(), str(folder / "orthanc.json")], stdout=log, stderr=log)
    try:
        ready = (peer.dicom_port, peer.http_port)
        wait_until(lambda: all(accepts_connections(port) for port in ready), f"Orthanc ({folder}/orthanc.log)")
        yield Orthanc(ae_title, peer.dicom_port, peer.http_port, process=process)
    finally:
        # An orderly stop takes three seconds; what was stored is with the operating system already.
        process.kill()
        process.wait()


def _configuration(
    folder: Path, peer: Orthanc, modalities: Mapping[str, Modality], *, dicomweb: bool
) -> dict[str, Any]:
    return {
        "Name": peer.ae_title,
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "index"),
        "Plugins": [str(_DICOMWEB)] if dicomweb and _DICOMWEB.exists() else [],
        "DicomAet": peer.ae_title,
        "DicomPort": peer.dicom_port,
        "DicomCheckCalledAet": True,
        "DicomModalities": {name: row.configuration() for name, row in modalities.items()},
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowGet": True,
        "HttpPort": peer.http_port,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "StableAge": 1,
        "ConcurrentJobs": 4,
    }
