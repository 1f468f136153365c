"""Our own output is never our input (system rule 8)."""

from __future__ import annotations

from typing import Any

from shared.codes import hl7_terminology, local
from shared.fhir.reading.elements import objects
from shared.fhir.reading.json_text import JsonObject

_OURS = local.IDENTIFIER_SYSTEM.rsplit(":", 1)[0] + ":"


def why_not_input(resource: JsonObject) -> str:
    """Return why a resource can never become a fact; empty where it may.

    AIAST: asserted by artificial intelligence, ours or another's, and so not a measurement. An identifier of our own:
    something we sent and that came back.
    """
    meta: Any = resource.get("meta")
    labels = objects(meta.get("security", [])) if isinstance(meta, dict) else iter(())
    label = hl7_terminology.AI_ASSERTED
    if any(row.get("system") == label.system and row.get("code") == label.code for row in labels):
        return "it is labelled as asserted by artificial intelligence (AIAST)"
    systems = [row.get("system") for row in objects(resource.get("identifier", []))]
    if any(isinstance(system, str) and system.startswith(_OURS) for system in systems):
        return "it is our own output"
    return ""
