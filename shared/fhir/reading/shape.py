"""The shape FHIR gives a resource, checked by fhir.resources R4B models; the first defect is named."""

from __future__ import annotations

import re

from fhir.resources.R4B import get_fhir_model_class
from fhir.resources.R4B.resource import Resource
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from shared.fhir.reading.json_text import JsonObject
from shared.fhir.reading.refusal import IssueCode, MalformedError

_ABSTRACT = frozenset({"Resource", "DomainResource"})
_TYPE = re.compile(r"[A-Z][A-Za-z]{1,63}")
# FHIR R4 2.24.0.1: A-Z, a-z, 0-9, '-' and '.', at most 64.
_ID = re.compile(r"[A-Za-z0-9.\-]{1,64}")
# Choice elements of the resources we read; FHIRPath names them without their type.
_CHOICES = re.compile(r"(value|effective|onset|performed|medication|abatement|deceased|multipleBirth|reported)[A-Z].*")

_SENTENCES = {
    "extra_forbidden": "FHIR R4 knows no such element here",
    "missing": "a required element is missing",
    "model_field_validation.missing": "a required element is missing",
}
# What fhir.resources says of a whole object: a choice stated twice, or not at all.
_CHOICE_LIST = re.compile(r"from this list \['([a-z]+)")


def is_resource_type(name: object) -> bool:
    """Tell whether FHIR R4 has a resource of this name."""
    if not isinstance(name, str) or not _TYPE.fullmatch(name):
        return False
    try:
        model = get_fhir_model_class(name)
    except (ValueError, AttributeError, ImportError):
        return False
    return issubclass(model, Resource) and name not in _ABSTRACT


def is_id(value: object) -> bool:
    """Tell whether ``value`` is a FHIR id."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def check_shape(resource: JsonObject) -> None:
    """Check one resource of a known type.

    Raises:
        MalformedError: If an element is missing, unknown or of the wrong type. Values are never quoted.
    """
    kind = resource["resourceType"]
    if "id" in resource and not is_id(resource["id"]):
        raise MalformedError(f"{kind}.id", IssueCode.VALUE, "not a FHIR id")
    try:
        get_fhir_model_class(kind).model_validate(resource)
    except ValidationError as error:
        raise _refused(kind, error.errors(include_input=False, include_url=False)[0]) from None
    except (TypeError, ValueError, AttributeError, RecursionError):
        raise MalformedError(kind, IssueCode.STRUCTURE, "does not have the shape of this resource") from None


def _refused(kind: str, error: ErrorDetails) -> MalformedError:
    path = _path(kind, error["loc"])
    choice = _CHOICE_LIST.search(error["msg"])
    if choice:
        twice = "multiple" in error["msg"]
        code = IssueCode.STRUCTURE if twice else IssueCode.REQUIRED
        return MalformedError(f"{path}.{choice.group(1)}", code, "stated twice" if twice else "one is required")
    missing = error["type"].endswith("missing")
    sentence = _SENTENCES.get(error["type"], "not a value of this element's type")
    return MalformedError(path, IssueCode.REQUIRED if missing else IssueCode.STRUCTURE, sentence)


def _path(kind: str, place: tuple[int | str, ...]) -> str:
    path = kind
    for part in place:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part.isidentifier() and part != "root":
            choice = _CHOICES.fullmatch(part)
            path += f".{choice.group(1) if choice else part[:64]}"
    return path
