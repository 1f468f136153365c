"""The few attributes a door needs from an object, read from its raw values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date

from pydicom.charset import python_encoding

from shared.domain.errors import InvalidInputError
from shared.domain.identity import Sex, Side

MAX_VALUE_BYTES = 1024
"""Longest header value we read; LO is 64 characters and UI 64 bytes (PS3.5 table 6.2-1)."""
_UID = re.compile(r"[0-9.]{1,64}")
_DATE = re.compile(r"(\d{4})(\.?)(\d{2})\2(\d{2})", re.ASCII)
_CHARACTER_SET = 0x00080005

TAGS: dict[int, str] = {
    _CHARACTER_SET: "character_set",
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
    manufacturer: str = ""
    device_uid: str = ""
    """Device UID (0018,1002)."""
    instance_creator_uid: str = ""
    """Instance Creator UID (0008,0014)."""
    character_set: str = ""
    observers: tuple[str, ...] = ()
    """UIDs of the content items directly below the root of an SR (device observers, PS3.16 TID 1004)."""


def header_of(raw: Mapping[int, bytes], observers: tuple[str, ...] = ()) -> Header:
    """Return the header of the raw values in ``raw`` (keys of ``TAGS``).

    Raises:
        InvalidInputError: If one of the four UIDs that place an instance is missing or not a UID.
    """
    codec = _codec(raw.get(_CHARACTER_SET, b""))
    values = {TAGS[tag]: _text(value, codec) for tag, value in raw.items()}
    for name in ("sop_class_uid", "sop_instance_uid", "study_instance_uid", "series_instance_uid"):
        if not _UID.fullmatch(values.get(name, "")):
            raise InvalidInputError(name, "is missing" if not values.get(name) else "is not a UID")
    known = {field.name for field in fields(Header)}
    return Header(**{name: value for name, value in values.items() if name in known}, observers=observers)


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
    return _text(value, "ascii")


def _codec(character_set: bytes) -> str:
    """Return the Python codec of the first Specific Character Set; code extensions are not followed."""
    first = text_of(character_set).split("\\")[0].strip()
    return str(python_encoding.get(first, "ascii")) if first else "ascii"


def _text(value: bytes, codec: str) -> str:
    """Decode; a value that cannot be read exactly counts as absent, because identifiers are matched exactly."""
    try:
        text = value.decode("ascii" if value.isascii() else codec)
    except (UnicodeDecodeError, LookupError):
        return ""
    return "" if "\x1b" in text else text.strip(" \0")
