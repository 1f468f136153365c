"""Media types: what a body is (Content-Type) and what may be answered (Accept), RFC 9110 8.3 and 12.5.1."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type with its parameters, names in lower case."""

    name: str
    """``multipart/related``; empty where the header is missing or is none."""
    parameters: dict[str, str] = field(default_factory=dict)


_MAX_HEADER = 1000
"""Longer headers name nothing we take, and are not read."""
_PARAMETER = re.compile(r';[ \t]*([!#$%&\'*+.^`|~\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))[ \t]*', re.ASCII)
"""RFC 9110 5.6.6; each alternative begins with another character, so that matching is linear."""


def media_type(header: str) -> MediaType:
    """Return the media type of a Content-Type header."""
    if len(header) > _MAX_HEADER:
        return MediaType("")
    name, found, rest = header.partition(";")
    name = name.strip().lower()
    known = {
        key.lower(): re.sub(r"\\(.)", r"\1", quoted) if quoted else plain
        for key, quoted, plain in _PARAMETER.findall(found + rest)
    }
    return MediaType(name if "/" in name else "", known)


def preferred(accept: str, offered: Sequence[str]) -> str | None:
    """Return the offered media type that an Accept header prefers; of equals the first; None where it takes none."""
    if len(accept) > _MAX_HEADER:
        return None
    wanted = [_wish(part) for part in accept.split(",") if part.strip()] or [("*/*", 1.0)]
    quality, index = max(((_quality(name, wanted), -index) for index, name in enumerate(offered)), default=(0.0, 0))
    return offered[-index] if quality > 0 else None


def _wish(part: str) -> tuple[str, float]:
    kind = media_type(part)
    try:
        return kind.name, float(kind.parameters.get("q", "1"))
    except ValueError:
        return kind.name, 0.0


def _quality(name: str, wanted: Sequence[tuple[str, float]]) -> float:
    """Return the quality of the most specific wish that covers ``name``."""
    for pattern in (name, name.partition("/")[0] + "/*", "*/*"):
        found = [quality for wish, quality in wanted if wish == pattern]
        if found:
            return max(found)
    return 0.0
