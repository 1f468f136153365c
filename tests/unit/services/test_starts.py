"""What a process does not need to start is not loaded: it would be paid for at every start, on every machine."""

from __future__ import annotations

import subprocess
import sys

import pytest

_STARTED = """
import sys
from importlib import import_module
module, sys.argv[1:] = sys.argv[1], sys.argv[2:]
import_module(f"{module}.__main__")
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def loaded_by(module: str, *arguments: str) -> set[str]:
    """Return the packages a process has loaded when it is about to start."""
    asked = [sys.executable, "-c", _STARTED, module, *arguments]
    return set(subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True).stdout.split())


@pytest.mark.parametrize(
    ("asked", "needed", "idle"),
    [
        (["services.results.deliver"], {"pydicom", "sqlalchemy"}, {"alembic", "scipy", "celery", "onnxruntime"}),
        (["services.results.dispatch"], {"celery", "sqlalchemy"}, {"alembic", "scipy", "pydicom", "onnxruntime"}),
        (["services.inference", "explain"], {"grpc"}, {"celery", "redis", "scipy", "PIL", "pydicom", "sqlalchemy"}),
    ],
    ids=["deliver", "dispatch", "explain"],
)
def test_a_process_loads_what_it_runs_on_and_not_what_others_run_on(
    asked: list[str], needed: set[str], idle: set[str]
) -> None:
    loaded = loaded_by(*asked)

    assert sorted(needed - loaded) == []
    assert sorted(idle & loaded) == []
