"""``results.json`` of a run folder: written once, read by report, card and bundle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from services.model_factory.handlers.imaged.results import ImagedResults
from services.model_factory.handlers.slides.results import SlidesResults
from services.model_factory.handlers.training.results import RunResults
from services.model_factory.handlers.training.stated import Provenance
from shared.domain.errors import InvalidInputError

RESULTS_NAME = "results.json"
Results = RunResults | ImagedResults | SlidesResults
_RESULTS = TypeAdapter(RunResults)
_IMAGED = TypeAdapter(ImagedResults)
_SLIDES = TypeAdapter(SlidesResults)
_KINDS: Mapping[str, TypeAdapter[Any]] = {"images": _IMAGED, "slides": _SLIDES}
_PROVENANCE = TypeAdapter(Provenance)


def to_bytes(results: Results) -> bytes:
    """Return the file; the same results give the same bytes."""
    if isinstance(results, ImagedResults):
        return _IMAGED.dump_json(results, indent=1) + b"\n"
    if isinstance(results, SlidesResults):
        return _SLIDES.dump_json(results, indent=1) + b"\n"
    return _RESULTS.dump_json(results, indent=1) + b"\n"


def read_results(run: Path) -> Results:
    """Return the results of the run folder ``run``, of either kind.

    Raises:
        InvalidInputError: If the folder holds no finished run, or the file is not one of ours.
    """
    file = run / RESULTS_NAME
    if not file.is_file():
        unfinished = "the run is not finished (`oncorelay train ... --resume` goes on), or this is no run folder"
        raise InvalidInputError(run.name, f"holds no {RESULTS_NAME}: {unfinished}")
    content = file.read_bytes()
    kind = _KINDS.get(_kind(content), _RESULTS)
    try:
        found: Results = kind.validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InvalidInputError(RESULTS_NAME, f"{place}: {first['msg']}") from error
    return found


def read_survival_results(run: Path) -> RunResults:
    """Return the results of a run on times to an event; otherwise as ``read_results``.

    Raises:
        InvalidInputError: As there, or if the run was trained from images.
    """
    results = read_results(run)
    if not isinstance(results, RunResults):
        raise InvalidInputError(run.name, "was trained from images")
    return results


def _kind(content: bytes) -> str:
    try:
        return str(json.loads(content).get("kind", ""))
    except (ValueError, AttributeError):
        return ""


def provenance_bytes(results: Results) -> bytes:
    """Return ``provenance.json`` of a bundle: every input's sha256, preset, seed, sizes and software of its run."""
    return _PROVENANCE.dump_json(results.provenance, indent=1) + b"\n"
