"""Fields, segments and messages as they are written (HL7 v2.5.1 2.5, 2A): everything is escaped where it is text.

The delimiters are the recommended ones (2.5.4). A ``Written`` is escaped already and is never escaped again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NewType

from shared.codes.terminology import DICOM_DESIGNATORS
from shared.domain.coding import Coding
from shared.hl7.delimiters import Delimiters

Written = NewType("Written", str)
NOTHING = Written("")
"""An empty field."""
MARKS = Delimiters()
CHARACTER_SET = "UNICODE UTF-8"
"""MSH-18 of every message written here (table 0211)."""
_DECIMALS = 6


def text(value: str) -> Written:
    """Return plain text; line ends become ``.br``, which TX and FT know (2.7.6)."""
    return Written(MARKS.escaped(value))


def components(*values: str) -> Written:
    """Return the components of a field; empty ones at the end are left out."""
    return _joined(MARKS.component, (text(value) for value in values))


def subcomponents(*values: str) -> Written:
    """Return the sub-components of a component."""
    return _joined(MARKS.subcomponent, (text(value) for value in values))


def of_components(*values: Written) -> Written:
    """Return a field whose components have sub-components of their own."""
    return _joined(MARKS.component, values)


def repetitions(*fields: Written) -> Written:
    """Return a field that repeats."""
    return _joined(MARKS.repetition, fields)


def coded(*rows: Coding) -> Written:
    """Return a CE or CWE: a code and, where there is one, its alternate; names of systems as in table 0396."""
    return components(*(part for row in rows[:2] for part in (row.code, row.display, DICOM_DESIGNATORS[row.system])))


def number(value: float) -> Written:
    """Return an NM (2A.47): decimal digits, at most six behind the point, never an exponent."""
    shown = f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")
    return Written("0" if shown in {"-0", ""} else shown)


def between(low: float, high: float) -> Written:
    """Return an SN (2A.68) that is a range: ``^low^-^high``."""
    return Written(MARKS.component.join(("", number(low), "-", number(high))))


def moment(value: datetime) -> Written:
    """Return a TS (2A.77) in UTC, to the second.

    Raises:
        ValueError: If the moment does not know its zone.
    """
    if value.tzinfo is None:
        raise ValueError("a moment without a zone has no place on the time line")
    return Written(value.astimezone(UTC).strftime("%Y%m%d%H%M%S+0000"))


def segment(name: str, fields: Mapping[int, Written]) -> str:
    """Return a segment; fields are numbered as in the standard, what is missing is empty."""
    written = [fields.get(number, NOTHING) for number in range(1, max(fields, default=0) + 1)]
    return _joined(MARKS.field, (Written(name), *written))


def header(fields: Mapping[int, Written]) -> str:
    """Return an MSH; MSH-1 and MSH-2 are written here."""
    marks = "".join((MARKS.component, MARKS.repetition, MARKS.escape, MARKS.subcomponent))
    rest = segment("MSH", {number - 1: value for number, value in fields.items()}).removeprefix("MSH")
    return f"MSH{MARKS.field}{marks}{rest.removeprefix(MARKS.field)}"


def message(segments: Iterable[str]) -> bytes:
    """Return a message in UTF-8, each segment ended by CR (2.5.2)."""
    return "".join(f"{one}\r" for one in segments).encode()


def _joined(mark: str, parts: Iterable[Written]) -> Written:
    return Written(mark.join(parts).rstrip(mark))
