"""TS and DT -> moments (HL7 v2.5.1 2.A.77): as precise as they are written, in a stated or the default zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo

from shared.domain.refusals import Cause
from shared.hl7.reading.cell import Cell
from shared.hl7.refusal import RefusedMessageError

_TS = re.compile(
    r"(\d{4})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:\.(\d{1,4}))?)?)?)?)?)?(?:([+-])(\d{2})(\d{2}))?"
)
_DAY, _MONTH = 3, 2
_FORMATS = {1: "%Y", _MONTH: "%Y-%m", _DAY: "%Y-%m-%d"}


@dataclass(frozen=True, slots=True)
class Stamp:
    """A time with its precision."""

    moment: datetime
    """Aware; what was not stated is the first of it."""
    parts: int
    """How much was stated: 1 year, 2 month, 3 day, 4 hour, 5 minute and more."""

    @property
    def fhir(self) -> str:
        """Return the FHIR dateTime: date, or time with its offset."""
        pattern = _FORMATS.get(self.parts)
        return self.moment.strftime(pattern) if pattern else self.moment.isoformat(timespec="seconds")

    def begins_after(self, moment: datetime) -> bool:
        """Tell whether all of it lies after ``moment``."""
        return self.moment > moment


def read_time(cell: Cell, zone: tzinfo) -> Stamp | None:
    """Return the time a field states, None where it states none; ``zone`` holds where no offset is written.

    Raises:
        RefusedMessageError: If it is no time of the calendar.
    """
    written = cell.component(1).text()  # TS has a second component (precision), DR a second TS
    if not written:
        return None
    match = _TS.fullmatch(written)
    if match is None:
        raise RefusedMessageError(cell.element, Cause.INVALID_VALUE, "not a time as HL7 writes it (YYYYMMDDHHMMSS)")
    numbers = [int(part) for part in match.groups()[:6] if part is not None]
    try:
        offset = _offset(match) or zone
        whole = (*numbers, *(1, 1, 1)[len(numbers) : 3])
        return Stamp(datetime(*whole, tzinfo=offset), len(numbers))  # type: ignore[misc, arg-type]
    except ValueError:
        raise RefusedMessageError(cell.element, Cause.INVALID_VALUE, "not a day or time of the calendar") from None


def stated_zone(cell: Cell) -> tzinfo | None:
    """Return the offset a time is written with: in MSH-7 it holds for the whole message (v2.5.1 2.15.9.7)."""
    match = _TS.fullmatch(cell.component(1).written.strip())
    try:
        return _offset(match) if match else None
    except ValueError:
        return None


def _offset(match: re.Match[str]) -> timezone | None:
    sign, hours, minutes = match.groups()[7:]
    if sign is None:
        return None
    found = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-found if sign == "-" else found)
