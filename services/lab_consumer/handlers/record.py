"""The current resources about one patient, and what they refer to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from services.lab_consumer.ports.records import Version
from shared.fhir.reading.json_text import JsonObject
from shared.fhir.reading.read import contained


@dataclass(frozen=True, slots=True)
class Record:
    """The current resources about one patient, by ``Type/id``."""

    versions: Mapping[str, Version]

    def of_type(self, *types: str) -> Iterator[tuple[Version, JsonObject]]:
        """Yield versions with content, in a fixed order."""
        for _, version in sorted(self.versions.items()):
            if version.resource_type in types and version.content is not None:
                yield version, dict(version.content)

    def referred(self, resource: JsonObject, reference: str) -> JsonObject | None:
        """Return the resource a reference of ``resource`` points at, contained or received."""
        version = self.versions.get(reference)
        received = dict(version.content) if version and version.content is not None else None
        return contained(resource, reference) or received
