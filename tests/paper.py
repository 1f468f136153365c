"""Reading a PDF by a program that is not ours (poppler's ``pdftotext``)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def text_of(path: Path) -> str:
    """Return the text of a PDF as it is laid out; skips the test where poppler is not installed."""
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext is not installed (Debian: poppler-utils)")
    command = ["pdftotext", "-layout", str(path), "-"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
