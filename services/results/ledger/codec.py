"""Domain value <-> JSON text in a column; canonical, so that equal values give equal texts and digests."""

from __future__ import annotations

import hashlib
import json
from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")
_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def dump(value: Any) -> str:
    """Return canonical JSON of a dataclass."""
    tree = _adapter(type(value)).dump_python(value, mode="json")
    return json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def load(text: str, kind: type[T]) -> T:
    """Return the dataclass of canonical JSON."""
    value: T = _adapter(kind).validate_json(text)
    return value


def digest(*parts: str) -> str:
    """Return sha256 (hex) over the parts, unambiguously joined."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
