"""Slides with random bytes in their headers: a description or a reason, whatever they make of the readers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared.jail.codes import JailedError
from shared.jail.jail import Jail
from shared.jail.slide_session import OVERVIEW
from shared.jail.slides import DESCRIBE, LIMITS
from shared.jail.slides_tree import description_of, trouble_in
from shared.jail.slides_trouble import trouble_of
from shared.testing.slide_files import label_saying, painted, write_aperio, write_slide

MUTATIONS = 40
RGB = painted(300, 260)


@pytest.fixture(scope="module")
def jail() -> Iterator[Jail]:
    """Keep one child for many files: sound ends are not paid for with a fresh one each."""
    jail = Jail([DESCRIBE, OVERVIEW], replace(LIMITS, memory_mb=512, window_mb=32, tasks_per_child=1000, wall_s=20.0))
    yield jail
    jail.close()


def _outcome(jail: Jail, path: Path) -> str:
    try:
        answer = jail.call(DESCRIBE, {"paths": [str(path)], "container": "S1"})
        if trouble_in(answer) is not None:
            return "refused"
        description_of(answer)
        small = jail.call(OVERVIEW, {"paths": [str(path)], "um": 8.0, "um_per_px": 0.5})
        return "read" if trouble_in(small) is None else "unreadable"
    except JailedError as error:
        return trouble_of(error.code).text


@pytest.mark.parametrize("kind", ["tiff", "aperio", "jpeg2000"])
def test_random_bytes_in_a_header_end_in_a_description_or_a_reason(jail: Jail, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "whole.tiff"
    if kind == "aperio":
        write_aperio(path, RGB, label_saying("S1"))
    else:
        write_slide(path, RGB, levels=2, compression="adobe_deflate" if kind == "tiff" else kind)
    whole, chance = path.read_bytes(), random.Random(kind)
    outcomes = set()
    for number in range(MUTATIONS):
        mutated = bytearray(whole)
        for _ in range(chance.randint(1, 12)):
            mutated[chance.randrange(4, 700)] = chance.randrange(256)
        path = tmp_path / f"{number}.tiff"  # the child keeps a slide it has open
        path.write_bytes(mutated)
        outcomes.add(_outcome(jail, path))
        path.unlink()
    assert len(outcomes) > 1
