"""MSH-18 -> how bytes are read (HL7 table 0211, v2.5.1 2.15.9.18). Exact, or refused: nothing is guessed.

Every set here writes ASCII as ASCII, so that a header can be read before its own MSH-18 is known.
"""

from __future__ import annotations

from collections.abc import Mapping

from shared.domain.refusals import Cause
from shared.hl7.refusal import RefusedMessageError

CODECS: Mapping[str, str] = {
    "ASCII": "ascii",
    **{f"8859/{part}": f"iso8859_{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
    "UNICODE UTF-8": "utf_8",
    "UTF-8": "utf_8",  # not in the table, and what many interface engines write
    "GB 18030-2000": "gb18030",
}
"""Name in MSH-18 -> Python codec. ISO IR 87 and its kin switch by escape sequences and are not taken."""


def decoded(content: bytes, stated: str, default: str) -> tuple[str, str]:
    """Return the text of a message and the codec it was read with; ``default`` holds where MSH-18 states nothing.

    Raises:
        RefusedMessageError: If the set is unknown, or the bytes are not written in it.
    """
    name = stated.strip() or default
    codec = CODECS.get(name.upper())
    if codec is None:
        raise RefusedMessageError(
            "MSH-18", Cause.ENCODING_NOT_SUPPORTED, f"this character set is not read here; known: {', '.join(CODECS)}"
        )
    try:
        return content.decode(codec), codec
    except UnicodeDecodeError as error:
        raise RefusedMessageError("MSH-18", Cause.UNREADABLE, _sentence(error.start, name, stated.strip())) from None


def _sentence(place: int, name: str, stated: str) -> str:
    if stated:
        return f"byte {place} is not written in the character set it states"
    return (
        f"it states no character set, and byte {place} is not {name}: let the sender fill MSH-18, or set "
        "mllp_default_character_set"
    )
