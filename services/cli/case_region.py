"""``oncorelay case ID save-region``: the region of a case as a file that viewers lay over the series."""

from __future__ import annotations

from pathlib import Path

from services.results.config import Settings
from shared.domain.case import CaseDetail
from shared.domain.errors import InvalidInputError, NotFoundError
from shared.domain.images import Artefact, ArtefactKind


def save_region(detail: CaseDetail, out: Path) -> str:
    """Write the region that waits, else the one of the newest answer, as NRRD (LPS); return which one it is.

    Raises:
        NotFoundError: If the case has none.
        InvalidInputError: If the blob store is not on this machine.
    """
    from shared.imaging.artefacts import decode_region
    from shared.imaging.nrrd import nrrd
    from shared.storage.blobs import LocalBlobs

    which, stored = _region(detail)
    try:
        content = LocalBlobs(Settings().site.blob_folder).read(stored.blob_uri)
    except NotFoundError as error:
        text = "the region is not in it: run this on the machine with the folder that inference writes to"
        raise InvalidInputError("data_folder", text) from error
    out.write_bytes(nrrd(decode_region(content)))
    return which


def _region(detail: CaseDetail) -> tuple[str, Artefact]:
    if detail.proposed:
        return "the region that waits for a person", detail.proposed.artefact
    for finding in reversed(detail.findings):
        for one in finding.prediction.artefacts if finding.prediction else ():
            if one.kind is ArtefactKind.REGION:
                return "the region that was measured", one
    raise NotFoundError("region", f"in case {detail.case.case_id[:12]}")
