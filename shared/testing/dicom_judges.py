"""Opinions on DICOM objects by programs that are not ours: dciodvfy (dicom3tools) and dsrdump (DCMTK)."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

_ALLOWED = Path(__file__).resolve().parents[2] / "tests" / "data" / "dciodvfy_allowed.txt"
# The virtual environment has programs of the same names.
_DCIODVFY = "/usr/bin/dciodvfy"
_DSRDUMP = "/usr/bin/dsrdump"
_TIMEOUT_S = 60


def installed() -> bool:
    """Tell whether this machine has both programs."""
    return Path(_DCIODVFY).exists() and Path(_DSRDUMP).exists()


def dciodvfy_lines(path: Path) -> list[str]:
    """Return every error and warning that the reviewed allow-list does not name."""
    answer = subprocess.run([_DCIODVFY, "-new", str(path)], capture_output=True, text=True, timeout=_TIMEOUT_S)
    said = [line for line in answer.stderr.splitlines() if line.startswith(("Error", "Warning"))]
    return [line for line in said if not any(row.search(line) for row in allowed_lines())]


def allowed_lines() -> list[re.Pattern[str]]:
    """Return the allow-list: one regular expression a line; lines with ``#`` give the reasons."""
    rows = _ALLOWED.read_text(encoding="utf-8").splitlines()
    return [re.compile(row) for row in rows if row and not row.startswith("#")]


def dsrdump(path: Path) -> str:
    """Return the whole document as DCMTK reads it.

    Raises:
        subprocess.CalledProcessError: If it cannot.
    """
    command = [_DSRDUMP, "--print-all-codes", "--print-long-values", str(path)]
    answer = subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT_S)
    return answer.stdout.decode("utf-8")
