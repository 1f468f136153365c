"""Values of the ports <-> columns."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from services.slide_ingestion.ports.slides import SlideRow
from shared.domain.identity import PatientIdentity
from shared.domain.slide_orders import SlideOrder
from shared.domain.study import Study

SLIDE: TypeAdapter[SlideRow] = TypeAdapter(SlideRow)
ORDER: TypeAdapter[SlideOrder] = TypeAdapter(SlideOrder)
STUDY: TypeAdapter[Study] = TypeAdapter(Study)


def stamp(moment: datetime) -> str:
    """Return a time as text that sorts: ISO 8601, UTC, microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def digest(*parts: str) -> str:
    """Return a digest to look something up by; empty for nothing."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest() if any(parts) else ""


def whose(identity: PatientIdentity | None) -> dict[str, str]:
    """Return the columns of an identity; empty where nobody is known."""
    return {
        "authority": identity.authority if identity else "", "identifier": identity.identifier if identity else "",
    }  # fmt: skip


def slide_columns(row: SlideRow) -> dict[str, Any]:
    """Return the columns of a slide."""
    return {
        "place_digest": digest(row.door, row.place), "door": row.door, "state": row.state.value, "digest": row.digest,
        "glass_digest": digest(row.glass), "order_id": row.order_id, **whose(row.identity), "gone": row.gone,
        "seen_time": stamp(row.seen_time), "state_time": stamp(row.state_time),
        "content": SLIDE.dump_json(row).decode(),
    }  # fmt: skip


def slide_of(content: str) -> SlideRow:
    """Return the slide of a row."""
    return SLIDE.validate_json(content)
