"""Text of a data set under its Specific Character Set (0008,0005), right or wrong (PS3.3 C.12.1.1.2, PS3.5 6.1).

A character set that is missing, unknown or untrue never stops an object. What cannot be read exactly is shown byte for
byte (ISO 8859-1 gives every byte a character), and whoever compares identifiers is told that it is not exact.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from dataclasses import dataclass

from pydicom.charset import decode_bytes, python_encoding

_TERM = re.compile(r"ISO[ _-]?(2022[ _-]?)?IR[ _-]?(\d{1,3})")
_DELIMITERS = {0x5C, 0x5E, 0x3D, 0x0A, 0x0C, 0x0D, 0x09}
"""Characters after which ISO 2022 begins anew: \\ ^ = LF FF CR TAB (PS3.5 6.1.2.5.3)."""
_ESCAPE = b"\x1b"
_DEFAULT = "ascii"


@dataclass(frozen=True, slots=True)
class Text:
    """A decoded value."""

    value: str
    """Normalised (Unicode NFC), padding removed."""
    exact: bool = True
    """False: the bytes do not say which characters they are; ``value`` shows them one by one."""


@dataclass(frozen=True, slots=True)
class CharacterSets:
    """The character sets of one data set."""

    codecs: tuple[str, ...] = (_DEFAULT,)
    """Python codecs; the first is in force where no escape sequence says otherwise."""
    known: bool = True
    """False: at least one term is not a character set of the standard."""

    def text(self, value: bytes) -> Text:
        """Return a value of this data set; never fails."""
        if _ESCAPE in value:
            return self._extended(value)
        try:
            return _text(value.decode(_DEFAULT if value.isascii() else self.codecs[0]))
        except (UnicodeDecodeError, LookupError):
            return _bytewise(value)

    def _extended(self, value: bytes) -> Text:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # pydicom warns where it falls back to something
                text = decode_bytes(value, list(self.codecs), _DELIMITERS)
        except (UnicodeError, LookupError, ValueError, Warning):
            return _bytewise(value)
        return _bytewise(value) if "\x1b" in text else _text(text)


def character_sets_of(value: bytes) -> CharacterSets:
    """Return the character sets that (0008,0005) names; misspelt terms are understood where they leave no doubt."""
    terms = [_term(part) for part in value.decode("ascii", "replace").strip(" \0").split("\\")]
    codecs = [python_encoding.get(term) for term in terms]
    known = [codec for codec in codecs if codec]
    if terms == [""]:
        return CharacterSets()
    return CharacterSets(tuple(_ascii(codec) for codec in known) or (_DEFAULT,), len(known) == len(terms))


def _term(text: str) -> str:
    text = text.strip(" \0").upper()
    if text in ("UTF-8", "UTF8"):
        return "ISO_IR 192"
    match = _TERM.fullmatch(text)
    return text if match is None else f"{'ISO 2022 IR' if match[1] else 'ISO_IR'} {match[2]}"


def _ascii(codec: str) -> str:
    """Return ASCII for the default repertoire: pydicom reads it as ISO 8859-1, which is a guess."""
    return _DEFAULT if codec == python_encoding[""] else codec


def _text(value: str) -> Text:
    return Text(unicodedata.normalize("NFC", value).strip(" \0"))


def _bytewise(value: bytes) -> Text:
    return Text(value.decode("latin-1").strip(" \0"), exact=False)
