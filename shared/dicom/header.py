"""The few attributes a door needs from an object, read from its raw values."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date

from shared.dicom.character_sets import character_sets_of
from shared.domain.errors import InvalidInputError
from shared.domain.identity import Sex, Side

MAX_VALUE_BYTES = 1024
"""Longest header value we read; LO is 64 characters and UI 64 bytes (PS3.5 table 6.2-1)."""
_UID = re.compile(r"[0-9.]{1,64}")
_DATE = re.compile(r"(\d{4})(\.?)(\d{2})\2(\d{2})", re.ASCII)
CHARACTER_SET = 0x00080005
"""Specific Character Set."""
_MATCHED = ("patient_id", "issuer")
"""Compared exactly with other systems' identifiers: absent where the bytes do not say which characters they are."""

TAGS: dict[int, str] = {
    CHARACTER_SET: "character_set",
    0x00080014: "instance_creator_uid",
    0x00080016: "sop_class_uid",
    0x00080018: "sop_instance_uid",
    0x00080020: "study_date",
    0x00080060: "modality",
    0x00080070: "manufacturer",
    0x00100020: "patient_id",
    0x00100021: "issuer",
    0x00100030: "birth_date",
    0x00100040: "sex",
    0x00180015: "body_part",
    0x00181002: "device_uid",
    0x0020000D: "study_instance_uid",
    0x0020000E: "series_instance_uid",
    0x00200060: "laterality",
    0x00200062: "image_laterality",
}
"""Tag -> field of ``Header`` (PS3.6)."""


@dataclass(frozen=True, slots=True)
class Header:
    """Values as sent, padding removed; empty where absent. Never logged: some of them identify a person."""

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    modality: str = ""
    patient_id: str = ""
    issuer: str = ""
    birth_date: str = ""
    sex: str = ""
    study_date: str = ""
    body_part: str = ""
    laterality: str = ""
    """Laterality (0020,0060)."""
    image_laterality: str = ""
    """Image Laterality (0020,0062)."""
    frame_laterality: str = ""
    """Frame Laterality (0020,9072) of an enhanced object (PS3.3 C.7.6.16.2.8); several, joined, name no side."""
    manufacturer: str = ""
    device_uid: str = ""
    """Device UID (0018,1002)."""
    instance_creator_uid: str = ""
    """Instance Creator UID (0008,0014)."""
    character_set: str = ""
    observers: tuple[str, ...] = ()
    """UIDs of the content items directly below the root of an SR (device observers, PS3.16 TID 1004)."""
    note: str = ""
    """What was unusual about reading it; names attributes, never values."""


def header_of(raw: Mapping[int, bytes], observers: tuple[str, ...] = (), sides: Collection[str] = ()) -> Header:
    """Return the header of the raw values in ``raw`` (keys of ``TAGS``); ``sides`` are those its frames name.

    Raises:
        InvalidInputError: If one of the four UIDs that place an instance is missing or not a UID.
    """
    sets = character_sets_of(raw.get(CHARACTER_SET, b""))
    texts = {TAGS[tag]: sets.text(value) for tag, value in raw.items()}
    inexact = sorted(name for name, text in texts.items() if not text.exact)
    values = {name: text.value for name, text in texts.items() if text.exact or name not in _MATCHED}
    for name in ("sop_class_uid", "sop_instance_uid", "study_instance_uid", "series_instance_uid"):
        if not _UID.fullmatch(values.get(name, "")):
            raise InvalidInputError(name, "is missing" if not values.get(name) else "is not a UID")
    known = {field.name for field in fields(Header)}
    shown = {name: value for name, value in values.items() if name in known}
    side = "\\".join(sorted(sides))
    return Header(**shown, observers=observers, frame_laterality=side, note=_note(inexact, known=sets.known))


def date_of(value: str) -> date | None:
    """Return the date of a DA value, or None where it is absent or not one.

    PS3.5 table 6.2-1: YYYYMMDD; YYYY.MM.DD of ACR-NEMA 300 is read as well, as its note allows.
    """
    match = _DATE.fullmatch(value)
    try:
        return date(int(match[1]), int(match[3]), int(match[4])) if match else None
    except ValueError:
        return None


def sex_of(value: str) -> Sex | None:
    """Return Patient's Sex (PS3.3 C.7.1.1: M, F, O)."""
    return {"F": Sex.FEMALE, "M": Sex.MALE, "O": Sex.OTHER}.get(value)


def side_of(header_laterality: str) -> Side | None:
    """Return the side of Laterality or Image Laterality (PS3.3 C.7.3.1: R, L; C.8.11.7 adds B)."""
    return {"R": Side.RIGHT, "L": Side.LEFT, "B": Side.BOTH}.get(header_laterality)


def text_of(value: bytes) -> str:
    """Return an ASCII value without padding; empty where it is not ASCII."""
    return value.decode("ascii").strip(" \0") if value.isascii() else ""


def _note(inexact: Sequence[str], *, known: bool) -> str:
    parts = [] if known else ["Specific Character Set names one that the standard does not know"]
    if inexact:
        parts.append(f"not in the character set it states: {', '.join(inexact)}")
    return "; ".join(parts)
