"""The hospital around the demonstration: Orthanc (else qrscp) as PACS, a FHIR server (else a folder) as EHR."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx
from pydicom.dataset import Dataset

from services.cli.demo.site import OUR_TITLE, PACS_TITLE, Ports
from shared.testing import fhir_server, orthanc
from shared.testing.pacs import start_qrscp
from shared.testing.store import store

# Route each new MR series to us; series and not studies, because our own SR makes the study "new" again.
ROUTE_TO_US = f"""
function OnStableSeries(id, tags, metadata)
  if tags['Modality'] == 'MR' then
    RestApiPost('/modalities/{OUR_TITLE}/store', DumpJson({{Resources = {{id}}, Asynchronous = true}}, true))
  end
end
"""


class Pacs(Protocol):
    """The PACS of the demonstration."""

    @property
    def name(self) -> str:
        """Name a person knows."""
        ...

    @property
    def sink(self) -> dict[str, Any]:
        """The ``[[sinks]]`` table that reaches it."""
        ...

    def route(self, images: Sequence[Dataset]) -> None:
        """Store the images, as a modality would, and have them routed to us."""
        ...

    def file(self, uid: str) -> bytes:
        """Return the stored object of this SOP Instance UID."""
        ...


@dataclass(frozen=True, slots=True)
class OrthancPacs:
    """Orthanc, routing by itself."""

    dicom_port: int
    http_port: int
    name: str = "Orthanc"

    @property
    def sink(self) -> dict[str, Any]:
        """Return the ``[[sinks]]`` table that reaches it."""
        return _cstore_sink(self.dicom_port)

    def route(self, images: Sequence[Dataset]) -> None:
        """Store the images; Orthanc routes them."""
        store(images, self.dicom_port, PACS_TITLE, "MODALITY")

    def file(self, uid: str) -> bytes:
        """Return the stored object."""
        base = f"http://127.0.0.1:{self.http_port}"
        found = httpx.post(f"{base}/tools/lookup", content=uid, timeout=10).raise_for_status().json()
        return httpx.get(f"{base}/instances/{found[0]['ID']}/file", timeout=10).raise_for_status().content


@dataclass(frozen=True, slots=True)
class QrscpPacs:
    """pynetdicom's own query/retrieve application; routing is a C-STORE under its title."""

    dicom_port: int
    our_port: int
    folder: Path
    name: str = "pynetdicom qrscp"

    @property
    def sink(self) -> dict[str, Any]:
        """Return the ``[[sinks]]`` table that reaches it."""
        return _cstore_sink(self.dicom_port)

    def route(self, images: Sequence[Dataset]) -> None:
        """Store the images there, then forward them to us as the PACS."""
        store(images, self.dicom_port, PACS_TITLE, "MODALITY")
        store(images, self.our_port, OUR_TITLE, PACS_TITLE)

    def file(self, uid: str) -> bytes:
        """Return the stored object."""
        return next(path for path in self.folder.rglob("*") if path.name == uid).read_bytes()


@dataclass(frozen=True, slots=True)
class Ehr:
    """The EHR of the demonstration: a FHIR server, or nothing but our own FHIR door."""

    base_url: str
    """Base URL of the server; empty where there is none."""
    token: str
    http_port: int
    folder: Path

    @property
    def name(self) -> str:
        """Return the name a person knows."""
        return f"FHIR server {self.base_url}" if self.base_url else f"folder {self.folder}"

    @property
    def sink(self) -> dict[str, Any]:
        """Return the ``[[sinks]]`` table that reaches it."""
        if self.base_url:
            return {"name": "ehr", "kind": "fhir", "url": self.base_url}
        return {"name": "ehr", "kind": "folder", "folder": str(self.folder), "objects": ["fhir-transaction"]}

    def read(self, location: str) -> bytes:
        """Return what a delivery left at ``location``, as the server (or the file) has it."""
        if not self.base_url:
            return Path(location).read_bytes()
        return httpx.get(location, timeout=15).raise_for_status().content

    def record(self, *resources: dict[str, Any]) -> None:
        """Write resources into the record; the server notifies us, or we are told directly.

        Raises:
            RuntimeError: If one is refused; quotes the answer.
        """
        for resource in resources:
            path = f"{resource['resourceType']}/{resource['id']}"
            if self.base_url:
                _put(f"{self.base_url}/{path}", resource, {})
            else:
                _put(
                    f"http://127.0.0.1:{self.http_port}/fhir/{path}",
                    resource,
                    {"Authorization": f"Bearer {self.token}"},
                )


@contextmanager
def start_pacs(folder: Path, ports: Ports, *, plain: bool) -> Iterator[Pacs]:
    """Run Orthanc where it is installed, pynetdicom's qrscp otherwise (or where ``plain`` is asked for)."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        if orthanc.installed() and not plain:
            us = {OUR_TITLE: orthanc.Modality(OUR_TITLE, ports.dicom)}
            pacs = stack.enter_context(
                orthanc.start_orthanc(folder, ae_title=PACS_TITLE, modalities=us, lua=ROUTE_TO_US)
            )
            yield OrthancPacs(pacs.dicom_port, pacs.http_port)
        else:
            qrscp = stack.enter_context(start_qrscp(folder, ae_title=PACS_TITLE))
            yield QrscpPacs(qrscp.dicom_port, ports.dicom, qrscp.folder)


@contextmanager
def start_ehr(folder: Path, ports: Ports, token: str, *, plain: bool) -> Iterator[Ehr]:
    """Run the FHIR server where Node and its packages are; it notifies us of everything, our own output included."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        base = ""
        if fhir_server.ready() and not plain:
            forward = f"http://127.0.0.1:{ports.http}/fhir"
            server = fhir_server.start_fhir_server(folder, forward_to=forward, forward_token=token)
            base = stack.enter_context(server).url
        yield Ehr(base, token, ports.http, folder / "results")


def _cstore_sink(port: int) -> dict[str, Any]:
    return {"name": "pacs", "kind": "dicom-cstore", "port": port, "ae_title": PACS_TITLE, "calling_ae_title": OUR_TITLE}


def _put(url: str, resource: dict[str, Any], headers: dict[str, str]) -> None:
    answer = httpx.put(url, json=resource, headers=headers | {"Content-Type": "application/fhir+json"}, timeout=30)
    if answer.is_error:
        raise RuntimeError(f"{url} answered {answer.status_code}: {answer.text[:500]}")
