"""Where what is stored beside the answers of a case lies: one folder per case, so that erasing a case misses nothing.

A worker stores before it reports: what it stored for a report that never came is in no ledger, and in this folder.
"""

from __future__ import annotations

import re
from pathlib import Path

from shared.domain.errors import InvalidInputError
from shared.storage.blobs import LocalBlobs

SCHEME = "artefacts"
"""``artefacts:CASE_ID``: everything of one case, as the eraser is told."""
_CASE_ID = re.compile(r"[0-9A-Za-z-]{1,128}")


def artefact_store(root: Path, case_id: str) -> LocalBlobs:
    """Return the store of one case below the blob store's ``root``.

    Raises:
        InvalidInputError: If that is no case id.
    """
    if not _CASE_ID.fullmatch(case_id):
        raise InvalidInputError("case_id", "is none")
    return LocalBlobs(root / SCHEME / case_id)
