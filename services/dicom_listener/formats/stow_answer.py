"""The answer to a STOW-RS request (PS3.18 10.5.3 and annex I.2), as DICOM JSON or as the Native DICOM Model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from services.dicom_listener.handlers.store_parts import PartAnswer, Taken
from shared.domain.refusals import ANSWERS, Cause

JSON = "application/dicom+json"
XML = "application/dicom+xml"
OFFERED = (JSON, XML, "application/json")
"""Media types of an answer, preferred first; DICOM JSON is JSON (PS3.18 8.7.3.2 allows both names)."""

_OK, _SOME, _NONE = 200, 202, 409


@dataclass(frozen=True, slots=True)
class _Row:
    """One attribute: a keyword of PS3.6, its tag and VR, and a value or items."""

    keyword: str
    tag: str
    vr: str
    value: str | int | None = None
    items: tuple[tuple[_Row, ...], ...] = ()


def status_of(taken: Taken) -> int:
    """Return the HTTP status (PS3.18 table 10.5.3-1): all stored, some stored, none stored.

    None stored, and everything for a reason that may pass: the status of that reason, so that the sender tries again.
    """
    causes = [answer.cause for answer in taken.answers] + ([taken.broken] if taken.broken else [])
    failed = [cause for cause in causes if cause]
    if not failed:
        return _OK if taken.answers else ANSWERS[Cause.UNREADABLE].http
    if len(failed) < len(causes):
        return _SOME
    if taken.broken and len(causes) == 1:
        return ANSWERS[taken.broken].http
    return ANSWERS[failed[0]].http if all(ANSWERS[cause].transient for cause in failed) else _NONE


def rendered(taken: Taken, media_type: str) -> bytes:
    """Return the body of the answer."""
    rows = _rows(taken)
    return _xml(rows) if media_type == XML else json.dumps(_json(rows)).encode()


def _rows(taken: Taken) -> tuple[_Row, ...]:
    """Return the Store Instances Response Module (PS3.18 table I.2-1)."""
    stored = [(*_reference(one), _no_url()) for one in taken.answers if not one.cause]
    failed = [(*_reference(one), _reason(one.cause)) for one in taken.answers if one.cause and one.sop_instance_uid]
    # What cannot be named has a sequence of its own.
    unnamed = [one.cause for one in taken.answers if one.cause and not one.sop_instance_uid]
    others = [(_reason(cause),) for cause in (*unnamed, taken.broken) if cause]
    sequences = (
        _Row("FailedSOPSequence", "00081198", "SQ", items=tuple(failed)),
        _Row("ReferencedSOPSequence", "00081199", "SQ", items=tuple(stored)),
        _Row("OtherFailuresSequence", "0008119A", "SQ", items=tuple(others)),
    )
    return (_no_url(), *(row for row in sequences if row.items))


def _reference(answer: PartAnswer) -> tuple[_Row, ...]:
    return (
        _Row("ReferencedSOPClassUID", "00081150", "UI", answer.sop_class_uid),
        _Row("ReferencedSOPInstanceUID", "00081155", "UI", answer.sop_instance_uid),
    )


def _reason(cause: Cause) -> _Row:
    return _Row("FailureReason", "00081197", "US", ANSWERS[cause].c_store)


def _no_url() -> _Row:
    """Return an empty Retrieve URL (type 2): nothing can be fetched from here."""
    return _Row("RetrieveURL", "00081190", "UR")


def _json(rows: Sequence[_Row]) -> dict[str, object]:
    """Return the DICOM JSON Model (PS3.18 annex F.2) of a data set."""
    return {row.tag: {"vr": row.vr} | _value(row) for row in sorted(rows, key=lambda row: row.tag)}


def _value(row: _Row) -> dict[str, object]:
    if row.items:
        return {"Value": [_json(item) for item in row.items]}
    return {} if row.value is None else {"Value": [row.value]}


def _xml(rows: Sequence[_Row]) -> bytes:
    """Return the Native DICOM Model (PS3.19 annex A.1) of a data set."""
    root = ET.Element("NativeDicomModel", xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM")
    _attributes(root, rows)
    text: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode()


def _attributes(parent: ET.Element, rows: Sequence[_Row]) -> None:
    for row in sorted(rows, key=lambda row: row.tag):
        element = ET.SubElement(parent, "DicomAttribute", {"tag": row.tag, "vr": row.vr, "keyword": row.keyword})
        if row.value is not None:
            ET.SubElement(element, "Value", number="1").text = str(row.value)
        for number, item in enumerate(row.items, start=1):
            _attributes(ET.SubElement(element, "Item", number=str(number)), item)
