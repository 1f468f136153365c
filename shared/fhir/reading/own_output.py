"""Our own output is never our input (system rule 8)."""

from __future__ import annotations

from typing import Any

from shared.codes import hl7_terminology, local
from shared.fhir.reading.elements import objects
from shared.fhir.reading.json_text import JsonObject

_OURS = local.IDENTIFIER_SYSTEM.rsplit(":", 1)[0] + ":"


def why_not_input(resource: JsonObject) -> str:
    """Return why a resource can never become a fact; empty where it may.

    AIAST: asserted by artificial intelligence, ours or another's, and so not a measurement. An identifier or a tag of
    our own: something we sent and that came back.
    """
    stated: Any = resource.get("meta")
    meta: JsonObject = stated if isinstance(stated, dict) else {}
    label = hl7_terminology.AI_ASSERTED
    labels = objects(meta.get("security", []))
    if any(row.get("system") == label.system and row.get("code") == label.code for row in labels):
        return "it is labelled as asserted by artificial intelligence (AIAST)"
    marks = [*objects(resource.get("identifier", [])), *objects(meta.get("tag", []))]
    return "it is our own output" if any(str(row.get("system", "")).startswith(_OURS) for row in marks) else ""
