"""The site of the demonstration: free ports of 127.0.0.1, everything below ``demo`` in the data folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.cli.site_file import REDIS_PASSWORD_NAME, SLIDE_INBOX, to_toml
from shared.domain.facts import FactName
from shared.phantoms.mcode import IFN_ALPHA
from shared.testing.ports import free_port

AUTHORITY = "hospital"
ISSUER = "DEMO-HOSPITAL"
HL7_AUTHORITY = "HOSPITAL"
FHIR_SYSTEM = "http://hospital.example.org"
OUR_TITLE = "ONCORELAY"
PACS_TITLE = "PACS"
COLLECT_S = 6.0
"""How long the demonstration waits for missing inputs; a hospital waits hours."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Ports of our own processes."""

    dicom: int
    http: int
    results: int
    facts: int
    redis: int
    images: int
    """gRPC of the listener."""
    ops: tuple[int, int, int, int, int, int]
    """Health and metrics: listener, lab consumer, serve, dispatch, deliver, inference."""
    explain: tuple[int, int] = field(default_factory=lambda: (free_port(), free_port()))
    """gRPC of the process that answers "what if", its health and metrics."""
    mllp: int = field(default_factory=free_port)
    slides: tuple[int, int] = field(default_factory=lambda: (free_port(), free_port()))
    """gRPC of slide ingestion, its health and metrics."""

    @classmethod
    def free(cls) -> Ports:
        """Return ports that were free a moment ago."""
        first = (free_port(), free_port(), free_port(), free_port(), free_port(), free_port())
        return cls(*first, (free_port(), free_port(), free_port(), free_port(), free_port(), free_port()))


def write_site_file(
    folder: Path,
    ports: Ports,
    sinks: list[dict[str, Any]],
    *,
    peers: list[dict[str, Any]] | None = None,
    listener: dict[str, Any] | None = None,
    results: dict[str, Any] | None = None,
    inference: dict[str, Any] | None = None,
    lab: dict[str, Any] | None = None,
    slides: dict[str, Any] | None = None,
) -> Path:
    """Write ``site.toml`` of the demonstration (and of tests that want the same system); return its path."""
    where = _Places(folder, ports)
    tables: dict[str, Any] = {
        **where.site(),
        "dicom_listener": where.listener() | (listener or {}),
        "slide_ingestion": where.slide_ingestion() | (slides or {}),
        "lab_consumer": where.lab_consumer() | (lab or {}),
        "results": where.results() | (results or {}),
        "inference": where.inference() | (inference or {}),
        "lab_consumer.site_code": [
            {"system": IFN_ALPHA.system, "code": IFN_ALPHA.code, "analyte": FactName.IFN_ALPHA.value, "unit": "pg/mL"},
        ],
        **({"dicom_listener.peers": peers} if peers else {}),
        "sinks": sinks,
    }
    path = folder / "site.toml"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(to_toml(tables))
    return path


def _local(port: int) -> str:
    return f"127.0.0.1:{port}"


@dataclass(frozen=True, slots=True)
class _Places:
    """The tables of the site file: where everything is, and how long the demonstration waits."""

    folder: Path
    ports: Ports

    def site(self) -> dict[str, Any]:
        """The tables that are no service's own."""
        return {
            "site": {
                "site_id": "demonstration",
                "data_folder": str(self.folder),
                "tls_folder": str(self.folder / "tls"),
                "slide_folders": [str(self.folder / SLIDE_INBOX)],
            },
            "identity": [
                {"name": AUTHORITY, "dicom_issuer": ISSUER, "fhir_system": FHIR_SYSTEM, "hl7_authority": HL7_AUTHORITY},
            ],
            "up": {"embedded_redis": True, "redis_port": self.ports.redis},
        }

    def listener(self) -> dict[str, Any]:
        """Waits half a second where a hospital waits a minute."""
        return {
            "port": self.ports.dicom,
            "ae_title": OUR_TITLE,
            "calling_ae_titles": [PACS_TITLE, "MODALITY", "ONCORELAYSEND"],
            "settle_s": 0.5,
            "quiet_s": 5.0,
            "ops_address": _local(self.ports.ops[0]),
            "results_address": _local(self.ports.results),
            "grpc_address": _local(self.ports.images),
            "slide_ingestion_address": _local(self.ports.slides[0]),
        }

    def slide_ingestion(self) -> dict[str, Any]:
        """Looks twice a second."""
        return {
            "grpc_address": _local(self.ports.slides[0]),
            "ops_address": _local(self.ports.slides[1]),
            "settle_s": 1.0,
            "scan_s": 0.5,
            "min_free_mb": 256,
            "results_address": _local(self.ports.results),
        }

    def lab_consumer(self) -> dict[str, Any]:
        """FHIR and MLLP; the laboratory's code of the simulated analyte."""
        return {
            "http_port": self.ports.http,
            "grpc_address": _local(self.ports.facts),
            "ops_address": _local(self.ports.ops[1]),
            "results_address": _local(self.ports.results),
            "slide_ingestion_address": _local(self.ports.slides[0]),
            "mllp_port": self.ports.mllp,
            "mllp_code_systems": {"L": IFN_ALPHA.system},
        }

    def results(self) -> dict[str, Any]:
        """All three processes."""
        return {
            "grpc_address": _local(self.ports.results),
            "lab_consumer_address": _local(self.ports.facts),
            **self._redis(),
            "ops_address": _local(self.ports.ops[2]),
            "dispatch_ops_address": _local(self.ports.ops[3]),
            "deliver_ops_address": _local(self.ports.ops[4]),
            "collect_s": COLLECT_S,
            "attempt_lease_s": 10.0,
            "redispatch_s": 20.0,
            "poll_s": 0.2,
        }

    def inference(self) -> dict[str, Any]:
        """Both processes."""
        return {
            **self._redis(),
            "ops_address": _local(self.ports.ops[5]),
            "results_address": _local(self.ports.results),
            "explain_address": _local(self.ports.explain[0]),
            "explain_ops_address": _local(self.ports.explain[1]),
        }

    def _redis(self) -> dict[str, Any]:
        return {
            "redis_url": f"redis://{_local(self.ports.redis)}/0",
            "redis_password_file": str(self.folder / "secrets" / REDIS_PASSWORD_NAME),
        }
