"""A transaction Bundle (FHIR R4, http.html#transaction): all of it, or nothing."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from shared.fhir.writing.elements import Json


def urn(digest: str, name: str) -> str:
    """Return the ``urn:uuid`` of one resource of a bundle: always the same for the same digest and name."""
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{digest}/{name}')}"


def create_once(full_url: str, resource: Json, search: str) -> Json:
    """Return the entry that creates ``resource`` unless ``search`` already finds one (ifNoneExist)."""
    request = {"method": "POST", "url": resource["resourceType"], "ifNoneExist": search}
    return {"fullUrl": full_url, "resource": resource, "request": request}


def replace_read(resource: Json) -> Json:
    """Return the entry that replaces a resource, only if it still is the version that was read (ifMatch)."""
    kind, key = resource["resourceType"], resource["id"]
    request: Json = {"method": "PUT", "url": f"{kind}/{key}"}
    version = resource.get("meta", {}).get("versionId")
    if version:
        request["ifMatch"] = f'W/"{version}"'
    return {"fullUrl": f"{kind}/{key}", "resource": resource, "request": request}


def by_token(parameter: str, system: str, value: str) -> str:
    """Return a search by token, escaped for a URL and for FHIR's own separators."""
    return f"{parameter}={_token(system)}%7C{_token(value)}"


def transaction(entries: Sequence[Json]) -> Json:
    """Return the Bundle."""
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}
    return bundle


def _token(text: str) -> str:
    escaped = text
    for special in "\\$,|":  # FHIR R4 search.html#escaping
        escaped = escaped.replace(special, f"\\{special}")
    return quote(escaped, safe="")
