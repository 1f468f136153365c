"""All studies of a cohort measured by several processes; what is kept is not measured again."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from services.model_factory.adapters.breast_studies import StudyMeasuring
from services.model_factory.handlers.cohort.imaged import StudyFiles
from services.model_factory.handlers.imaged.measured import MeasuredStudy
from services.model_factory.ports import Steps

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")
"""One per process: the processes share the cores already."""


def measure_all(
    measuring: StudyMeasuring, studies: tuple[StudyFiles, ...], processes: int, steps: Steps
) -> list[MeasuredStudy | str]:
    """Return every study in numbers, in order; a text where it cannot be measured.

    Raises:
        InvalidInputError: If a file cannot be read.
    """
    measuring.folder.mkdir(parents=True, exist_ok=True)
    if processes > 1:
        with ProcessPoolExecutor(processes, get_context("spawn"), alone) as pool:
            for done in as_completed([pool.submit(_measure, measuring, one) for one in studies]):
                done.result()
                steps()
        return [measuring(one) for one in studies]
    found = []
    for one in studies:
        found.append(measuring(one))
        steps()
    return found


def alone() -> None:
    """Leave a process of a pool one thread."""
    for name in _THREADS:
        os.environ[name] = "1"


def _measure(measuring: StudyMeasuring, files: StudyFiles) -> None:
    """Measure and keep; the numbers are read again by whoever asked, arrays need not travel."""
    measuring(files)
