"""``oncorelay doctor`` at the FHIR server that facts are asked from."""

from __future__ import annotations

import json
from typing import Any

from services.lab_consumer.adapters.pulling import make_source
from services.lab_consumer.config import FhirServerSettings
from services.lab_consumer.handlers.judge import FACT_TYPES
from shared.fhir.reading.elements import objects

_VERSION = "4.0"


def fhir_server(settings: FhirServerSettings) -> str:
    """Return what it is; one type is asked for, too, because a capability statement needs no credentials.

    Raises:
        OncoRelayError: If it cannot be asked, or refuses us; says why.
        ValueError: If it does not speak FHIR R4.
    """
    source = make_source(settings)
    try:
        stated = json.loads(source.capability())
        source.changed("Patient", "2999-01-01T00:00:00.000Z", 1)
    finally:
        source.close()
    version = str(stated.get("fhirVersion", "")) if isinstance(stated, dict) else ""
    if not version.startswith(_VERSION):
        raise ValueError(f"it speaks FHIR {version[:16] or '(not said)'}, and R4 (4.0.1) is needed: change url")
    missing = [kind for kind in FACT_TYPES if kind not in _types(stated)]
    offers = f"; it does not say that it offers {', '.join(missing)}" if missing else ""
    return f"FHIR {version[:16]} at {settings.url}, searches are answered{offers}"


def _types(stated: dict[str, Any]) -> frozenset[str]:
    servers = objects(stated.get("rest", []))
    return frozenset(str(row.get("type")) for server in servers for row in objects(server.get("resource", [])))
