"""The anchors' file: one JSON line per anchor, appended and synced, never rewritten."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from shared.domain.audit import Anchor
from shared.domain.errors import UnavailableError


@dataclass(frozen=True, slots=True)
class AnchorFile:
    """Appends anchors; ``shared.site.anchors`` reads them."""

    path: Path

    def write(self, anchor: Anchor) -> None:
        """Append one line, durably.

        Raises:
            UnavailableError: If the file cannot be appended to; says which.
        """
        row = {"number": anchor.number, "hash": anchor.hash, "time": anchor.time.isoformat()}
        line = json.dumps(row) + "\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(handle, line.encode())
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise UnavailableError(f"the audit's anchors cannot be written to {self.path}: {error.strerror}") from error
