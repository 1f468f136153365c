"""Four ways of storing the phases of one dynamic series, by the standard attributes each goes by; whole studies."""

from __future__ import annotations

from pydicom.dataset import Dataset

from shared.phantoms.dce.attributes import StudyLabel
from shared.phantoms.dce.classic import single_frames
from shared.phantoms.dce.enhanced import enhanced_object
from shared.phantoms.dce.other_series import other_objects
from shared.phantoms.dce.patient import SimulatedStudy
from shared.phantoms.dce.scanners import Storing
from shared.phantoms.dce.segmentation import segmentation_object


def dynamic_objects(study: SimulatedStudy, label: StudyLabel, first_series: int = 3) -> tuple[Dataset, ...]:
    """Return the objects of the dynamic series as ``study.scanner`` stores them, phase after phase."""
    if study.scanner.storing is Storing.ENHANCED:
        return (enhanced_object(study, label, first_series),)
    return single_frames(study, label, first_series)


def full_study(study: SimulatedStudy, label: StudyLabel, *, segmented: bool = False) -> tuple[Dataset, ...]:
    """Return everything a routed study holds: the dynamic series among the others, and its SEG where one was drawn."""
    dynamic = dynamic_objects(study, label)
    drawn = (segmentation_object(study, label, dynamic),) if segmented else ()
    return (*dynamic, *other_objects(study, label), *drawn)
