"""By which parameters Observations are searched for a code: the server's CapabilityStatement says which it knows."""

from __future__ import annotations

from services.lab_consumer.handlers.submission import type_of
from shared.fhir.reading.elements import objects
from shared.fhir.reading.json_text import JsonLimits, parse
from shared.fhir.reading.refusal import IssueCode, MalformedError

CODE = ("code",)
"""What every server knows; values in components are not found by it."""


def code_searches(statement: bytes, limits: JsonLimits) -> tuple[str, ...]:
    """Return the parameters, each a search of its own, that find a code (FHIR R4 Observation, search parameters).

    ``combo-code`` looks at ``Observation.code`` and ``Observation.component.code``.

    Raises:
        RefusedElementError: If the statement cannot be read.
    """
    tree = parse(statement, limits)
    if type_of(tree) != "CapabilityStatement":
        raise MalformedError("Resource.resourceType", IssueCode.STRUCTURE, "no CapabilityStatement")
    rests = [row for row in objects(tree.get("rest", [])) if row.get("mode") == "server"]
    kinds = [row for rest in rests for row in objects(rest.get("resource", [])) if row.get("type") == "Observation"]
    offered = {str(one.get("name")) for row in kinds for one in objects(row.get("searchParam", []))}
    if "combo-code" in offered:
        return ("combo-code",)
    return (*CODE, "component-code") if "component-code" in offered else CODE
