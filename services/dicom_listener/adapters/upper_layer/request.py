"""Read an A-ASSOCIATE-RQ (PS3.8 9.3.2); items nobody knows are passed over, as PS3.8 9.3.1 wants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import unpack_from

from services.dicom_listener.adapters.upper_layer.pdus import AbortError, AbortReason

MAX_REQUEST_BYTES = 512 * 1024
"""128 contexts with 50 transfer syntaxes of 64 characters each fit."""
MAX_CONTEXTS = 128
_FIXED = 68
_APPLICATION_CONTEXT, _PRESENTATION_CONTEXT, _USER_INFORMATION = 0x10, 0x20, 0x50
_ABSTRACT_SYNTAX, _TRANSFER_SYNTAX, _MAXIMUM_LENGTH = 0x30, 0x40, 0x51


@dataclass(frozen=True, slots=True)
class ProposedContext:
    """One presentation context as proposed."""

    context_id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AssociationRequest:
    """What a peer asks for."""

    protocol_version: int
    called: str
    calling: str
    titles: bytes
    """Both AE titles and 32 reserved bytes as they came; the answer repeats them (PS3.8 table 9-17)."""
    application_context: str
    contexts: tuple[ProposedContext, ...]
    max_pdu_bytes: int
    """Longest P-DATA-TF it takes; 0: any."""


def read_request(body: bytes) -> AssociationRequest:
    """Return the request in the body of an A-ASSOCIATE-RQ.

    Raises:
        AbortError: If the bytes are not one.
    """
    if len(body) < _FIXED:
        raise _invalid("the request is too short")
    items = list(_items(body, _FIXED, len(body)))
    contexts = tuple(_context(body, *place) for kind, *place in items if kind == _PRESENTATION_CONTEXT)
    identifiers = {context.context_id for context in contexts}
    if not contexts or len(contexts) > MAX_CONTEXTS or len(identifiers) < len(contexts):
        raise _invalid("no, too many or ambiguous presentation contexts")
    return AssociationRequest(
        protocol_version=unpack_from(">H", body)[0],
        called=_title(body[4:20]),
        calling=_title(body[20:36]),
        titles=body[4:_FIXED],
        application_context=_one(body, items, _APPLICATION_CONTEXT),
        contexts=contexts,
        max_pdu_bytes=_max_pdu(body, items),
    )


def _items(body: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield type, start and end of every item between two offsets."""
    while start < end:
        if end - start < 4:
            raise _invalid("an item is cut short")
        kind, length = unpack_from(">BxH", body, start)
        start += 4
        if length > end - start:
            raise _invalid("an item is longer than what it lies in")
        yield kind, start, start + length
        start += length


def _context(body: bytes, start: int, end: int) -> ProposedContext:
    """Read a presentation context item (PS3.8 table 9-13); ids are odd."""
    if end - start < 4:
        raise _invalid("a presentation context is cut short")
    inner = list(_items(body, start + 4, end))
    abstract = _one(body, inner, _ABSTRACT_SYNTAX)
    transfer = tuple(_text(body, *place) for kind, *place in inner if kind == _TRANSFER_SYNTAX)
    if body[start] % 2 == 0 or not abstract or not transfer:
        raise _invalid("a presentation context is not one")
    return ProposedContext(body[start], abstract, transfer)


def _one(body: bytes, items: list[tuple[int, int, int]], wanted: int) -> str:
    return next((_text(body, start, end) for kind, start, end in items if kind == wanted), "")


def _max_pdu(body: bytes, items: list[tuple[int, int, int]]) -> int:
    """Read the maximum length sub-item (PS3.8 table D.1-1); without one there is no limit."""
    for kind, start, end in items:
        if kind != _USER_INFORMATION:
            continue
        for inner, first, last in _items(body, start, end):
            if inner == _MAXIMUM_LENGTH and last - first == 4:
                return int(unpack_from(">I", body, first)[0])
    return 0


def _text(body: bytes, start: int, end: int) -> str:
    """Return a UID; some peers pad it, which PS3.8 annex F does not ask for."""
    return body[start:end].decode("ascii", "replace").rstrip("\0 ")


def _title(field: bytes) -> str:
    return field.decode("ascii", "replace").strip(" \0")


def _invalid(why: str) -> AbortError:
    return AbortError(why, AbortReason.INVALID_PARAMETER)
