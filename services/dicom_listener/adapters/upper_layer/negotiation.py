"""Choose what is spoken on an association and write the A-ASSOCIATE-AC (PS3.8 9.3.3).

Roles stay at their defaults and operations at one at a time: the items that would change that are not answered
(PS3.7 D.3.3.3 and D.3.3.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from struct import pack

from services.dicom_listener.adapters.upper_layer.pdus import Pdu
from services.dicom_listener.adapters.upper_layer.request import AssociationRequest, ProposedContext
from shared.dicom.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
"""PS3.7 annex A.2.1."""
_ACCEPTED, _NO_ABSTRACT_SYNTAX, _NO_TRANSFER_SYNTAX = 0, 3, 4  # PS3.8 table 9-18


@dataclass(frozen=True, slots=True)
class Context:
    """One accepted presentation context."""

    abstract_syntax: str
    transfer_syntax: str


def negotiate(proposed: ProposedContext, offered: Mapping[str, tuple[str, ...]]) -> tuple[int, str]:
    """Return result and transfer syntax: our first choice among those proposed, for a syntax we offer."""
    ours = offered.get(proposed.abstract_syntax)
    if ours is None:
        return _NO_ABSTRACT_SYNTAX, proposed.transfer_syntaxes[0]
    chosen = next((syntax for syntax in ours if syntax in proposed.transfer_syntaxes), None)
    return (_ACCEPTED, chosen) if chosen else (_NO_TRANSFER_SYNTAX, proposed.transfer_syntaxes[0])


def acceptance(
    request: AssociationRequest, offered: Mapping[str, tuple[str, ...]], max_pdu_bytes: int
) -> tuple[bytes, dict[int, Context]]:
    """Return the A-ASSOCIATE-AC and the accepted contexts by id."""
    accepted: dict[int, Context] = {}
    items = [_item(0x10, APPLICATION_CONTEXT.encode())]
    for proposed in request.contexts:
        result, syntax = negotiate(proposed, offered)
        if result == _ACCEPTED:
            accepted[proposed.context_id] = Context(proposed.abstract_syntax, syntax)
        head = pack(">BBBB", proposed.context_id, 0, result, 0)
        items.append(_item(0x21, head + _item(0x40, syntax.encode("ascii", "replace"))))
    items.append(_item(0x50, _user_information(max_pdu_bytes)))
    body = pack(">HH", 1, 0) + request.titles + b"".join(items)
    return pack(">BBI", Pdu.ASSOCIATE_AC, 0, len(body)) + body, accepted


def _user_information(max_pdu_bytes: int) -> bytes:
    return (
        _item(0x51, pack(">I", max_pdu_bytes))
        + _item(0x52, IMPLEMENTATION_CLASS_UID.encode())
        + _item(0x55, IMPLEMENTATION_VERSION_NAME.encode())
    )


def _item(kind: int, content: bytes) -> bytes:
    return pack(">BBH", kind, 0, len(content)) + content
