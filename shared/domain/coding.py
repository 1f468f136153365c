"""A coded value exactly as the standards carry it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Coding:
    """One code of one code system (FHIR ``Coding``, DICOM code sequence item)."""

    system: str
    """Code system URI, for example ``http://loinc.org``."""
    code: str
    display: str = ""

    def __post_init__(self) -> None:
        if not self.system or not self.code:
            raise ValueError(f"a coding needs system and code, got {self.system!r}|{self.code!r}")

    def same_code(self, other: Coding) -> bool:
        """Tell whether both name the same concept; displays are for people and do not count."""
        return self.system == other.system and self.code == other.code
