"""Raw values of elements to numbers and texts; None where the bytes are no such value."""

from __future__ import annotations

import math
from datetime import date
from struct import Struct, error

from shared.dicom.header import date_of

_LONGEST = 256
_BINARY = {"US": Struct("<H"), "UL": Struct("<I"), "FL": Struct("<f"), "FD": Struct("<d")}
_DAY_S = 86400.0


def texts(value: bytes) -> tuple[str, ...]:
    """Return the parts of a multi-valued text, upper case, without padding; none for an empty value."""
    text = value.decode("latin-1").strip(" \0").upper()
    return tuple(part.strip() for part in text.split("\\")) if text else ()


def decimals(value: bytes) -> tuple[float, ...]:
    """Return the numbers of a DS or IS; none where one of them is no finite number (PS3.5 6.2)."""
    try:
        numbers = tuple(float(part) for part in value[:_LONGEST].decode("ascii").strip(" \0").split("\\"))
    except ValueError:
        return ()
    return numbers if all(math.isfinite(one) for one in numbers) else ()


def decimal(value: bytes) -> float | None:
    """Return the first number of a DS or IS."""
    numbers = decimals(value)
    return numbers[0] if numbers else None


def whole(value: bytes) -> int | None:
    """Return the first number of an IS."""
    number = decimal(value)
    return int(number) if number is not None and number == int(number) else None


def binary(value: bytes, vr: str) -> float | None:
    """Return the first number of a US, UL, FL or FD; little endian."""
    try:
        number = float(_BINARY[vr].unpack_from(value)[0])
    except error:
        return None
    return number if math.isfinite(number) else None


def seconds_of_day(value: bytes) -> float | None:
    """Return a TM, ``HHMMSS.FFFFFF`` or shorter, in seconds; with the colons of ACR-NEMA as well."""
    text = value[:32].decode("latin-1").strip(" \0").replace(":", "")
    whole_part, _, fraction = text.partition(".")
    if not (whole_part.isascii() and whole_part.isdigit()) or len(whole_part) not in (2, 4, 6):
        return None
    hours, minutes, seconds = (int(whole_part[at : at + 2] or 0) for at in (0, 2, 4))
    if hours > 23 or minutes > 59 or seconds > 60:
        return None
    part = float(f"0.{fraction}") if fraction.isascii() and fraction.isdigit() else 0.0
    return hours * 3600.0 + minutes * 60.0 + seconds + part


def day_seconds(value: bytes) -> float | None:
    """Return the beginning of a DA in seconds from the common zero of all dates."""
    day = date_of(value.decode("latin-1").strip(" \0"))
    return _since_zero(day) if day else None


def moment(value: bytes) -> float | None:
    """Return a DT, ``YYYYMMDDHHMMSS.FFFFFF&ZZXX``, in seconds from the same zero; its offset from UTC is left out.

    All frames of a study are of one scanner, and only differences are used.
    """
    text = value[:32].decode("latin-1").strip(" \0").partition("+")[0].partition("-")[0]
    day, time = date_of(text[:8]), seconds_of_day(text[8:].encode("latin-1"))
    return None if day is None or time is None else _since_zero(day) + time


def _since_zero(day: date) -> float:
    return day.toordinal() * _DAY_S
