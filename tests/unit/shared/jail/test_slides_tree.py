"""What a child says of a slide is believed only as far as a slide could be so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.domain.errors import InvalidInputError
from shared.jail.slides_answers import overview_of, patches_of
from shared.jail.slides_tree import PatchTask, description_of, packed_description, packed_trouble, trouble_in
from shared.pathology.patch_contract import PatchContract, StainReference
from shared.pathology.stain_fit import StainFit
from shared.pathology.trouble import SlideProblem, SlideTrouble
from shared.slides.opening import opened
from shared.testing.slide_files import painted, write_slide

STAINS = StainReference((0.65, 0.7, 0.29), (0.1, 0.95, 0.29), (1.0, 1.0))
CONTRACT = PatchContract(32.0, 32, 60.0, 0.5, STAINS, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2), 4, "none")
TROUBLE = SlideTrouble(SlideProblem.UNREADABLE, "A reason.", "A remedy.")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path: Path = write_slide(tmp_path_factory.mktemp("slide") / "a.tiff", painted(300, 200), levels=2)
    reader = opened([path])
    assert not isinstance(reader, SlideTrouble)
    described = {"description": packed_description(reader.description)}
    assert description_of(described) == reader.description
    reader.close()
    return described


Lie = Callable[[dict[str, Any]], dict[str, Any]]
LIES: dict[str, Lie] = {
    "nothing": lambda one: {},
    "no width": lambda one: {**one, "width": 0},
    "a width of words": lambda one: {**one, "width": "wide"},
    "more pixels than any slide": lambda one: {**one, "width": 1 << 40},
    "a vast level": lambda one: {**one, "levels": [{"width": 1 << 30, "height": 1 << 30, "downsample": 1.0}]},
    "no level": lambda one: {**one, "levels": []},
    "a thousand levels": lambda one: {**one, "levels": one["levels"] * 1000},
    "a level larger than the slide": lambda one: {**one, "levels": [{**one["levels"][0], "downsample": 1e-9}]},
    "a level of no size": lambda one: {**one, "levels": [{**one["levels"][0], "downsample": float("nan")}]},
    "a novel for a scanner": lambda one: {**one, "scanner": {"manufacturer": "x" * 10_000, "model": ""}},
    "a thousand specimens": lambda one: {**one, "specimens": ["x"] * 1000},
    "an unknown source": lambda one: {**one, "stated": [{**one["stated"][0], "source": "rumour"}]},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_description_that_no_slide_can_have_is_refused(tree: dict[str, Any], lie: str) -> None:
    with pytest.raises(InvalidInputError):
        description_of({"description": LIES[lie](tree["description"])})


def test_trouble_is_told_and_only_in_so_many_words() -> None:
    assert trouble_in({"trouble": packed_trouble(TROUBLE)}) == TROUBLE
    assert trouble_in({"description": {}}) is None
    answers: tuple[Any, ...] = ([], "x", {"trouble": {"problem": "boredom", "text": "x"}}, {"trouble": {}})
    for answer in answers:
        with pytest.raises(InvalidInputError):
            trouble_in(answer)
    with pytest.raises(InvalidInputError):
        trouble_in({"trouble": {"problem": "unreadable", "text": "x" * 10_000}})


@pytest.mark.parametrize("um", [0.0, -1.0, float("nan"), float("inf"), "8", None])
def test_an_overview_of_no_scale_is_refused(um: object) -> None:
    rgb = np.zeros((4, 5, 3), np.uint8)
    with pytest.raises(InvalidInputError):
        overview_of({"overview": {}, "um_per_px": um}, lambda _: rgb)


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 4), (1, 4, 5, 3)])
def test_an_overview_of_no_colours_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInputError):
        overview_of({"overview": {}, "um_per_px": 8.0}, lambda _: np.zeros(shape, np.uint8))


def test_a_task_is_what_it_was_after_its_way_to_the_child() -> None:
    fit = StainFit(np.array([STAINS.haematoxylin, STAINS.eosin]), np.array([1.1, 0.9]), 0.05, 40.0, "vahadane", "no")
    task = PatchTask(512, ((0, 0), (512, 1024)), CONTRACT, fit)
    found = PatchTask.from_tree(task.tree())
    assert (found.side_px, found.corners, found.contract) == (512, task.corners, CONTRACT)
    assert found.fit is not None
    assert (found.fit.vectors == fit.vectors).all()
    assert found.fit.fallback == "no"


@pytest.mark.parametrize("kept", [[1, 0], [0, 0], [2], [-1], [True], ["0"], [0.0], None, "0"])
def test_places_that_were_not_asked_for_are_refused(kept: object) -> None:
    task = PatchTask(512, ((0, 0), (512, 0)), CONTRACT)
    with pytest.raises(InvalidInputError):
        patches_of({"kept": kept, "pixels": {}}, lambda _: np.zeros((2, 32, 32, 3), np.uint8), task)
