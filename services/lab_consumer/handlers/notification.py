"""What a Subscription's notification names. Pure: it is a hint, and nothing it carries is believed.

Sources: FHIR R4 Subscription (rest-hook: an empty body, or the resource); Subscriptions R5 Backport 1.1, "R4
notification" (Bundle of type history, first entry Parameters); R4B's SubscriptionStatus in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from services.lab_consumer.handlers.judge import USED_TYPES
from shared.fhir.reading.elements import objects
from shared.fhir.reading.json_text import JsonObject
from shared.fhir.reading.refusal import IssueCode, MalformedError

_TAIL = re.compile(r"(?:^|/)([A-Z][A-Za-z]{1,63})/([A-Za-z0-9.\-]{1,64})(?:/_history/[A-Za-z0-9.\-]{1,64})?$")
"""``Type/id`` at the end of a reference; the server before it is not looked at."""
_LONGEST = 2000
KINDS = frozenset({"handshake", "heartbeat", "event-notification", "query-status", "query-event"})

Target = tuple[str, str]
"""(type, id) of a resource."""


@dataclass(frozen=True, slots=True)
class Notification:
    """What came. No targets: something changed, and polling finds out what."""

    targets: tuple[Target, ...]
    kind: str = ""
    """As the backport's ``type``; empty: classic."""
    subscription: str = ""
    first: int = 0
    """Number of the first event it holds; 0: it holds none, or does not count."""
    last: int = 0
    """Events since the subscription began, this one included."""


def read_notification(tree: JsonObject) -> Notification:
    """Read the body of a notification.

    Raises:
        MalformedError: If it is a Bundle and no notification.
    """
    if tree.get("resourceType") != "Bundle":
        return Notification(_used([_own(tree)]))
    entries = list(objects(tree.get("entry", [])))
    status = _status(entries)
    kind = str(status.get("type", ""))
    if kind not in KINDS:
        raise MalformedError("Bundle.entry[0].resource", IssueCode.NOT_SUPPORTED, "not a type of notification we know")
    events = status.get("notificationevent", [])
    numbers = [number for number in (_number(event.get("eventnumber")) for event in events) if number]
    last = max([_number(status.get("eventssincesubscriptionstart")), *numbers])
    foci = [target(event.get("focus")) for event in events]
    named = [found for entry in entries[1:] for found in _named(entry)]
    targets = _used([*foci, *named]) if kind in ("event-notification", "query-event") else ()
    return Notification(targets, kind, str(status.get("subscription", "")), min(numbers, default=0), last)


def target(reference: Any) -> Target | None:
    """Return type and id at the end of a reference or URL."""
    found = _TAIL.search(reference) if isinstance(reference, str) and len(reference) <= _LONGEST else None
    return (found[1], found[2]) if found else None


def _own(resource: Any) -> Target | None:
    if not isinstance(resource, dict):
        return None
    return target(f"{resource.get('resourceType')}/{resource.get('id')}")


def _named(entry: JsonObject) -> Iterator[Target | None]:
    request = entry.get("request")
    yield _own(entry.get("resource")) or target(entry.get("fullUrl"))
    yield target(request.get("url")) if isinstance(request, dict) else None


def _used(found: Iterable[Target | None]) -> tuple[Target, ...]:
    return tuple(dict.fromkeys(row for row in found if row and row[0] in USED_TYPES))


def _status(entries: list[JsonObject]) -> dict[str, Any]:
    """Return the status as one object, names in lower case without hyphens, references as text."""
    stated = entries[0].get("resource") if entries else None
    resource: JsonObject = stated if isinstance(stated, dict) else {}
    kind = resource.get("resourceType")
    if kind == "Parameters":
        return _parameters(resource.get("parameter", []))
    if kind == "SubscriptionStatus":
        flat = _plain(resource)
        return flat | {"notificationevent": [_plain(row) for row in objects(resource.get("notificationEvent", []))]}
    raise MalformedError(
        "Bundle.entry[0].resource", IssueCode.REQUIRED, "a notification begins with Parameters or a SubscriptionStatus"
    )


def _parameters(rows: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"notificationevent": []}
    for row in objects(rows):
        name = _key(str(row.get("name", "")))
        if name == "notificationevent":
            found[name].append(_parameters(row.get("part", [])))
        else:
            found[name] = next((_text(value) for key, value in row.items() if key.startswith("value")), "")
    return found


def _plain(resource: JsonObject) -> dict[str, Any]:
    return {_key(name): _text(value) for name, value in resource.items()}


def _text(value: Any) -> Any:
    return value.get("reference", "") if isinstance(value, dict) else value


def _key(name: str) -> str:
    return name.replace("-", "").lower()


def _number(value: Any) -> int:
    """Return a count of events; FHIR R4 writes integer64 as a string. 0 where it is none."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0
