"""Whatever a study's bytes do in the jail, images or a reason come out of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import JPEGLSLossless

from shared.dicom.breast_mri import MOST_OBJECTS, read_breast_images
from shared.dicom.stored_object import StoredObject
from shared.domain.errors import InvalidInputError
from shared.domain.identity import Side
from shared.domain.images import AutomaticRegion, RegionOrigin
from shared.imaging.dynamic import ImageProblem, ImageTrouble
from shared.imaging.region import BreastImages
from shared.jail.breast_mri import _TROUBLES, LIMITS, JailedBreastMri
from shared.jail.codes import JailCode
from shared.jail.images_tree import images_of, packed_images
from shared.jail.window import Filling, Seen, Window
from shared.phantoms.dce.patient import SimulatedStudy
from shared.testing.dynamic_study import objects_of, simulated_study, stored

SMALL = replace(LIMITS, memory_mb=512, window_mb=64)


@pytest.fixture(scope="module")
def study() -> SimulatedStudy:
    return simulated_study()


@pytest.fixture(scope="module")
def places(study: SimulatedStudy, tmp_path_factory: pytest.TempPathFactory) -> tuple[StoredObject, ...]:
    return stored(objects_of(study), tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def reader() -> Iterator[JailedBreastMri]:
    reader = JailedBreastMri(SMALL)
    yield reader
    reader.close()


def _same(one: BreastImages, other: BreastImages) -> None:
    assert one.choice == other.choice
    assert one.acquisition == other.acquisition
    assert (one.early.voxels == other.early.voxels).all()
    assert one.early.voxels.dtype == other.early.voxels.dtype
    assert one.early.grid.frames == other.early.grid.frames
    assert one.early.grid.frame_of_reference_uid == other.early.grid.frame_of_reference_uid
    assert (one.early.grid.affine == other.early.grid.affine).all()
    for a, b in ((one.pre, other.pre), (one.late, other.late)):
        assert (a is None) == (b is None)
        assert a is None or b is None or (a.voxels == b.voxels).all()
    assert (one.region.mask.bits == other.region.mask.bits).all()
    assert replace(one.region, mask=other.region.mask) == other.region or one.region.method == other.region.method


def test_the_jail_returns_what_a_bare_reading_returns(
    reader: JailedBreastMri, places: tuple[StoredObject, ...]
) -> None:
    jailed = reader.read(places, automatic=AutomaticRegion.USE)
    bare = read_breast_images(places, automatic=AutomaticRegion.USE, confirmed=None, side=None)
    assert isinstance(jailed, BreastImages)
    assert isinstance(bare, BreastImages)
    assert jailed.pre is not None
    _same(jailed, bare)


def test_a_confirmed_region_goes_in_and_comes_out(
    reader: JailedBreastMri, places: tuple[StoredObject, ...], study: SimulatedStudy
) -> None:
    jailed = reader.read(places, automatic=AutomaticRegion.NEVER, confirmed=study.mask, side=Side.LEFT)
    assert isinstance(jailed, BreastImages)
    assert jailed.region.origin is RegionOrigin.PERSON
    assert (jailed.region.mask.bits == study.mask.bits).all()
    assert jailed.pre is None


def test_a_trouble_comes_out_with_what_was_chosen(reader: JailedBreastMri, places: tuple[StoredObject, ...]) -> None:
    jailed = reader.read(places, automatic=AutomaticRegion.NEVER)
    bare = read_breast_images(places, automatic=AutomaticRegion.NEVER, confirmed=None, side=None)
    assert isinstance(jailed, ImageTrouble)
    assert jailed == bare
    assert jailed.choice is not None


def test_compressed_pixels_are_decoded_in_there(reader: JailedBreastMri, study: SimulatedStudy, tmp_path: Path) -> None:
    objects = objects_of(study)
    for one in objects:
        one.compress(JPEGLSLossless, generate_instance_uid=False)
    jailed = reader.read(stored(objects, tmp_path), automatic=AutomaticRegion.USE)
    assert isinstance(jailed, BreastImages)
    assert (jailed.early.voxels == study.phases[1].voxels).all()


def test_a_volume_larger_than_the_window_is_too_large(
    study: SimulatedStudy, tmp_path: Path, reader: JailedBreastMri
) -> None:
    objects = objects_of(study)
    for one in objects:
        one.Rows = one.Columns = 4096
    trouble = reader.read(stored(objects, tmp_path), automatic=AutomaticRegion.USE)
    assert isinstance(trouble, ImageTrouble)
    assert trouble.problem is ImageProblem.TOO_LARGE


def test_a_file_that_is_never_read_to_its_end_is_given_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = JailedBreastMri(replace(SMALL, wall_s=2.0))
    trouble = reader.read([StoredObject(tmp_path / "pipe")], automatic=AutomaticRegion.USE)
    assert isinstance(trouble, ImageTrouble)
    assert trouble.problem is ImageProblem.TOO_LARGE
    reader.close()


def test_more_objects_than_any_study_has_are_not_handed_over(reader: JailedBreastMri) -> None:
    trouble = reader.read([StoredObject(Path("/nowhere"))] * (MOST_OBJECTS + 1), automatic=AutomaticRegion.USE)
    assert isinstance(trouble, ImageTrouble)
    assert trouble.problem is ImageProblem.TOO_LARGE


def test_every_end_of_a_child_has_a_reason() -> None:
    assert set(_TROUBLES) == set(JailCode)
    assert {problem for problem, _ in _TROUBLES.values()} == {ImageProblem.UNREADABLE_PIXELS, ImageProblem.TOO_LARGE}


@pytest.fixture(scope="module")
def packed(places: tuple[StoredObject, ...]) -> tuple[dict[str, Any], Seen]:
    images = read_breast_images(places, automatic=AutomaticRegion.USE, confirmed=None, side=None)
    window = Window(1 << 22)
    tree = packed_images(images, Filling(os.dup(window.descriptor), 1 << 22))
    return tree, window.open()


Lie = Callable[[dict[str, Any]], dict[str, Any]]
LIES: dict[str, Lie] = {
    "no tree": lambda tree: {},
    "half a tree": lambda tree: {key: tree[key] for key in ("early", "choice")},
    "a flat affine": lambda tree: {**tree, "early": {**tree["early"], "affine": np.zeros((4, 4)).tolist()}},
    "an affine of words": lambda tree: {**tree, "early": {**tree["early"], "affine": [["x"] * 4] * 4}},
    "an endless affine": lambda tree: {**tree, "early": {**tree["early"], "affine": [[1e999] * 4] * 4}},
    "too few frames": lambda tree: {**tree, "early": {**tree["early"], "frames": tree["early"]["frames"][:2]}},
    "frames of nothing": lambda tree: {**tree, "early": {**tree["early"], "frames": 5}},
    "a place behind the end": lambda tree: {
        **tree, "pre": {**tree["pre"], "values": {**tree["pre"]["values"], "offset": 1 << 50}},
    },
    "a flat volume": lambda tree: {
        **tree, "early": {**tree["early"], "values": {**tree["early"]["values"], "shape": [10, 10]}},
    },
    "an unknown origin": lambda tree: {**tree, "region": {**tree["region"], "origin": "heaven"}},
    "an unknown role": lambda tree: {**tree, "choice": {**tree["choice"], "phases": [{"role": "none"}]}},
    "an unknown problem": lambda tree: {"trouble": {"problem": "boredom", "text": "x"}},
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_tree_that_lies_is_refused(packed: tuple[dict[str, Any], Seen], lie: str) -> None:
    tree, seen = packed
    assert isinstance(images_of(tree, seen), BreastImages)
    with pytest.raises(InvalidInputError):
        images_of(LIES[lie](tree), seen)
