"""The stability of radiomic features put together: a manifest of a cohort with images in, a report out."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np

from services.model_factory.adapters.run_folder import write_whole
from services.model_factory.adapters.stability_pool import AlteredStudies, altered_studies
from services.model_factory.formats.imaged_cohort import read_imaged_cohort
from services.model_factory.formats.stability_report import StabilityReport, stability_text, stability_tree
from services.model_factory.handlers.stability.assessing import assessed
from services.model_factory.ports import Progress
from shared.domain.errors import InvalidInputError
from shared.predictors.imaging import RadiomicsSettings
from shared.radiomics.engine import required_engine
from shared.radiomics.names import wanted_names
from shared.radiomics.parameters import settings_sha256

JSON_NAME, TEXT_NAME = "stability.json", "stability.txt"


def report_stability(
    manifest: Path, out: Path, features: tuple[str, ...], patients: int | None, processes: int, progress: Progress
) -> str:
    """Write ``stability.json`` and ``stability.txt`` into ``out`` and return the text.

    Args:
        manifest: Of a cohort with images.
        out: Folder; is made.
        features: Names; none for all 1781.
        patients: The first so many of the sheet; None: everybody.
        processes: How many measure at once.
        progress: Who watches.

    Raises:
        InvalidInputError: If the cohort, a file or a name does not fit, or nobody's images can be measured.
        NotFoundError: If radiomics is not installed.
    """
    settings, cohort = RadiomicsSettings(), read_imaged_cohort(manifest)
    names = wanted_names(settings.preset, features)
    engine, studies = required_engine().version, cohort.studies[:patients]
    with progress.stage("patients measured", len(studies)) as step:
        found = altered_studies(AlteredStudies(settings, names), studies, processes, step)
    measured = [place for place, one in enumerate(found) if not isinstance(one, str)]
    left = Counter(one for one in found if isinstance(one, str))
    if not measured:
        raise InvalidInputError(manifest.name, "the images of nobody can be measured")
    rows = assessed(names, [one for one in found if not isinstance(one, str)], np.asarray(cohort.events[measured]))
    report = StabilityReport(
        cohort.name, cohort.event, engine, settings_sha256(settings), len(measured), tuple(sorted(left.items())), rows
    )
    out.mkdir(parents=True, exist_ok=True)
    text = stability_text(report)
    write_whole(out / JSON_NAME, (json.dumps(stability_tree(report), indent=1, allow_nan=False) + "\n").encode())
    write_whole(out / TEXT_NAME, text.encode())
    return text
