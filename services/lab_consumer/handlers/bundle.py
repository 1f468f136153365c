"""A Bundle taken apart into submissions; each entry keeps its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.lab_consumer.handlers.submission import Submission, id_of, type_of
from shared.fhir.reading.json_text import JsonObject
from shared.fhir.reading.references import Names
from shared.fhir.reading.refusal import IssueCode, MalformedError, RefusedElementError
from shared.fhir.reading.shape import is_id, is_resource_type

KINDS = frozenset({"transaction", "batch", "collection", "message", "history", "searchset"})
_URN_UUID = "urn:uuid:"
_STORES = frozenset({"POST", "PUT", ""})


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The entries in the order they came; a refusal where an entry is no submission."""

    entries: tuple[Submission | RefusedElementError, ...]
    atomic: bool
    """A transaction: all or nothing."""
    newest_first: bool
    """A history lists the newest version first."""


def unpack(bundle: JsonObject, base_url: str, max_entries: int) -> Unpacked:
    """Take a Bundle apart.

    Raises:
        RefusedElementError: If the Bundle itself cannot be read.
    """
    kind, entries = bundle.get("type"), bundle.get("entry", [])
    if not isinstance(kind, str) or kind not in KINDS:
        raise MalformedError("Bundle.type", IssueCode.NOT_SUPPORTED, f"none of {', '.join(sorted(KINDS))}")
    if not isinstance(entries, list):
        raise MalformedError("Bundle.entry", IssueCode.STRUCTURE, "not a list")
    if len(entries) > max_entries:
        raise MalformedError("Bundle.entry", IssueCode.TOO_LONG, f"more than {max_entries} entries")
    names = Names(base_url, _full_urls(entries))
    unpacked = tuple(_tried(entry, index, names) for index, entry in enumerate(entries))
    if kind == "transaction":
        _refuse_twins(unpacked)
    return Unpacked(unpacked, atomic=kind == "transaction", newest_first=kind == "history")


def _full_urls(entries: list[Any]) -> Mapping[str, str]:
    found = {}
    for entry in entries:
        resource = entry.get("resource") if isinstance(entry, dict) else None
        full_url = entry.get("fullUrl") if isinstance(entry, dict) else None
        if isinstance(full_url, str) and isinstance(resource, dict) and is_resource_type(resource.get("resourceType")):
            found[full_url] = f"{resource['resourceType']}/{_id(entry, resource)}"
    return found


def _tried(entry: Any, index: int, names: Names) -> Submission | RefusedElementError:
    try:
        return _submission(entry, f"Bundle.entry[{index}]", names)
    except RefusedElementError as refusal:
        return refusal


def _submission(entry: Any, place: str, names: Names) -> Submission:
    if not isinstance(entry, dict):
        raise MalformedError(place, IssueCode.STRUCTURE, "not an object")
    method, url = _request(entry, place)
    if method == "DELETE":
        return _deletion(url, place)
    if method not in _STORES:
        raise MalformedError(f"{place}.request.method", IssueCode.NOT_SUPPORTED, "only POST, PUT and DELETE")
    kind = type_of(entry.get("resource"), f"{place}.resource")
    resource: JsonObject = entry["resource"]
    found = _id(entry, resource)
    wanted = url.partition("/")[2]
    if method == "PUT" and is_id(wanted) and wanted != found:
        raise MalformedError(f"{place}.request.url", IssueCode.CONFLICT, "names another id than the resource")
    return Submission(kind, found, resource, names, f"{place}.resource")


def _request(entry: JsonObject, place: str) -> tuple[str, str]:
    request = entry.get("request", {})
    if not isinstance(request, dict):
        raise MalformedError(f"{place}.request", IssueCode.STRUCTURE, "not an object")
    return str(request.get("method", "")), str(request.get("url", ""))


def _deletion(url: str, place: str) -> Submission:
    kind, _, found = url.partition("/")
    if not is_resource_type(kind) or not is_id(found):
        raise MalformedError(f"{place}.request.url", IssueCode.NOT_SUPPORTED, "not Type/id")
    return Submission(kind, found, None, Names(), place)


def _id(entry: JsonObject, resource: JsonObject) -> str:
    request = entry.get("request")
    if "id" not in resource and isinstance(request, dict) and request.get("method") == "PUT":
        wanted = str(request.get("url", "")).partition("/")[2]
        if is_id(wanted):
            return wanted
    full_url = str(entry.get("fullUrl", ""))
    offered = full_url.removeprefix(_URN_UUID) if full_url.startswith(_URN_UUID) else ""
    return id_of(resource, offered if is_id(offered) else "")


def _refuse_twins(entries: tuple[Submission | RefusedElementError, ...]) -> None:
    counted = Counter(entry.source for entry in _submissions(entries))
    for entry in _submissions(entries):
        if counted[entry.source] > 1:
            raise MalformedError(entry.place, IssueCode.DUPLICATE, "the same resource stands twice in one transaction")


def _submissions(entries: tuple[Submission | RefusedElementError, ...]) -> Iterator[Submission]:
    return (entry for entry in entries if isinstance(entry, Submission))
