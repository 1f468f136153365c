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
    redis = {
        "redis_url": f"redis://127.0.0.1:{ports.redis}/0",
        "redis_password_file": str(folder / "secrets" / REDIS_PASSWORD_NAME),
    }
    addresses = {"results_address": f"127.0.0.1:{ports.results}"}
    ops = [f"127.0.0.1:{port}" for port in ports.ops]
    timing = {"collect_s": COLLECT_S, "attempt_lease_s": 10.0, "redispatch_s": 20.0, "poll_s": 0.2} | (results or {})
    tables: dict[str, Any] = {
        "site": {"site_id": "demonstration", "data_folder": str(folder), "tls_folder": str(folder / "tls"),
                 "slide_folders": [str(folder / SLIDE_INBOX)]},
        "identity": [
            {"name": AUTHORITY, "dicom_issuer": ISSUER, "fhir_system": FHIR_SYSTEM, "hl7_authority": HL7_AUTHORITY},
        ],
        "up": {"embedded_redis": True, "redis_port": ports.redis},
        "dicom_listener": {
            "port": ports.dicom, "ae_title": OUR_TITLE, "calling_ae_titles": [PACS_TITLE, "MODALITY", "ONCORELAYSEND"],
            "settle_s": 0.5, "quiet_s": 5.0, "ops_address": ops[0], **addresses,
            "grpc_address": f"127.0.0.1:{ports.images}",
            "slide_ingestion_address": f"127.0.0.1:{ports.slides[0]}", **(listener or {}),
        },
        "slide_ingestion": {
            "grpc_address": f"127.0.0.1:{ports.slides[0]}", "ops_address": f"127.0.0.1:{ports.slides[1]}",
            "settle_s": 1.0, "scan_s": 0.5, "min_free_mb": 256, **addresses, **(slides or {}),
        },
        "lab_consumer": {
            "http_port": ports.http, "grpc_address": f"127.0.0.1:{ports.facts}", "ops_address": ops[1], **addresses,
            "slide_ingestion_address": f"127.0.0.1:{ports.slides[0]}",
            "mllp_port": ports.mllp, "mllp_code_systems": {"L": IFN_ALPHA.system}, **(lab or {}),
        },
        "results": {
            "grpc_address": f"127.0.0.1:{ports.results}", "lab_consumer_address": f"127.0.0.1:{ports.facts}",
            **redis, "ops_address": ops[2], "dispatch_ops_address": ops[3], "deliver_ops_address": ops[4], **timing,
        },
        "inference": {
            **redis, "ops_address": ops[5], **addresses, "explain_address": f"127.0.0.1:{ports.explain[0]}",
            "explain_ops_address": f"127.0.0.1:{ports.explain[1]}", **(inference or {}),
        },
        "lab_consumer.site_code": [
            {"system": IFN_ALPHA.system, "code": IFN_ALPHA.code, "analyte": FactName.IFN_ALPHA.value, "unit": "pg/mL"},
        ],
        "dicom_listener.peers": peers,
        "sinks": sinks,
    }  # fmt: skip
    if not peers:
        del tables["dicom_listener.peers"]
    path = folder / "site.toml"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(to_toml(tables))
    return path
