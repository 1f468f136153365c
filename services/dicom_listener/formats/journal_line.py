"""One record, one line: ``<crc32, 8 hex> <length> <JSON>`` and a newline.

A line that was cut off by a crash cannot pass for a whole one: length and checksum cover the JSON exactly.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from zlib import crc32

from services.dicom_listener.ports.records import (
    CommitmentReported,
    CommitmentRequested,
    ErasureAsked,
    ErasureFinished,
    InstanceAgain,
    InstanceQuarantined,
    InstanceStored,
    NoticeDelivered,
    NoticeRaised,
    OwnOutputSeen,
    PixelsChecked,
    Record,
    SegmentJudged,
    StudyCompleted,
    StudySubmitted,
)
from shared.domain.errors import ConflictError

_OTHER = "this version of the listener cannot read; start the version that wrote it, or a newer one"

_KINDS: dict[str, type[Record]] = {
    kind.__name__: kind
    for kind in (
        InstanceStored,
        InstanceAgain,
        InstanceQuarantined,
        OwnOutputSeen,
        StudyCompleted,
        StudySubmitted,
        NoticeRaised,
        NoticeDelivered,
        SegmentJudged,
        PixelsChecked,
        CommitmentRequested,
        CommitmentReported,
        ErasureAsked,
        ErasureFinished,
    )
}


def encode(record: Record) -> bytes:
    """Return the line of ``record``, newline included."""
    tree = {"kind": type(record).__name__, "record": asdict(record)}
    body = json.dumps(tree, separators=(",", ":")).encode()
    return b"%08x %d %s\n" % (crc32(body), len(body), body)


def decode(line: bytes) -> Record | None:
    """Return the record of a line without its newline, or None where the line is damaged.

    Fields that this version does not know are left out.

    Raises:
        ConflictError: If another version wrote the line, and this one cannot tell what happened.
    """
    checksum, _, rest = line.partition(b" ")
    length, _, body = rest.partition(b" ")
    if checksum != b"%08x" % crc32(body) or length != b"%d" % len(body):
        return None
    tree = json.loads(body)
    kind = _KINDS.get(tree["kind"])
    if kind is None:
        raise ConflictError(f"the journal holds {tree['kind']}, which {_OTHER}")
    known = {field.name for field in fields(kind)}
    try:
        return kind(**{name: value for name, value in tree["record"].items() if name in known})
    except TypeError as error:
        raise ConflictError(f"the journal holds a {kind.__name__} that {_OTHER}") from error
