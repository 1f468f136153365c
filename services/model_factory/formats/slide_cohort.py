"""Read a cohort of slides by its manifest; the slides themselves are opened, and their content checked, later."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from services.model_factory.formats.cohort_lines import PatientLine, file_below, flow_of, lines_of, plain
from services.model_factory.formats.cohort_manifest import SlidesManifest, TherapyPart, read_slides_manifest
from services.model_factory.handlers.cohort.slides import LEVEL_NAMES, RCB, SlideCohort, SlideFiles
from services.model_factory.handlers.cohort.typed import Counts, Source
from shared.domain.errors import InvalidInputError

_Read = Callable[[PatientLine, TherapyPart], int]
_SHA256 = re.compile(r"[0-9a-f]{64}")
POSITIVE_LEVELS = frozenset({"2+/FISH+", "3+"})
"""IHC 3+, or 2+ with FISH amplification: HER2-positive (ASCO-CAP 2018, affirmed 2023)."""


def read_slide_cohort(manifest_path: Path) -> SlideCohort:
    """Read the cohort ``manifest_path`` describes.

    Raises:
        InvalidInputError: If anything does not fit, or a file is not there or lies elsewhere; names sheet, row and
            column, never a value of a patient and never the name of a slide's file, which may be one.
    """
    manifest, content = read_slides_manifest(manifest_path)
    # Sheets are joined by the slide: a patient may have several.
    lines, sources = lines_of(manifest_path.parent, manifest.table, manifest.slides.file, tuple(_needed(manifest)))
    outcome = manifest.outcome
    kept, flow = flow_of(lines, manifest.exclude, outcome.status, outcome.event, "slides in the sheet")
    if not kept:
        raise InvalidInputError(manifest_path.name, "no slide is left after the exclusions")
    events = np.array([_happened(line, manifest) for line in kept], dtype=np.bool_)
    slides = tuple(_files(line, manifest, manifest_path.parent) for line in kept)
    _refuse_twice(kept, slides, manifest)
    return SlideCohort(
        name=manifest.name,
        description=manifest.description,
        simulated=manifest.simulated,
        event=outcome.code,
        event_display=outcome.display,
        patients=tuple(_patient(line, manifest.patient) for line in kept),
        events=events,
        slides=slides,
        levels=np.array([_level(line, manifest, positive=bool(one)) for line, one in zip(kept, events, strict=True)]),
        sites=tuple(line.cells[manifest.slides.site] if manifest.slides.site else "" for line in kept),
        learned_from=np.array([_learned(line, manifest) for line in kept], dtype=np.bool_),
        non_pcr=_each(kept, manifest.therapy, _non_pcr),
        rcb=_each(kept, manifest.therapy, _rcb),
        flow=flow,
        sources=(Source(manifest_path.name, hashlib.sha256(content).hexdigest()), *sources),
    )


def content_sha256(path: Path) -> str:
    """Return the sha256 (hex) of a file, or of all files of a folder in the order of their names.

    Raises:
        InvalidInputError: If it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        for file in sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]:
            with file.open("rb") as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
    except OSError as error:
        raise InvalidInputError("slide", "cannot be read") from error
    return digest.hexdigest()


def _needed(manifest: SlidesManifest) -> Iterator[str]:
    slides, therapy = manifest.slides, manifest.therapy
    yield from (manifest.patient, manifest.outcome.status)
    yield from (part.column for part in manifest.exclude)
    named = (slides.sha256, slides.annotation, slides.level, slides.scanner, slides.site, slides.microns_per_pixel)
    yield from (header for header in named if header)
    if therapy:
        yield from (header for header in (therapy.pcr, therapy.rcb) if header)


def _patient(line: PatientLine, header: str) -> str:
    if not line.cells[header]:
        raise InvalidInputError(line.place(header), "is empty")
    return line.cells[header]


def _happened(line: PatientLine, manifest: SlidesManifest) -> bool:
    outcome, cell = manifest.outcome, line.cells[manifest.outcome.status]
    if cell not in (*outcome.event, *outcome.no_event):
        raise InvalidInputError(line.place(outcome.status), "tells neither that it is positive nor that it is not")
    return cell in outcome.event


def _level(line: PatientLine, manifest: SlidesManifest, *, positive: bool) -> int:
    header = manifest.slides.level
    if not header or not line.cells[header]:
        return -1
    cell = line.cells[header]
    if cell not in LEVEL_NAMES:
        raise InvalidInputError(line.place(header), f"is none of {', '.join(LEVEL_NAMES)}")
    if (cell in POSITIVE_LEVELS) != positive:
        raise InvalidInputError(line.place(header), f"contradicts the column {manifest.outcome.status}")
    return LEVEL_NAMES.index(cell)


def _learned(line: PatientLine, manifest: SlidesManifest) -> bool:
    return not manifest.learn_from or line.cells[manifest.slides.site] in manifest.learn_from


def _each(lines: Sequence[PatientLine], therapy: TherapyPart | None, read: _Read) -> Counts:
    if therapy is None:
        return np.full(len(lines), -1, dtype=np.intp)
    return np.array([read(line, therapy) for line in lines], dtype=np.intp)


def _non_pcr(line: PatientLine, therapy: TherapyPart) -> int:
    cell = line.cells[therapy.pcr]
    if cell and cell not in (*therapy.achieved, *therapy.not_achieved):
        raise InvalidInputError(line.place(therapy.pcr), "tells neither that pCR was achieved nor that it was not")
    return -1 if not cell else int(cell in therapy.not_achieved)


def _rcb(line: PatientLine, therapy: TherapyPart) -> int:
    if not therapy.rcb or not line.cells[therapy.rcb]:
        return -1
    if line.cells[therapy.rcb] not in RCB:
        raise InvalidInputError(line.place(therapy.rcb), f"is none of {', '.join(RCB)}")
    found = RCB.index(line.cells[therapy.rcb])
    known = _non_pcr(line, therapy)
    # RCB-0 is pathologic complete response (Symmans et al., J Clin Oncol 2007;25:4414-4422).
    if known >= 0 and (found == 0) == bool(known):
        raise InvalidInputError(line.place(therapy.rcb), f"contradicts the column {therapy.pcr}")
    return found


def _files(line: PatientLine, manifest: SlidesManifest, folder: Path) -> SlideFiles:
    columns = manifest.slides
    file, annotation = file_below(line, columns.file, folder), file_below(line, columns.annotation, folder)
    if file is None:
        raise InvalidInputError(line.place(columns.file), "names no slide")
    stated = line.cells[columns.sha256]
    if not _SHA256.fullmatch(stated):
        raise InvalidInputError(line.place(columns.sha256), "is no sha256 in small hexadecimal digits")
    return SlideFiles(
        file, stated, annotation, content_sha256(annotation) if annotation else "", _microns(line, manifest),
        line.cells[columns.scanner] if columns.scanner else "",
    )  # fmt: skip


def _microns(line: PatientLine, manifest: SlidesManifest) -> float | None:
    header = manifest.slides.microns_per_pixel
    if not header or not line.cells[header]:
        return None
    value = plain(line.cells[header], line.place(header))
    if not 0.1 <= value <= 2.0:
        raise InvalidInputError(line.place(header), "is not between 0.1 and 2 micrometres")
    return value


def _refuse_twice(lines: Sequence[PatientLine], slides: Sequence[SlideFiles], manifest: SlidesManifest) -> None:
    """The same picture under two names would be learned from and judged on."""
    seen: dict[str, str] = {}
    for line, one in zip(lines, slides, strict=True):
        place = line.place(manifest.slides.sha256)
        if one.sha256 in seen:
            raise InvalidInputError(place, f"the same slide stands in {seen[one.sha256]}")
        seen[one.sha256] = place
