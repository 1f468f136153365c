"""Simulated dynamic studies as files, for tests of whoever reads them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from shared.dicom.stored_object import StoredObject
from shared.phantoms.dce.attributes import StudyLabel
from shared.phantoms.dce.patient import SimulatedStudy, make_patient
from shared.phantoms.dce.scanners import Scanner, Storing, small_scanner
from shared.phantoms.dce.storing import dynamic_objects
from shared.phantoms.dce.tumour import Lesion
from shared.phantoms.dce.writing import write_objects

LABEL = StudyLabel("dynamic study")


def simulated_study(storing: Storing = Storing.TEMPORAL_POSITIONS, scanner: Scanner | None = None) -> SimulatedStudy:
    """Return a small study with one lesion of 25 mm."""
    return make_patient(np.random.default_rng(1), scanner or small_scanner(storing), Lesion(0.0, 25.0))


def objects_of(study: SimulatedStudy) -> tuple[Dataset, ...]:
    """Return the study's objects; the caller may change them."""
    return dynamic_objects(study, LABEL)


def stored(objects: Iterable[Dataset], folder: Path) -> tuple[StoredObject, ...]:
    """Write the objects; return where they lie."""
    return tuple(StoredObject(path, blob_uri=path.as_uri()) for path in write_objects(tuple(objects), folder))
