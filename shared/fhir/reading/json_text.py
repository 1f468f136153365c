"""FHIR JSON, bounded: UTF-8, depth, duplicate keys, numbers; decimals keep their digits."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shared.fhir.reading.refusal import IssueCode, MalformedError

JsonObject = dict[str, Any]

# FHIR R4 datatypes: a decimal need not be kept beyond 18 significant digits; this leaves room and ends well before
# 1e400, which no double can hold.
MAX_DIGITS = 40
MAX_EXPONENT = 40

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
# FHIR R4 string: no characters below U+0020 but tab, CR and LF; half a surrogate pair is no character at all.
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class JsonLimits:
    """What a document may be."""

    max_bytes: int = 5_000_000
    max_depth: int = 64
    max_elements: int = 250_000


def parse(data: bytes, limits: JsonLimits) -> JsonObject:
    """Return the JSON object in ``data``, every fraction as ``Decimal``.

    Raises:
        MalformedError: If it is too large, not UTF-8, not JSON, too deep, not an object, repeats a key, or carries
            a number no double can hold.
    """
    if len(data) > limits.max_bytes:
        raise _refused(IssueCode.TOO_LONG, f"the body is larger than {limits.max_bytes} bytes")
    tree = _loads(_text(data))
    if not isinstance(tree, dict):
        raise _refused(IssueCode.STRUCTURE, "the body is not a JSON object")
    _check(tree, limits)
    return tree


def load(text: str) -> JsonObject:
    """Return what ``canonical`` wrote."""
    tree: JsonObject = json.loads(text, parse_float=Decimal)
    return tree


def canonical(value: Any) -> str:
    """Return the one JSON text of ``value``: keys sorted, decimals with the digits they came with."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{canonical(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value)


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refused(IssueCode.STRUCTURE, f"not UTF-8 at byte {error.start}") from None


def _loads(text: str) -> Any:
    try:
        return json.loads(
            text, parse_float=Decimal, parse_int=_integer, parse_constant=Decimal, object_pairs_hook=_unique
        )
    except json.JSONDecodeError as error:
        raise _refused(IssueCode.STRUCTURE, f"not JSON at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise _refused(IssueCode.STRUCTURE, "nested far too deep") from None


def _integer(text: str) -> int | Decimal:
    # Python refuses to convert very long integers; as a decimal it is found, with its path, by the walk below.
    return int(text) if len(text) <= MAX_DIGITS else Decimal(text)


def _unique(pairs: list[tuple[str, Any]]) -> JsonObject:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        name = twice if _NAME.fullmatch(twice) else "a key"
        raise _refused(IssueCode.STRUCTURE, f"the same object states {name} twice")
    return found


def _check(tree: JsonObject, limits: JsonLimits) -> None:
    for count, (place, value) in enumerate(_walk(tree)):
        if place.depth > limits.max_depth:
            raise _refused(IssueCode.STRUCTURE, f"nested deeper than {limits.max_depth} levels")
        if count > limits.max_elements or (isinstance(value, list) and len(value) > limits.max_elements):
            raise _refused(IssueCode.TOO_LONG, f"more than {limits.max_elements} elements")
        if isinstance(value, Decimal) and not _usable(value):
            raise MalformedError(place.path(tree), IssueCode.VALUE, "not a number that can be represented")
        if isinstance(value, str) and _NOT_TEXT.search(value):
            raise MalformedError(place.path(tree), IssueCode.STRUCTURE, "holds characters that are not text")


def _usable(value: Decimal) -> bool:
    if not value.is_finite() or len(value.as_tuple().digits) > MAX_DIGITS:
        return False
    return value == 0 or abs(value.adjusted()) <= MAX_EXPONENT


@dataclass(frozen=True, slots=True)
class _Place:
    depth: int
    key: str | int = ""
    parent: _Place | None = None

    def path(self, tree: JsonObject) -> str:
        if self.parent is None:
            root = tree.get("resourceType")
            return root if isinstance(root, str) and _NAME.fullmatch(root) else "Resource"
        if isinstance(self.key, int):
            return f"{self.parent.path(tree)}[{self.key}]"
        return f"{self.parent.path(tree)}.{self.key if _NAME.fullmatch(self.key) else 'element'}"


def _walk(tree: JsonObject) -> Iterator[tuple[_Place, Any]]:
    waiting: list[tuple[_Place, Any]] = [(_Place(1), tree)]
    while waiting:
        place, value = waiting.pop()
        yield place, value
        if isinstance(value, dict):
            waiting += [(_Place(place.depth + 1, key, place), child) for key, child in value.items()]
        elif isinstance(value, list):
            waiting += [(_Place(place.depth + 1, index, place), child) for index, child in enumerate(value)]


def _refused(code: IssueCode, reason: str) -> MalformedError:
    return MalformedError("Resource", code, reason)
