"""What the FHIR server answered, received like anything that is sent to us; and what it refers to that we lack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from services.lab_consumer.handlers.answers import Answer
from services.lab_consumer.handlers.bundle import unpack
from services.lab_consumer.handlers.judge import USED_TYPES
from services.lab_consumer.handlers.notification import Target, target
from services.lab_consumer.handlers.receive import Receive
from services.lab_consumer.handlers.submission import Submission, id_of, type_of
from services.lab_consumer.ports.records import Refusal
from shared.fhir.reading.elements import objects
from shared.fhir.reading.json_text import JsonLimits, JsonObject, parse
from shared.fhir.reading.references import Names
from shared.fhir.reading.refusal import IssueCode, MalformedError, RefusedElementError

_KEPT = frozenset({201, 202})
_NEEDED = frozenset({"Patient", "Medication", "Specimen", "Condition"})
"""Types without which another resource cannot be read, or not be told whose it is."""
_MISSING = RefusedElementError(
    "", IssueCode.NOT_FOUND,
    "the FHIR server does not know it any more (404), and did not say that it was deleted (410): what it stated still "
    "counts; a Bundle entry with DELETE ends it",
)  # fmt: skip
_REFERRING = ("subject", "specimen", "parent", "focus", "reasonReference", "medicationReference")


@dataclass(frozen=True, slots=True)
class Page:
    """One page, after its resources were received."""

    patients: tuple[str, ...]
    """Ids of the Patients on it."""
    updated: tuple[str, ...]
    """``meta.lastUpdated`` of its resources, in their order."""
    lacking: frozenset[Target]
    """What kept resources refer to and nobody sent yet."""
    versions: frozenset[str]
    """What names each version of a resource on it."""
    next: str
    """Link of the next page; empty: this is the last."""


@dataclass(frozen=True, slots=True)
class TakePages:
    """Receive what the FHIR server answers."""

    receive: Receive
    limits: JsonLimits
    max_entries: int
    base_url: str

    def page(self, body: bytes, known: frozenset[str] = frozenset()) -> Page:
        """Receive a Bundle of search results, without the versions that are ``known`` already.

        Raises:
            RefusedElementError: If it is no such Bundle.
            TemporaryError: If nothing could be kept.
        """
        tree = parse(body, self.limits)
        if type_of(tree) != "Bundle" or tree.get("type") != "searchset":
            raise MalformedError("Bundle.type", IssueCode.STRUCTURE, "the FHIR server answered no searchset")
        entries = unpack(tree, self.base_url, self.max_entries).entries
        rows = [row for row in entries if isinstance(row, Submission)]
        broken = [row for row in entries if not isinstance(row, Submission)]
        fresh = [row for row in rows if row.resource_type in USED_TYPES and _version(row) not in known]
        answers = self.receive([*fresh, *broken])
        return Page(
            patients=tuple(row.resource_id for row in rows if row.resource_type == "Patient"),
            updated=tuple(filter(None, (_updated(row) for row in rows))),
            lacking=self._lacking(zip(fresh, answers, strict=False)),
            versions=frozenset(map(_version, rows)) - {""},
            next=_next(tree),
        )

    def resource(self, body: bytes, wanted: Target) -> frozenset[Target]:
        """Receive the one resource that was read; return what it refers to and nobody sent yet.

        Raises:
            RefusedElementError: If it is another resource.
            TemporaryError: If it could not be kept.
        """
        tree = parse(body, self.limits)
        if (type_of(tree), id_of(tree)) != wanted:
            raise MalformedError("Resource.id", IssueCode.CONFLICT, "the FHIR server answered with another resource")
        submission = Submission(*wanted, tree, Names(self.base_url))
        return self._lacking(zip([submission], self.receive([submission]), strict=True))

    def gone(self, wanted: Target) -> None:
        """Receive that a resource was deleted."""
        self.receive([Submission(*wanted, None)])

    def missing(self, wanted: Target) -> None:
        """Receive that the server does not know a resource: what we hold of it stands, and a person is told once."""
        with self.receive.store.writing() as writing:
            head = writing.head(*wanted)
            if head and head.content is not None and not writing.told(head, _MISSING.code.value):
                writing.refuse(Refusal(head.source, wanted[0], _MISSING.code.value, _MISSING.reason, writing.now))

    def _lacking(self, answered: Iterable[tuple[Any, Answer]]) -> frozenset[Target]:
        kept = [row for row, answer in answered if answer.status in _KEPT and isinstance(row, Submission)]
        named = {found for row in kept for found in self._referred(row)}
        if not named:
            return frozenset()
        with self.receive.store.writing() as writing:
            return frozenset(found for found in named if writing.head(*found) is None)

    def _referred(self, submission: Submission) -> Iterator[Target]:
        resource = submission.resource or {}
        links = [row.get("other") for row in objects(resource.get("link", []))]
        stated = [value for name in _REFERRING for value in _several(resource.get(name))]
        for row in (*stated, *links):
            local = submission.names.local(str(row.get("reference", ""))) if isinstance(row, dict) else ""
            found = target(local) if local.count("/") == 1 else None  # another server's resources are not ours to fetch
            if found and found[0] in _NEEDED:
                yield found


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _updated(submission: Submission) -> str:
    meta = (submission.resource or {}).get("meta")
    return str(meta.get("lastUpdated", "")) if isinstance(meta, dict) else ""


def _version(submission: Submission) -> str:
    meta = (submission.resource or {}).get("meta")
    stated = meta if isinstance(meta, dict) else {}
    if not stated.get("versionId") and not stated.get("lastUpdated"):
        return ""  # nothing tells it from another version: it is looked at each time
    return f"{submission.source} {stated.get('versionId', '')} {stated.get('lastUpdated', '')}"


def _next(bundle: JsonObject) -> str:
    rows = objects(bundle.get("link", []))
    return next((str(row.get("url", "")) for row in rows if row.get("relation") == "next"), "")
