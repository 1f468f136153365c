"""Who watches a training, on one thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

from services.model_factory.ports import Steps


class Watching:
    """``Progress`` that counts."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int]] = []
        self.steps = 0

    @contextmanager
    def stage(self, name: str, pieces: int) -> Iterator[Steps]:
        self.stages.append((name, pieces))
        yield self._step

    def _step(self) -> None:
        self.steps += 1


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def watching() -> Watching:
    return Watching()


class Memory:
    """``States`` that is cut after some epochs."""

    def __init__(self, last: int = 10**6) -> None:
        self.kept: dict[str, bytes] = {}
        self.left = last

    def get(self, key: str) -> bytes | None:
        return self.kept.get(key)

    def put(self, key: str, state: bytes) -> None:
        self.kept[key] = state
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
