"""Where a Reference points: ``Type/id`` on the server this door serves, an identifier, or somewhere unknown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.domain.identity import IdentityMap, PatientIdentity
from shared.fhir.reading.json_text import JsonObject
from shared.fhir.reading.patient import mapped
from shared.fhir.reading.read import contained
from shared.fhir.reading.refusal import IssueCode, RefusedElementError

_LOCAL = re.compile(r"([A-Z][A-Za-z]{1,63}/[A-Za-z0-9.\-]{1,64})(/_history/[A-Za-z0-9.\-]{1,64})?")
_CONDITIONAL = re.compile(r"Patient\?identifier=(?P<system>[^|&]*)(\||%7[Cc])(?P<value>[^&]+)")
MAX_REFERENCE = 512


@dataclass(frozen=True, slots=True)
class Names:
    """How references of one document resolve."""

    base_url: str = ""
    """Base URL of the EHR whose resources come in by this door; an absolute reference below it is a local one."""
    entries: Mapping[str, str] | None = None
    """``Bundle.entry.fullUrl`` -> ``Type/id``."""

    def local(self, reference: str) -> str:
        """Return ``Type/id`` of a reference, or the reference itself where it points elsewhere."""
        if self.entries and reference in self.entries:
            return self.entries[reference]
        if self.base_url and reference.startswith(self.base_url.rstrip("/") + "/"):
            reference = reference[len(self.base_url.rstrip("/")) + 1 :]
        match = _LOCAL.fullmatch(reference)
        return match.group(1) if match else reference


def localise(value: Any, names: Names) -> Any:
    """Return a resource with every reference in local form, so that what is kept no longer needs its Bundle."""
    if isinstance(value, dict):
        return {
            key: names.local(child) if key == "reference" and isinstance(child, str) else localise(child, names)
            for key, child in value.items()
        }
    return [localise(child, names) for child in value] if isinstance(value, list) else value


def subject_of(resource: JsonObject, identities: IdentityMap) -> str | PatientIdentity:
    """Return whom a resource is about: ``Patient/id``, or an identity it states itself.

    Raises:
        RefusedElementError: If it names no patient.
    """
    element = f"{resource['resourceType']}.subject"
    subject = resource.get("subject")
    if not isinstance(subject, dict):
        raise RefusedElementError(element, IssueCode.REQUIRED, "it does not say whom it is about")
    reference = str(subject.get("reference", ""))
    if reference.startswith("#"):
        return _one(mapped((contained(resource, reference) or {}).get("identifier", []), identities), element)
    conditional = _CONDITIONAL.fullmatch(reference)
    if conditional:
        row = {"system": conditional["system"], "value": conditional["value"]}
        return _one(mapped([row], identities), element)
    if reference:
        return _patient(reference, element)
    return _one(mapped(subject.get("identifier", {}), identities), element)


def _patient(reference: str, element: str) -> str:
    if len(reference) > MAX_REFERENCE:
        raise RefusedElementError(f"{element}.reference", IssueCode.TOO_LONG, "longer than a reference can be")
    if _LOCAL.fullmatch(reference) and not reference.startswith("Patient/"):
        raise RefusedElementError(f"{element}.reference", IssueCode.NOT_SUPPORTED, "it is not about a Patient")
    return reference


def _one(found: tuple[PatientIdentity, ...], element: str) -> PatientIdentity:
    if len(found) != 1:
        raise RefusedElementError(
            element, IssueCode.REQUIRED, "exactly one identifier under the systems of the site's identity map is needed"
        )
    return found[0]
