"""A manifest beside a slide: ``NAME.manifest.json`` or ``NAME.manifest.csv``, see the README of this service.

JSON: one object, or ``{"schema_version": 1, "slides": [object, ...]}``. CSV: a header, then one row per slide; UTF-8.
Unknown fields are refused, because a misspelt one would be a claim nobody hears.
"""

from __future__ import annotations

import csv
import difflib
import io
import json
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.domain.errors import InvalidInputError
from shared.domain.identity import Demographics, IdentityMap, PatientIdentity, Sex, Side
from shared.domain.slides import Specimen

MOST_BYTES = 1 << 20
MOST_ROWS = 2000
MOST_FILES = 2000
_TRUTH = {"true": True, "yes": True, "false": False, "no": False, "": None}
_LISTED = "|"
"""Between file names in a CSV cell."""


class ManifestRow(BaseModel):
    """What a manifest says about one slide. Every field is optional by itself; whether they suffice is judged later."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accession: str = Field(default="", max_length=64)
    specimen: str = Field(default="", max_length=64)
    block: str = Field(default="", max_length=64)
    slide: str = Field(default="", max_length=64)
    container: str = Field(default="", max_length=64)
    """What the barcode on the label says."""
    patient_id: str = Field(default="", max_length=128)
    issuer: str = Field(default="", max_length=128)
    """Assigning authority of ``patient_id``, spelled as in any column of the site's ``[[identity]]`` tables."""
    birth_date: date | None = None
    sex: Sex | None = None
    stain: Literal["", "he", "ihc", "other"] = ""
    tissue: Literal["", "breast", "lymph_node", "other"] = ""
    after_therapy: bool | None = None
    side: Side | None = None
    withdrawn: str = Field(default="", max_length=200)
    """Why there is no such order any more."""
    files: tuple[str, ...] = Field(default=(), max_length=MOST_FILES)
    """Every file of the slide, relative to the manifest, the one to open first; default: the slide of its name."""

    @property
    def specimen_named(self) -> Specimen:
        """Return which piece of tissue it is."""
        return Specimen(self.accession, self.specimen, self.block, self.slide)

    @property
    def demographics(self) -> Demographics:
        """Return birth date and sex."""
        return Demographics(self.birth_date, self.sex)

    def identity(self, identities: IdentityMap) -> PatientIdentity | None:
        """Return whose it is; None where the issuer is not in the site's map, or means two of its rows."""
        rows = [
            row for row in identities.authorities
            if self.issuer in (row.name, row.dicom_issuer, row.fhir_system or None, row.hl7_authority or None)
        ]  # fmt: skip
        if len(rows) != 1 or not self.patient_id:
            return None
        try:
            return PatientIdentity(rows[0].name, self.patient_id)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that was read."""

    rows: tuple[ManifestRow, ...]


def read_manifest(name: str, content: bytes) -> Manifest:
    """Return what a manifest says.

    Raises:
        InvalidInputError: If it is not one; names row and field, and repeats no value.
    """
    if len(content) > MOST_BYTES:
        raise InvalidInputError("manifest", f"is larger than {MOST_BYTES} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInputError("manifest", "is not UTF-8") from None
    found = _from_csv(text) if name.lower().endswith(".csv") else _from_json(text)
    if not 0 < len(found) <= MOST_ROWS:
        raise InvalidInputError("manifest", f"must name 1 to {MOST_ROWS} slides")
    return Manifest(tuple(_row(number, one) for number, one in enumerate(found, 1)))


def _from_json(text: str) -> list[Any]:
    try:
        tree = json.loads(text, object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        raise InvalidInputError("manifest", "is not JSON, or names a field twice") from None
    if not isinstance(tree, dict) or "slides" not in tree:
        return [tree]
    if (
        tree.keys() != {"schema_version", "slides"}
        or tree["schema_version"] != 1
        or not isinstance(tree["slides"], list)
    ):
        raise InvalidInputError("manifest", "with slides needs schema_version 1, a list of slides, and nothing else")
    return list(tree["slides"])


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field stands twice")
    return found


def _from_csv(text: str) -> list[Any]:
    try:
        lines = list(csv.reader(io.StringIO(text), strict=True))
    except csv.Error:
        raise InvalidInputError("manifest", "is not CSV") from None
    if not lines or len(set(lines[0])) != len(lines[0]):
        raise InvalidInputError("manifest", "needs a header in which no column stands twice")
    header, *body = lines
    if any(len(line) != len(header) for line in body if line):
        raise InvalidInputError("manifest", "has a row with more or fewer cells than its header")
    return [_cells(dict(zip(header, line, strict=True))) for line in body if line]


def _cells(row: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {name: value.strip() for name, value in row.items()}
    if "files" in found:
        found["files"] = [one for one in found["files"].split(_LISTED) if one]
    if found.get("after_therapy", "").lower() in _TRUTH:
        found["after_therapy"] = _TRUTH[found.get("after_therapy", "").lower()]
    return {name: value for name, value in found.items() if value not in ("", None)}


def _row(number: int, tree: Any) -> ManifestRow:
    if not isinstance(tree, dict):
        raise InvalidInputError(f"manifest row {number}", "is not an object")
    try:
        row = ManifestRow.model_validate(tree)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        named = ".".join(map(str, first["loc"]))
        said = _unknown(named) if first["type"] == "extra_forbidden" else f"{named}: {first['msg'].lower()}"
        raise InvalidInputError(f"manifest row {number}", said) from None
    if any(not _is_below(name) for name in row.files):
        raise InvalidInputError(f"manifest row {number}", "files: names must be relative and stay below its folder")
    if any(ord(letter) < ord(" ") for value in tree.values() if isinstance(value, str) for letter in value):
        raise InvalidInputError(f"manifest row {number}", "has control characters")
    return row


def _unknown(name: str) -> str:
    """Say that a field is not known; never its name, which may be a patient's where a CSV lacks its header."""
    fields = list(ManifestRow.model_fields)
    meant = difflib.get_close_matches(name.strip().lower(), fields, n=1)
    return f"an unknown field (is {meant[0]} meant?)" if meant else f"an unknown field: known are {', '.join(fields)}"


def _is_below(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(name) and "\\" not in name and not path.is_absolute() and ".." not in path.parts
