"""One FHIR R4 server, spoken to by its REST interface."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from services.results.deliver.adapters.answers import http_error
from services.results.deliver.adapters.web import Answer, WebServer
from shared.domain.errors import PermanentError
from shared.fhir.writing.elements import Json, encode

_FHIR_JSON = "application/fhir+json"
_FORM = "application/x-www-form-urlencoded"
_ABSENT = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
_SAYS_NOTHING = _ABSENT | {HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED}
_LONGEST_DETAIL = 200


@dataclass(frozen=True, slots=True)
class FhirClient:
    """Reads, searches and transacts; answers are checked to be what was asked for."""

    name: str
    server: WebServer

    def read(self, reference: str) -> Json | None:
        """Return the resource at ``Type/id`` or ``Type/id/_history/version``; None where it is not."""
        answer = self._get("/".join(quote(part, safe="") for part in reference.split("/")))
        if answer.status in _ABSENT:
            return None
        self._check(answer, "read")
        resource = answer.json()
        kind = reference.split("/", maxsplit=1)[0]
        return resource if isinstance(resource, dict) and resource.get("resourceType") == kind else None

    def search(self, kind: str, query: str) -> list[Json]:
        """Return the resources of this kind that a search finds.

        Raises:
            PermanentError: If there is more than one page: what we look for is never that many.
        """
        # By POST (R4 3.1.0.11): an identifier in a URL would stand in the access logs of every proxy on the way.
        headers = {"Content-Type": _FORM, "Accept": _FHIR_JSON, "Cache-Control": "no-cache"}
        answer = self.server.call("POST", f"{kind}/_search", headers, f"{query}&_count=200".encode())
        self._check(answer, f"search for {kind}")
        found = answer.json()
        if not isinstance(found, dict) or found.get("resourceType") != "Bundle":
            raise PermanentError(f"{self.name} did not answer a search with a Bundle")
        if any(link.get("relation") == "next" for link in found.get("link", [])):
            raise PermanentError(f"{self.name} finds more than one page of {kind} for one identifier")
        rows = [entry.get("resource", {}) for entry in found.get("entry", [])]
        return [row for row in rows if row.get("resourceType") == kind]

    def capabilities(self) -> Json | None:
        """Return the CapabilityStatement (FHIR R4, http.html#capabilities); None where the server has none to show."""
        answer = self._get("metadata")
        if answer.status in _SAYS_NOTHING:
            return None
        self._check(answer, "capabilities")
        found = answer.json()
        return found if isinstance(found, dict) else None

    def create_once(self, resource: Json, search: str) -> None:
        """Create one resource unless ``search`` already finds it (If-None-Exist), without a transaction."""
        headers = {"Content-Type": _FHIR_JSON, "Accept": _FHIR_JSON, "Prefer": "return=minimal"}
        kind = resource["resourceType"]
        answer = self.server.call("POST", kind, headers | {"If-None-Exist": search}, encode(resource))
        self._check(answer, f"create of {kind}")

    def replace(self, resource: Json) -> None:
        """Replace one resource, only if it still is the version that was read (If-Match)."""
        kind, key, version = resource["resourceType"], resource["id"], resource.get("meta", {}).get("versionId")
        headers = {"Content-Type": _FHIR_JSON, "Accept": _FHIR_JSON, "Prefer": "return=minimal"}
        matching = {"If-Match": f'W/"{version}"'} if version else {}
        path = f"{kind}/{quote(key, safe='')}"
        self._check(self.server.call("PUT", path, headers | matching, encode(resource)), f"update of {kind}")

    def transact(self, bundle: Json) -> None:
        """Run a transaction; all of it happened when this returns, none of it when it raises PermanentError."""
        headers = {"Content-Type": _FHIR_JSON, "Accept": _FHIR_JSON, "Prefer": "return=minimal"}
        self._check(self.server.call("POST", "", headers, encode(bundle)), "transaction")

    def _get(self, path: str) -> Answer:
        return self.server.call("GET", path, {"Accept": _FHIR_JSON, "Cache-Control": "no-cache"})

    def _check(self, answer: Answer, what: str) -> None:
        body = answer.json()
        error = http_error(
            answer.status, f"{self.name} ({what})", _detail(body), issues=_codes(body), after_s=answer.after_s
        )
        if error:
            raise error


def _codes(body: Any) -> list[str]:
    """Return the issue codes of an OperationOutcome that stand for errors (FHIR R4 ``issue-severity``)."""
    issues = body.get("issue", []) if isinstance(body, dict) else []
    rows = [row for row in issues if isinstance(row, dict) and row.get("severity") in {"fatal", "error"}]
    return [str(row.get("code", "")) for row in rows]


def _detail(body: Any) -> str:
    """Return code and place of the issues; their free text may quote what it is about."""
    issues = body.get("issue", []) if isinstance(body, dict) else []
    rows = [(str(row.get("code", "")), row.get("expression") or []) for row in issues if isinstance(row, dict)]
    return "; ".join(f"{code} at {', '.join(map(str, where))}" if where else code for code, where in rows)[
        :_LONGEST_DETAIL
    ]
