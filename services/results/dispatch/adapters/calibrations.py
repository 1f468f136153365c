"""The site's calibration records, read whenever a slide is pinned: a new record needs no restart."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import structlog

from shared.bundles.keys import TrustedKeys
from shared.bundles.slide_calibration import load_calibrations
from shared.domain.prediction import BundleReference
from shared.domain.slides import Scanner, SlideCalibration

log = structlog.get_logger("oncorelay.results.dispatch")


@dataclass(frozen=True, slots=True)
class CalibrationFolder:
    """``Calibrations`` over a folder of signed records; None: the site has none."""

    folder: Path | None
    keys: TrustedKeys

    def choose(self, bundle: BundleReference, scanner: Scanner) -> tuple[SlideCalibration | None, tuple[str, ...]]:
        """Return the record for this bundle and scanner; and, where there is none, what may be the reason."""
        found = load_calibrations(self.folder, self.keys)
        for problem in found.problems:
            log.warning("calibration_refused", reason=problem)
        return found.choose(bundle, scanner)
