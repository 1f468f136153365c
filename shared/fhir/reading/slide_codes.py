"""What a site's own codes say about slides: applied once, at the door, as ``site_codes`` is for facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.codes import pathology
from shared.codes.pathology import MEANINGS, SlideMeaning
from shared.fhir.reading.elements import Key
from shared.fhir.reading.json_text import JsonObject

_TYPES = frozenset({"ServiceRequest", "Specimen"})


@dataclass(frozen=True, slots=True)
class SlideCodes:
    """The rows of ``[[lab_consumer.slide_code]]``: one code may say several things."""

    rows: Mapping[Key, frozenset[SlideMeaning]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str, SlideMeaning]]) -> SlideCodes:
        """Return the table.

        Raises:
            ValueError: If a row is incomplete, or contradicts a code that is known.
        """
        found: dict[Key, frozenset[SlideMeaning]] = {}
        for system, code, meaning in rows:
            known = MEANINGS.get((system, code))
            if not system or not code or system == pathology.SYSTEM:
                raise ValueError("a slide_code needs a system, not our own, and a code")
            if known is not None and known is not meaning:
                raise ValueError(f"{code} is known as {known.value}, not {meaning.value}")
            found[system, code] = found.get((system, code), frozenset()) | {meaning}
        return cls(found)

    def applied(self, resource: JsonObject) -> JsonObject:
        """Return the resource with the meanings beside the codes; others' resources as they are."""
        if resource["resourceType"] not in _TYPES:
            return resource
        changed: JsonObject = self._part(resource)
        return changed

    def _part(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._part(row) for row in value]
        if not isinstance(value, dict):
            return value
        made = {name: self._part(child) for name, child in value.items()}
        stated = made.get("coding")
        return made | {"coding": self._codings(stated)} if isinstance(stated, list) else made

    def _codings(self, stated: list[Any]) -> list[Any]:
        kept = [row for row in stated if not isinstance(row, dict) or row.get("system") != pathology.SYSTEM]
        said = {
            meaning
            for row in kept
            if isinstance(row, dict)
            for meaning in self.rows.get((str(row.get("system")), str(row.get("code"))), ())
        }
        return [*kept, *({"system": pathology.SYSTEM, "code": one.value} for one in sorted(said))]


NO_SLIDE_CODES = SlideCodes()
"""A site that codes as the standards do."""
