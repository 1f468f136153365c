"""Four ways of storing the phases of one dynamic series, by the standard attributes each goes by."""

from __future__ import annotations

from pydicom.dataset import Dataset

from shared.phantoms.dce.attributes import StudyLabel
from shared.phantoms.dce.classic import single_frames
from shared.phantoms.dce.enhanced import enhanced_object
from shared.phantoms.dce.patient import SimulatedStudy
from shared.phantoms.dce.scanners import Storing


def dynamic_objects(study: SimulatedStudy, label: StudyLabel, first_series: int = 3) -> tuple[Dataset, ...]:
    """Return the objects of the dynamic series as ``study.scanner`` stores them, in the order of their making."""
    if study.scanner.storing is Storing.ENHANCED:
        return (enhanced_object(study, label, first_series),)
    return single_frames(study, label, first_series)
