"""Second opinion on FHIR JSON: google-fhir-r4, in an environment of its own because it pins an old protobuf."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_ENVIRONMENT = _ROOT / ".venvs" / "google-fhir"
_JUDGE = _ROOT / "tests" / "peers" / "google_judge.py"
_REQUIREMENT = "google-fhir-r4==0.11.0"
_TIMEOUT_S = 600


def install_google() -> Path:
    """Make the environment unless it is there; return its Python."""
    python = _ENVIRONMENT / "bin" / "python"
    marker = _ENVIRONMENT / "installed"
    _ENVIRONMENT.parent.mkdir(exist_ok=True)
    with (_ENVIRONMENT.parent / ".google-fhir.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not marker.exists():
            _call(sys.executable, "-m", "venv", str(_ENVIRONMENT))
            _call(str(python), "-m", "pip", "install", "--quiet", _REQUIREMENT)
            marker.touch()
    return python


def google_errors(folder: Path, resources: Mapping[str, bytes]) -> dict[str, str]:
    """Return the defects google-fhir-r4 finds, by name; judged files are left in ``folder``.

    It knows required elements, unknown fields, required codes, dates and reference types; not ras-2, not obs-6, not two
    types of one choice.
    """
    paths = {name: folder / f"{name}.json" for name in resources}
    for name, path in paths.items():
        path.write_bytes(resources[name])
    command = [str(install_google()), str(_JUDGE), *map(str, paths.values())]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=_TIMEOUT_S)
    verdicts = [json.loads(line) for line in answer.stdout.splitlines()]
    return {name: row["error"] for name, row in zip(paths, verdicts, strict=True) if row["error"]}


def _call(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT_S)
