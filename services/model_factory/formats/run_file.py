"""``results.json`` of a run folder: written once, read by report, card and bundle."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from services.model_factory.handlers.training.results import Provenance, RunResults
from shared.domain.errors import InvalidInputError

RESULTS_NAME = "results.json"
_RESULTS = TypeAdapter(RunResults)
_PROVENANCE = TypeAdapter(Provenance)


def to_bytes(results: RunResults) -> bytes:
    """Return the file; the same results give the same bytes."""
    return _RESULTS.dump_json(results, indent=1) + b"\n"


def read_results(run: Path) -> RunResults:
    """Return the results of the run folder ``run``.

    Raises:
        InvalidInputError: If the folder holds no finished run, or the file is not one of ours.
    """
    file = run / RESULTS_NAME
    if not file.is_file():
        raise InvalidInputError(run.name, f"holds no {RESULTS_NAME}: the run is not finished, or this is no run folder")
    try:
        return _RESULTS.validate_json(file.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InvalidInputError(RESULTS_NAME, f"{place}: {first['msg']}") from error


def provenance_bytes(results: RunResults) -> bytes:
    """Return ``provenance.json`` of a bundle: every input's sha256, preset, seed, sizes and software of its run."""
    return _PROVENANCE.dump_json(results.provenance, indent=1) + b"\n"
