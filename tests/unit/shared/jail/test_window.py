"""Arrays leave the jail whole, and nothing a child says about them is believed."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from shared.domain.errors import InvalidInputError
from shared.jail.codes import JailCode, JailedError
from shared.jail.jail import Jail
from shared.jail.limits import Limits
from shared.jail.window import Filling, Seen, Window

INMATES = "shared.testing.window_inmates"
NAMES = ("fill", "refill", "overfill", "shrink_the_window", "lie", "die_after_filling")
LIMITS = Limits(memory_mb=256, window_mb=8, cpu_s=10, wall_s=30.0)


@pytest.fixture(scope="module")
def jail() -> Iterator[Jail]:
    jail = Jail([f"{INMATES}:{name}" for name in NAMES], LIMITS)
    yield jail
    jail.close()


def test_what_a_child_fills_its_parent_reads(jail: Jail) -> None:
    answer, seen = jail.fill(f"{INMATES}:fill", {"count": 1000})
    ramp, copied = seen.array(answer["ramp"]), seen.array(answer["copied"])
    assert (ramp == np.arange(1000).reshape(10, 100)).all()
    assert ramp.dtype == np.int16
    assert (copied == 0.5).all()
    assert not ramp.flags.writeable


def test_an_array_outlives_its_window_and_the_next_study(jail: Jail) -> None:
    answer, seen = jail.fill(f"{INMATES}:fill", {"count": 500})
    kept = seen.array(answer["ramp"])
    del seen
    jail.fill(f"{INMATES}:fill", {"count": 1000})
    assert (kept.ravel() == np.arange(500)).all()


def test_each_child_is_used_once(jail: Jail) -> None:
    before = {child.pid for child in psutil.Process().children()}
    jail.fill(f"{INMATES}:fill", {"count": 10})
    assert {child.pid for child in psutil.Process().children() if child.status() != "zombie"} <= before


def test_no_descriptor_is_left_behind(jail: Jail) -> None:
    jail.fill(f"{INMATES}:fill", {"count": 10})
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        jail.fill(f"{INMATES}:fill", {"count": 10})
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_more_than_the_window_holds_is_out_of_memory(jail: Jail) -> None:
    with pytest.raises(JailedError) as caught:
        jail.fill(f"{INMATES}:overfill", {})
    assert caught.value.code is JailCode.OUT_OF_MEMORY


def test_a_child_cannot_take_the_window_away(jail: Jail) -> None:
    with pytest.raises(JailedError) as caught:
        jail.fill(f"{INMATES}:shrink_the_window", {})
    assert caught.value.code is JailCode.FORBIDDEN


def test_a_child_that_dies_leaves_a_code(jail: Jail) -> None:
    with pytest.raises(JailedError) as caught:
        jail.fill(f"{INMATES}:die_after_filling", {})
    assert caught.value.code is JailCode.DIED


@pytest.mark.parametrize(
    "spot",
    [
        {"offset": 1 << 40, "shape": [10], "kind": "int16"},
        {"offset": -64, "shape": [10], "kind": "int16"},
        {"offset": 3, "shape": [10], "kind": "int16"},
        {"offset": 0, "shape": [1 << 62, 1 << 62], "kind": "int16"},
        {"offset": 0, "shape": [0], "kind": "int16"},
        {"offset": 0, "shape": [-4, -4], "kind": "int16"},
        {"offset": 0, "shape": [True], "kind": "int16"},
        {"offset": 0, "shape": [1.5], "kind": "int16"},
        {"offset": 0, "shape": [1, 1, 1, 1, 1], "kind": "int16"},
        {"offset": 0, "shape": [], "kind": "int16"},
        {"offset": 0, "shape": [4], "kind": "object"},
        {"offset": 0, "shape": [4], "kind": "float16"},
        {"offset": "0", "shape": [4], "kind": "int16"},
        {"shape": [4], "kind": "int16"},
        None,
        [],
        "everything",
    ],
)
def test_a_lie_about_an_array_is_refused(jail: Jail, spot: object) -> None:
    answer, seen = jail.fill(f"{INMATES}:lie", {"spot": spot})
    with pytest.raises(InvalidInputError):
        seen.array(answer)


def test_the_size_of_a_window_is_sealed() -> None:
    window = Window(4096)
    for size in (0, 8192):
        with pytest.raises(OSError, match="not permitted") as caught:
            os.ftruncate(window.descriptor, size)
        assert caught.value.errno == errno.EPERM
    window.close()


def test_an_array_in_the_window_is_not_copied() -> None:
    window = Window(1 << 16)
    filling = Filling(os.dup(window.descriptor), 1 << 16)
    first, second = filling.room((4, 8), np.float32), filling.room((3,), np.int16)
    first[...], second[...] = 1.5, 7
    spots = filling.put(first), filling.put(second)
    assert [one["offset"] for one in spots] == [0, 128]
    outside = filling.put(np.ones((2, 2), np.uint8))
    part = filling.put(first[:, ::2])
    seen: Seen = window.open()
    assert (seen.array(spots[0]) == 1.5).all()
    assert (seen.array(spots[1]) == 7).all()
    assert seen.array(outside).tolist() == [[1, 1], [1, 1]]
    assert seen.array(part).shape == (4, 4)
    with pytest.raises(MemoryError):
        filling.room((1 << 16,), np.uint8)


def test_a_jail_without_a_window_leaves_nothing() -> None:
    jail = Jail(["shared.testing.inmates:echo"], Limits(memory_mb=256))
    with pytest.raises(ValueError, match="no window"):
        jail.fill("shared.testing.inmates:echo", {"value": 1})
    jail.close()


def test_a_copy_out_of_a_living_childs_window_is_not_changed_by_what_follows(jail: Jail) -> None:
    with jail.held() as held:
        first = held.copy(held.ask(f"{INMATES}:fill", {"count": 1000})["ramp"])
        again = held.ask(f"{INMATES}:refill", {"count": 1000})["ramp"]
        assert again["offset"] == 0
        assert (first == np.arange(1000).reshape(10, 100)).all()
        assert (held.copy(again) == -first).all()
        with pytest.raises(InvalidInputError):
            held.copy({**again, "offset": 1 << 40})


def test_a_held_child_is_ended_afterwards(jail: Jail) -> None:
    before = {child.pid for child in psutil.Process().children() if child.status() != "zombie"}
    with jail.held() as held:
        held.ask(f"{INMATES}:fill", {"count": 10})
    assert {child.pid for child in psutil.Process().children() if child.status() != "zombie"} <= before
