"""HealthChain 0.16.1 in an environment of its own, reading Bundles with its own loader."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

VERSION = "0.16.1"
_ROOT = Path(__file__).resolve().parents[3]
_ENVIRONMENT = _ROOT / ".venvs" / "healthchain"
_READER = Path(__file__).with_name("healthchain_reader.py")
_TIMEOUT_S = 600


def observations_per_s(bundles: list[Path]) -> float:
    """Return how many Observations a second it reads; the first Bundle is its warm-up, imports are not timed."""
    command = [str(_install()), str(_READER), *map(str, bundles)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=_TIMEOUT_S)
    return float(answer.stdout.splitlines()[-1])


def _install() -> Path:
    """Make the environment unless it is there; return its Python."""
    python, marker = _ENVIRONMENT / "bin" / "python", _ENVIRONMENT / "installed"
    _ENVIRONMENT.parent.mkdir(exist_ok=True)
    with (_ENVIRONMENT.parent / ".healthchain.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not marker.exists():
            for command in (
                [sys.executable, "-m", "venv", str(_ENVIRONMENT)],
                [str(python), "-m", "pip", "install", "--quiet", f"healthchain=={VERSION}"],
            ):
                subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT_S)
            marker.touch()
    return python
