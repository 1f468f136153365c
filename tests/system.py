"""The whole system with a real PACS and a real EHR around it, for e2e, faults and bench."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import hl7
import httpx
import redis
from hl7.client import MLLPClient
from pydicom.dataset import Dataset

from services.cli.demo.site import (
    AUTHORITY,
    FHIR_SYSTEM,
    ISSUER,
    OUR_TITLE,
    PACS_TITLE,
    Ports,
    write_site_file,
)
from services.cli.demo.surroundings import ROUTE_TO_US
from services.cli.person import person_tls
from services.cli.site_file import SLIDE_INBOX, make_keys
from services.cli.supervisor import Supervisor
from services.cli.up import Settings as UpSettings
from services.cli.up import running
from services.lab_consumer.config import Settings as LabSettings
from services.lab_consumer.handlers.panels import panel_names
from shared.domain.case import CaseDetail
from shared.domain.facts import PatientFacts
from shared.domain.identity import PatientIdentity
from shared.predictors.lung_metastasis.predictor import LungMetastasis
from shared.rpc.clients import LabConsumerClient, ResultsClient
from shared.site.settings import CONFIG_VARIABLE
from shared.site.site_secret import read_secret
from shared.testing.fhir_server import FhirServer, start_fhir_server
from shared.testing.orthanc import Modality, Orthanc, start_orthanc
from shared.testing.plain_http import HTTP
from shared.testing.ports import wait_until
from shared.testing.store import store

__all__ = ["FHIR_SYSTEM", "ISSUER", "OPERATED", "SERVICES", "System", "start_system"]

SERVICES = ("dicom_listener", "lab_consumer", "results.serve", "results.dispatch", "results.deliver", "inference")
"""In the order of ``Ports.ops``: what a case from images goes through."""
OPERATED = (*SERVICES, "slide_ingestion")
"""Everything that has health and metrics of its own."""
RETRIES = {"first_retry_s": 0.3, "longest_retry_s": 2.0, "max_tries": 60}

Wire = Callable[[str, int], int]
"""Which port stands for a peer's port: the same one, or a proxy's in front of it."""


def direct(_name: str, port: int) -> int:
    """Lay no proxy."""
    return port


@dataclass
class System:
    """Everything that runs, and what a person can do to it."""

    folder: Path
    ports: Ports
    supervisor: Supervisor
    results: ResultsClient
    pacs: Orthanc
    ehr: FhirServer
    token: str
    archive: ExitStack
    """Ends Orthanc when closed."""

    @property
    def scanner(self) -> Path:
        """Return the folder the slide scanner writes to."""
        return self.folder / SLIDE_INBOX

    def pacs_down(self) -> None:
        """Kill the PACS."""
        self.archive.close()

    def pacs_up(self) -> None:
        """Start it again, on the same ports with the same archive."""
        self.pacs = _start_pacs(self.archive, self.folder.parent, self.ports, self.pacs)

    def route(self, images: tuple[Dataset, ...]) -> None:
        """Give the PACS a series; it routes it to us by itself."""
        store(images, self.pacs.dicom_port, PACS_TITLE, "MODALITY")

    def send(self, images: tuple[Dataset, ...], calling: str = "MODALITY") -> None:
        """Send a series straight to us."""
        store(images, self.ports.dicom, OUR_TITLE, calling)

    def record(self, *resources: dict[str, Any]) -> None:
        """Write resources into the EHR; it notifies us."""
        for resource in resources:
            self.ehr.put(resource)

    def post(self, resource: dict[str, Any]) -> httpx.Response:
        """POST a resource to our own FHIR door."""
        url = f"http://127.0.0.1:{self.ports.http}/fhir/{resource['resourceType']}"
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/fhir+json"}
        return HTTP.post(url, json=resource, headers=headers, timeout=30)

    def tell(self, *messages: bytes) -> list[str]:
        """Send HL7 v2 messages to our MLLP door with python-hl7's client, one after the other; return MSA-1 of each."""
        with MLLPClient("127.0.0.1", self.ports.mllp) as laboratory:
            laboratory.socket.settimeout(30)
            answers = [laboratory.send_message(content.decode()) for content in messages]
        return [str(hl7.parse(answer.strip(b"\x0b\x1c\r").decode()).segment("MSA")[1]) for answer in answers]

    def subscribe(self, *types: str) -> None:
        """Have the EHR notify us by R4 Subscriptions (rest-hook, with the resource as payload) of these types."""
        channel = {
            "type": "rest-hook", "endpoint": f"http://127.0.0.1:{self.ports.http}/notifications",
            "payload": "application/fhir+json", "header": [f"Authorization: Bearer {self.token}"],
        }  # fmt: skip
        wanted = {"resourceType": "Subscription", "status": "active", "reason": "facts", "channel": channel}
        for kind in types:
            self.ehr.post({**wanted, "criteria": f"{kind}?"})

    def panel_uid(self, identifier: str, first: date) -> str:
        """Return the UID of the panel that the draw of a day became, of a patient of the hospital."""
        lab = LabSettings()
        named = panel_names(lab.site.site_id, read_secret(lab.panel_key_path))
        analytes = tuple(sorted(name.value for name in LungMetastasis().analytes))
        return named(PatientIdentity(AUTHORITY, identifier), analytes, first, 0)

    def details(self, study_instance_uid: str) -> list[CaseDetail]:
        """Return the cases of a study."""
        found = self.results.list_cases(study_instance_uid=study_instance_uid)
        return [self.results.get_case(case.case_id) for case in found]

    def settled(self, study_instance_uid: str, state: str, *, findings: int = 1, timeout_s: float = 60) -> CaseDetail:
        """Wait until the one case of a study is in ``state`` with everything delivered; return it."""

        def there() -> bool:
            details = self.details(study_instance_uid)
            return bool(details) and all(_is_settled(detail, state, findings) for detail in details)

        try:
            wait_until(there, f"the case to be {state} and delivered", timeout_s=timeout_s, poll_s=0.1)
        except TimeoutError as error:
            raise AssertionError(f"{error}; it is {self.details(study_instance_uid)}") from error
        (detail,) = self.details(study_instance_uid)
        return detail

    def until(self, condition: Callable[[], bool], what: str, timeout_s: float = 60) -> None:
        """Wait, restarting meanwhile what died, as ``oncorelay up`` does."""

        def step() -> bool:
            self.supervisor.watch_once()
            return condition()

        wait_until(step, what, timeout_s=timeout_s, poll_s=0.1)

    def kill(self, name: str) -> int:
        """Kill a service (kill -9 of its whole process group); return its process id."""
        process = self.supervisor.children[name].process
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return process.pid

    @contextmanager
    def paused(self, name: str) -> Iterator[None]:
        """Stop a service's process group in its tracks (SIGSTOP); it goes on when the block ends."""
        group = self.supervisor.children[name].process.pid
        os.killpg(group, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(group, signal.SIGCONT)

    def empty_redis(self) -> None:
        """Remove everything Redis holds."""
        self.redis().flushall()

    def redis(self) -> Any:
        """Return a client of our Redis."""
        password = (self.folder / "secrets" / "redis.password").read_text().strip()
        return redis.Redis(port=self.ports.redis, password=password)

    def revive(self, name: str) -> None:
        """Have the supervisor start a killed service again, and wait until it is ready."""
        self.until(lambda: self.supervisor.children[name].ready and self._runs(name), f"{name} to come back")

    def ops(self, service: str, path: str) -> httpx.Response:
        """Ask a service what an operator asks."""
        ports = dict(zip(OPERATED, (*self.ports.ops, self.ports.slides[1]), strict=True))
        return HTTP.get(f"http://127.0.0.1:{ports[service]}{path}", timeout=10)

    def problems(self, service: str) -> dict[str, str]:
        """Return what a service finds wrong itself."""
        return dict(self.ops(service, "/health/ready").json()["problems"])

    def facts(self, identifier: str) -> PatientFacts:
        """Return what the lab consumer knows about a patient of the hospital."""
        # Of all services, only results may ask for facts.
        client = LabConsumerClient(f"127.0.0.1:{self.ports.facts}", tls=UpSettings().site.tls("results"))
        try:
            return client.get_facts(PatientIdentity(AUTHORITY, identifier))
        finally:
            client.close()

    def sr_uids(self) -> list[str]:
        """Return the SOP Instance UIDs of all SR in the PACS."""
        found = self.pacs.find("Instance", Modality="SR")
        return sorted(self.pacs.get(f"/instances/{one}/simplified-tags")["SOPInstanceUID"] for one in found)

    def current_risk_assessments(self) -> list[dict[str, Any]]:
        """Return the RiskAssessments in the EHR that are not entered in error."""
        return [r for r in self.ehr.search("RiskAssessment?_count=1000") if r["status"] != "entered-in-error"]

    def _runs(self, name: str) -> bool:
        return self.supervisor.children[name].process.poll() is None


def _is_settled(detail: CaseDetail, state: str, findings: int) -> bool:
    return (
        detail.case.state == state
        and len(detail.findings) == findings
        and all(delivery.state in {"delivered", "dead_letter"} for delivery in detail.deliveries)
    )


@contextmanager
def start_system(
    folder: Path,
    *,
    with_peer: bool = False,
    pacs_sink: str = "dicom-cstore",
    listener: dict[str, Any] | None = None,
    inference: dict[str, Any] | None = None,
    asks_ehr: bool = False,
    wire: Wire = direct,
    more_sinks: tuple[dict[str, Any], ...] = (),
    slides: dict[str, Any] | None = None,
    prepare: Callable[[Path], None] = lambda _site: None,
    **results: Any,
) -> Iterator[System]:
    """Run Orthanc (routing to us), the FHIR server (notifying us) and every service; all of it stops at the end.

    ``asks_ehr``: the lab consumer asks the FHIR server, which then sends nothing but what ``subscribe`` asks it for.
    ``more_sinks`` stand beside PACS and EHR; ``slides`` are keys of slide ingestion.
    ``wire`` may lay a proxy in front of ``pacs`` and ``ehr`` (as sinks) and ``results`` (as everybody's ledger).
    ``prepare`` gets the site file before anything reads it.
    """
    data, ports = folder / "site", Ports.free()
    for sub in ("pacs", "ehr", "site"):
        (folder / sub).mkdir(parents=True, exist_ok=True)
    make_keys(data)
    token = (data / "secrets" / "lab_consumer.token").read_text().strip()
    forward = "" if asks_ehr else f"http://127.0.0.1:{ports.http}/fhir"
    with (
        ExitStack() as archive,
        start_fhir_server(folder / "ehr", forward_to=forward, forward_token=token) as ehr,
    ):
        pacs = _start_pacs(archive, folder, ports)
        peers = [_peer(pacs)] if with_peer else []
        sinks = [
            _pacs_sink(pacs, pacs_sink, wire("pacs", pacs.dicom_port)), _ehr_sink(wire("ehr", ehr.port)), *more_sinks,
        ]  # fmt: skip
        lab = {"fhir_server": {"url": ehr.url, "poll_s": 3600.0}} if asks_ehr else {}
        site = write_site_file(
            data, ports, sinks, peers=peers, listener=listener, results=results, inference=inference, lab=lab,
            slides=slides,
        )  # fmt: skip
        prepare(site)
        ledger = f"127.0.0.1:{wire('results', ports.results)}"
        with _environment(site, ledger), running(lambda _name, _text: None) as supervisor:
            client = ResultsClient(f"127.0.0.1:{ports.results}", tls=person_tls(UpSettings().site))
            yield System(data, ports, supervisor, client, pacs, ehr, token, archive)
            client.close()


def _start_pacs(archive: ExitStack, folder: Path, ports: Ports, before: Orthanc | None = None) -> Orthanc:
    us = {OUR_TITLE: Modality(OUR_TITLE, ports.dicom)}
    dicom_port, http_port = (before.dicom_port, before.http_port) if before else (0, 0)
    pacs = start_orthanc(
        folder / "pacs", ae_title=PACS_TITLE, modalities=us, lua=ROUTE_TO_US, dicom_port=dicom_port, http_port=http_port
    )
    return archive.enter_context(pacs)


def _peer(pacs: Orthanc) -> dict[str, Any]:
    return {"ae_title": PACS_TITLE, "host": "127.0.0.1", "port": pacs.dicom_port, "ask_instance_count": True}


def _pacs_sink(pacs: Orthanc, kind: str, port: int) -> dict[str, Any]:
    common = {
        "name": "pacs",
        "kind": kind,
        "first_retry_s": 0.3,
        "longest_retry_s": 2.0,
        "timeout_s": 5.0,
        "breaker_first_s": 0.5,
        "breaker_longest_s": 3.0,
        "max_tries": 60,
    }
    if kind == "dicom-stow":
        return {**common, "url": pacs.dicomweb_url}
    return {**common, "port": port, "ae_title": PACS_TITLE, "calling_ae_title": OUR_TITLE}


def _ehr_sink(port: int) -> dict[str, Any]:
    return {
        "name": "ehr",
        "kind": "fhir",
        "url": f"http://127.0.0.1:{port}/fhir",
        "timeout_s": 5.0,
        "breaker_first_s": 0.5,
        "breaker_longest_s": 3.0,
        "first_retry_s": 0.3,
        "longest_retry_s": 2.0,
        "max_tries": 60,
    }


@contextmanager
def _environment(site: Path, ledger: str) -> Iterator[None]:
    services = ("DICOM_LISTENER", "LAB_CONSUMER", "INFERENCE")
    ours = {CONFIG_VARIABLE: str(site)} | {f"ONCORELAY_{name}__RESULTS_ADDRESS": ledger for name in services}
    before = {name: os.environ.get(name) for name in ours}
    os.environ |= ours
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
