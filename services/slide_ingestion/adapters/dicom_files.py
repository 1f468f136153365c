"""DICOM slides that came as files: read in the jail as the listener reads what it is sent (the port ``DicomFiles``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.slide_ingestion.adapters import jailed
from services.slide_ingestion.handlers.dicom_folder import folder_of
from services.slide_ingestion.ports.looking import DicomFolder
from shared.dicom.fingerprint import fingerprint_of
from shared.domain.identity import IdentityMap
from shared.jail.codes import JailCode, JailedError
from shared.jail.jail import Jail
from shared.jail.limits import Limits
from shared.pathology.trouble import SlideProblem, SlideTrouble

READ = f"{jailed.__name__}:{jailed.read_files.__name__}"
LIMITS = Limits(memory_mb=256, cpu_s=600, wall_s=900.0, answer_bytes=1 << 22, niceness=5)
"""Every byte is digested; the files are mapped and given back on the way."""


@dataclass(frozen=True, slots=True)
class JailedDicomFiles:
    """Borrows the jail."""

    jail: Jail
    identities: IdentityMap

    def __call__(self, paths: Sequence[Path]) -> DicomFolder | SlideTrouble:
        """Return what the files say of themselves, in their order.

        Raises:
            TemporaryError: If no child can be started.
        """
        try:
            trees = self.jail.call(READ, {"uris": [path.absolute().as_uri() for path in paths]})
        except JailedError as error:
            problem = SlideProblem.TOO_LARGE if error.code is JailCode.ANSWER_TOO_LARGE else SlideProblem.CRASHED
            return SlideTrouble(problem, "Reading the DICOM files failed.")
        reasons = [str(tree["reason"]) for tree in trees if "reason" in tree]
        if reasons:
            return SlideTrouble(SlideProblem.UNREADABLE, f"{reasons[0]}.", "Copy the slide again.")
        return folder_of([fingerprint_of(tree) for tree in trees], self.identities)
