"""One request body: a resource or a Bundle, from bytes to answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.lab_consumer.handlers.answers import Answer
from services.lab_consumer.handlers.bundle import unpack
from services.lab_consumer.handlers.receive import Receive
from services.lab_consumer.handlers.submission import Submission, id_of, type_of
from shared.fhir.reading.json_text import JsonLimits, parse
from shared.fhir.reading.references import Names
from shared.fhir.reading.refusal import IssueCode, MalformedError, RefusedElementError


@dataclass(frozen=True, slots=True)
class Answered:
    """The answers to one request."""

    answers: tuple[Answer, ...]
    is_bundle: bool = False
    """Answered entry by entry; False: one answer for the whole request."""
    atomic: bool = False


@dataclass(frozen=True, slots=True)
class Intake:
    """Read one request body within limits and receive what it holds."""

    receive: Receive
    limits: JsonLimits
    max_entries: int
    base_url: str = ""

    def bundle(self, body: bytes) -> Answered:
        """Receive a Bundle; a refused transaction is one answer with every reason.

        Raises:
            TemporaryError: If nothing could be kept.
        """
        try:
            tree = self._parsed(body, "Bundle")
            unpacked = unpack(tree, self.base_url, self.max_entries)
        except RefusedElementError as error:
            return Answered((self.receive.refuse(error),))
        answers = self.receive(unpacked.entries, atomic=unpacked.atomic, newest_first=unpacked.newest_first)
        if unpacked.atomic and any(answer.refused for answer in answers):
            issues = tuple(issue for answer in answers for issue in answer.issues)
            return Answered((Answer(max(answer.status for answer in answers), "", issues),))
        return Answered(tuple(answers), is_bundle=True, atomic=unpacked.atomic)

    def resource(self, body: bytes, resource_type: str, resource_id: str = "") -> Answered:
        """Receive one resource; with ``resource_id`` (PUT) it must carry that id.

        Raises:
            TemporaryError: If nothing could be kept.
        """
        try:
            tree = self._parsed(body, resource_type)
            if resource_id and tree.get("id") != resource_id:
                raise MalformedError(f"{resource_type}.id", IssueCode.STRUCTURE, "not the id of the URL")
            submission = Submission(resource_type, id_of(tree), tree, Names(self.base_url))
        except RefusedElementError as error:
            return Answered((self.receive.refuse(error),))
        return Answered(tuple(self.receive([submission])))

    def refused(self, code: IssueCode, reason: str) -> None:
        """Record a request whose body was not even read."""
        self.receive.refuse(MalformedError("Resource", code, reason))

    def _parsed(self, body: bytes, expected: str) -> dict[str, Any]:
        tree = parse(body, self.limits)
        if type_of(tree) != expected:
            raise MalformedError("Resource.resourceType", IssueCode.STRUCTURE, f"this URL takes {expected}")
        return tree
