"""Same request id, same answer: the memory behind every write (AIP-155)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.results.ledger import audit
from services.results.ledger.tables import REQUEST
from shared.domain.errors import ConflictError, InvalidInputError


def once(
    connection: sa.Connection, request_id: str, method: str, now: datetime, write: Callable[[], Any], *,
    actor: str = "", case_id: str = "", patient: str = "",
) -> Any:  # fmt: skip
    """Run ``write`` unless this request id was answered before; return the (JSON-able) answer either way.

    The audit learns of every request that was carried out: by whom (``actor``), about which case or
    whom (``patient``, a keyed name).

    Raises:
        InvalidInputError: If the request id is missing.
        ConflictError: If the id was used for another method.
    """
    if not request_id:
        raise InvalidInputError("request_id", "every write needs one")
    row = connection.execute(sa.select(REQUEST).where(REQUEST.c.request_id == request_id)).first()
    if row is not None:
        if row.method != method:
            raise ConflictError(f"request {request_id} was already used for {row.method}")
        return json.loads(row.answer)
    answer = write()
    connection.execute(
        REQUEST.insert().values(request_id=request_id, method=method, answer=json.dumps(answer), created_time=now)
    )
    audit.note(connection, f"request.{method}", case_id or request_id, time=now, actor=actor or "service",
               case_id=case_id, patient=patient, request_id=request_id, answer=json.dumps(answer))  # fmt: skip
    return answer
