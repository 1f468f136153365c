"""How a service that cannot start ends: what passes by itself is told apart from what a person must change."""

from __future__ import annotations

import errno
import json
import subprocess
import sys

import pytest

from shared.domain.errors import ConflictError, ForbiddenError, InvalidInputError, UnavailableError
from shared.observability.process import EXIT_CANNOT_START, EXIT_TRY_AGAIN, exit_status


@pytest.mark.parametrize(
    "error",
    [
        UnavailableError("results: down"),
        OSError(errno.EADDRINUSE, "Address already in use"),
        OSError("cannot listen on 127.0.0.1:1"),
        OSError(errno.ENOSPC, "No space left on device"),
    ],
)
def test_what_may_pass_by_itself_is_tried_again(error: Exception) -> None:
    assert exit_status(error) == EXIT_TRY_AGAIN == 75


@pytest.mark.parametrize(
    "error",
    [
        InvalidInputError("[results] collect_z", "unknown key"),
        ConflictError("schema"),
        ForbiddenError("no token"),
        PermissionError(errno.EACCES, "Permission denied"),
        FileNotFoundError(errno.ENOENT, "No such file"),
    ],
)
def test_what_a_person_must_change_is_not_tried_again(error: Exception) -> None:
    assert exit_status(error) == EXIT_CANNOT_START == 78


def run(body: str) -> subprocess.CompletedProcess[str]:
    code = f"from shared.observability.process import service_main\n{body}\nservice_main('one', main)"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


def test_a_validation_error_names_places_and_repeats_no_value() -> None:
    ended = run("import pydantic\nclass M(pydantic.BaseModel):\n    a: int\ndef main():\n    M(a='hush')")

    said = json.loads(ended.stderr.splitlines()[-1])
    assert ended.returncode == EXIT_CANNOT_START
    assert said["reason"].startswith("a: ")
    assert "hush" not in ended.stderr


def test_what_a_service_writes_is_for_its_owner_only() -> None:
    ended = run("import os\ndef main():\n    print(oct(os.umask(0)))")

    assert ended.stdout.strip() == "0o77"
