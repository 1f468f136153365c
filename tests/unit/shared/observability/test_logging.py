"""A log line is a constant with fields: what exceptions, warnings and libraries say about their input is withheld."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

SECRET = "DOE^JANE"
_START = f"""
import logging, sys, threading, warnings, structlog
from shared.observability.logging import configure
configure("one")
log = structlog.get_logger("oncorelay.one")
SECRET = "{SECRET}"
"""


def logged(body: str, **environment: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-c", _START + body], capture_output=True, text=True, timeout=60, check=False,
        env=os.environ | environment,
    )  # fmt: skip
    assert SECRET not in done.stderr + done.stdout
    return [json.loads(line) for line in done.stderr.splitlines()]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("logging.getLogger('pydicom').warning(f'bad value {SECRET}')", {"event": "text withheld"}),
        ("logging.getLogger('pydicom').warning('bad value %s', SECRET)", {"event": "bad value %s"}),
        ("logging.getLogger('celery.app.trace').error('Task %(x)s', {'x': SECRET})", {"event": "Task %(x)s"}),
        ("logging.getLogger('celery').error('Closing')", {"event": "Closing"}),
        ("warnings.warn(SECRET)", {"event": "warned", "category": "UserWarning"}),
        ("threading.Thread(target=lambda: int(SECRET)).start()", {"event": "uncaught", "error": "ValueError"}),
        ("int(SECRET)", {"event": "uncaught", "error": "ValueError"}),
        (
            "try:\n  int(SECRET)\nexcept ValueError:\n  log.exception('broke')",
            {"event": "broke", "error": "ValueError"},
        ),
        (
            "try:\n  int(SECRET)\nexcept ValueError:\n  logging.getLogger('grpc').exception('called %s', SECRET)",
            {"event": "called %s", "error": "ValueError"},
        ),
    ],
)
def test_what_may_quote_a_patient_is_withheld_and_its_place_is_told(body: str, said: dict[str, str]) -> None:
    (line,) = logged(body)

    assert line["event"].startswith(said["event"])
    assert {key: line[key] for key in said if key != "event"} == {k: v for k, v in said.items() if k != "event"}
    assert ":" in line["place"]
    assert line["service"] == "one"


@pytest.mark.parametrize(("level", "seen"), [("", 2), ("WARNING", 1), ("DEBUG", 3), ("nonsense", 2)])
def test_the_level_of_our_own_events_is_the_operators(level: str, seen: int) -> None:
    body = "log.debug('a'); log.info('b'); log.warning('c')"

    assert len(logged(body, ONCORELAY_LOG_LEVEL=level)) == seen
