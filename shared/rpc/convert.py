"""Domain value <-> protobuf message, by equal field names.

The frozen dataclasses of ``shared.domain`` and the messages of ``proto`` name their fields alike, so one generic
translation serves all of them: protobuf's own JSON mapping on one side, pydantic's ``TypeAdapter`` on the other.
Enum values lose their prefix on the way in (``SEX_FEMALE`` -> ``female``); an unspecified enum or an absent message
is None.
"""

from __future__ import annotations

from typing import Any, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message
from pydantic import TypeAdapter, ValidationError

from shared.domain.errors import InvalidInputError

T = TypeVar("T")
M = TypeVar("M", bound=Message)


_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def from_message(message: Message, kind: type[T]) -> T:
    """Return the domain value of ``message``.

    Raises:
        InvalidInputError: If the message misses a required part or carries an impossible value; names the field.
    """
    tree = _strip(MessageToDict(message, preserving_proto_field_name=True), message.DESCRIPTOR)
    for field in message.DESCRIPTOR.fields:
        # proto3 cannot tell an empty string from none: plain scalars are always stated, defaults included.
        _fill_defaults(tree, field)
    try:
        value: T = _adapter(kind).validate_python(tree)
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInputError(".".join(str(part) for part in first["loc"]) or kind.__name__, first["msg"]) from error
    return value


def to_message(value: Any, kind: type[M]) -> M:
    """Return the message of ``kind`` that carries the dataclass ``value``."""
    tree = _adapter(type(value)).dump_python(value, mode="json", exclude_none=True)
    return ParseDict(_prefix(tree, kind.DESCRIPTOR), kind())


def _is_enum(field: Any) -> bool:
    return field.enum_type is not None


def _enum_prefix(enum: Any) -> str:
    return str(enum.values[0].name).removesuffix("UNSPECIFIED")


def _is_plain_message(field: Any) -> bool:
    return field.message_type is not None and not field.message_type.full_name.startswith("google.protobuf.")


def _strip(tree: dict[str, Any], descriptor: Any) -> dict[str, Any]:
    for name, value in list(tree.items()):
        field = descriptor.fields_by_name[name]
        if _is_enum(field):
            tree[name] = value.removeprefix(_enum_prefix(field.enum_type)).lower()
        elif _is_plain_message(field):
            tree[name] = _each(value, field, _strip_filled)
    return tree


def _strip_filled(tree: dict[str, Any], descriptor: Any) -> dict[str, Any]:
    tree = _strip(tree, descriptor)
    for field in descriptor.fields:
        _fill_defaults(tree, field)
    return tree


def _fill_defaults(tree: dict[str, Any], field: Any) -> None:
    if field.name in tree:
        return
    if field.is_repeated:
        # An empty list means "none": a pair such as an interval is then absent.
        tree[field.name] = None if field.type == FieldDescriptor.TYPE_DOUBLE else []
    elif field.message_type is not None or _is_enum(field) or field.has_presence:
        tree[field.name] = None
    else:
        tree[field.name] = field.default_value


def _prefix(tree: dict[str, Any], descriptor: Any) -> dict[str, Any]:
    for name, value in list(tree.items()):
        field = descriptor.fields_by_name[name]
        if _is_enum(field):
            tree[name] = _enum_prefix(field.enum_type) + str(value).upper()
        elif _is_plain_message(field):
            tree[name] = _each(value, field, _prefix)
    return tree


def _each(value: Any, field: Any, step: Any) -> Any:
    if field.is_repeated:
        return [step(item, field.message_type) for item in value]
    return step(value, field.message_type)
