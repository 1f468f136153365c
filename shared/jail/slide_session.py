"""One slide read patch by patch in children that stay, ahead of who takes the patches."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from shared.domain.errors import InvalidInputError
from shared.jail.codes import JailCode, JailedError
from shared.jail.jail import Held, Jail
from shared.jail.slides_answers import Fetch, Overview, ReadPatches, empty_pixels, overview_of, patches_of
from shared.jail.slides_tree import PatchTask, trouble_in
from shared.jail.slides_trouble import MAYBE_INNOCENT, trouble_of
from shared.pathology.grid import CropGrid
from shared.pathology.patch_contract import PatchContract
from shared.pathology.stain_fit import StainFit
from shared.pathology.trouble import SlideTrouble, SlideTroubleError
from shared.slides.identity import changed, identity

_Answer = TypeVar("_Answer")
OVERVIEW, READ = "shared.jail.slides_child:overview", "shared.jail.slides_child:read"
_CHUNK = 16
"""Patches a child reads at a time: few enough to fit its window, enough that the talk between costs nothing."""
_AHEAD = 2
"""Chunks per child that may lie read, and not yet taken: some 10 MB each."""


@dataclass(frozen=True, slots=True, eq=False)
class PatchBatch:
    """Patches read of one grid, in the order they were asked for; arrays are the parent's own."""

    index: NDArray[np.int32]
    """(n,): place in the grid."""
    pixels: NDArray[Any]
    """(n, input_px, input_px, 3) uint8, sRGB at the network's scale; or, where a fit was given, (n, 3, input_px,
    input_px) float32, stain-normalised and scaled: what ``shared.pathology.patches.prepared`` returns."""
    background: NDArray[np.int32]
    """(m,): places of the patches since the last batch that the background rule left out."""


class SlideSession:
    """One slide held open in the children; ``with`` closes it. Not thread-safe."""

    def __init__(self, jail: Jail, paths: Sequence[Path], children: int, at_end: ExitStack) -> None:
        """``at_end``: what is closed after the children."""
        self._paths, self._children, self._at_end = tuple(paths), children, at_end
        self._leases = _Leases(jail)
        self._readers = ThreadPoolExecutor(children, "slide")
        self._before = identity(self._paths)

    def patches(
        self,
        grid: CropGrid,
        wanted: Sequence[int] | NDArray[np.int32],
        contract: PatchContract,
        *,
        fit: StainFit | None = None,
        batch: int = 8,
    ) -> Iterator[PatchBatch]:
        """Read the patches at these places of the grid, ahead of the caller, and yield them in batches of ``batch``.

        A patch whose variance is below the contract's ``background_variance`` is left out. The last batch may be
        smaller, also empty where only background was left. May be called again on the same session, for example first
        for a sample to fit the stains on, without ``fit``, and then for all with it.

        Raises:
            SlideTroubleError: If the slide cannot be read to the end, or was changed meanwhile.
            TemporaryError: If no child can be started.
        """
        self._check()
        places = [int(one) for one in wanted]
        chunks = [places[start : start + _CHUNK] for start in range(0, len(places), _CHUNK)]
        gathered = _Gathered(batch, empty_pixels(contract.input_px, fit))
        waiting: deque[tuple[list[int], Future[ReadPatches]]] = deque()
        try:
            for chunk in chunks:
                task = PatchTask(grid.side_px, tuple(grid.corner(one) for one in chunk), contract, fit)
                waiting.append((chunk, self._readers.submit(self._read, task)))
                if len(waiting) >= self._children * _AHEAD:
                    done, reading = waiting.popleft()
                    yield from gathered.added(done, reading.result())
            while waiting:
                done, reading = waiting.popleft()
                yield from gathered.added(done, reading.result())
        finally:
            for _, reading in waiting:
                reading.cancel()
        self._check()
        yield from gathered.rest()

    def overview(self, um: float, um_per_px: float) -> Overview:
        """As ``JailedSlides.overview``, on the open slide; raises SlideTroubleError instead of returning trouble."""
        self._check()
        arguments = {"um": um, "um_per_px": um_per_px}
        found = self._readers.submit(self._asked, OVERVIEW, arguments, overview_of).result()
        self._check()
        return found

    def close(self) -> None:
        """End the children, also those at work."""
        self._leases.kill()
        self._readers.shutdown(cancel_futures=True)
        self._leases.close()
        self._at_end.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check(self) -> None:
        """Raise what is wrong with the files themselves."""
        if isinstance(self._before, SlideTrouble):
            raise SlideTroubleError(self._before)
        trouble = changed(self._paths, self._before)
        if trouble is not None:
            raise SlideTroubleError(trouble)

    def _read(self, task: PatchTask) -> ReadPatches:
        return self._asked(READ, {"task": task.tree()}, partial(patches_of, task=task))

    def _asked(
        self, function: str, arguments: Mapping[str, Any], made: Callable[[dict[str, Any], Fetch], _Answer]
    ) -> _Answer:
        try:
            return self._once(function, arguments, made)
        except JailedError as error:
            if error.code not in MAYBE_INNOCENT:
                raise SlideTroubleError(trouble_of(error.code)) from error
        try:
            return self._once(function, arguments, made)
        except JailedError as error:
            raise SlideTroubleError(trouble_of(error.code)) from error

    def _once(
        self, function: str, arguments: Mapping[str, Any], made: Callable[[dict[str, Any], Fetch], _Answer]
    ) -> _Answer:
        with self._leases.one() as held:
            try:
                answer = held.ask(function, {"paths": [str(one) for one in self._paths], **arguments})
                trouble = trouble_in(answer)
                if trouble is None:
                    return made(answer, held.copy)
            except InvalidInputError as error:
                raise JailedError(JailCode.FAILED, function) from error
        self._check()  # a slide that was written to reads like a broken one
        raise SlideTroubleError(trouble)


class _Leases:
    """The children of one session; each is used by one thread at a time, and ended after it failed."""

    def __init__(self, jail: Jail) -> None:
        self._jail = jail
        self._idle: SimpleQueue[tuple[Held, ExitStack]] = SimpleQueue()
        self._all: list[tuple[Held, ExitStack]] = []
        self._lock = Lock()
        self._over = False

    @contextmanager
    def one(self) -> Iterator[Held]:
        """Lend a child; a fresh one where none is idle."""
        lease = self._taken()
        try:
            yield lease[0]
        except JailedError:
            lease[1].close()
            raise
        self._idle.put(lease)

    def kill(self) -> None:
        """End all children at once; who waits for an answer gets an UnavailableError."""
        with self._lock:
            self._over = True
            for held, _ in self._all:
                held.kill()

    def close(self) -> None:
        """Give all children back; none is at work any more."""
        for _, stack in self._all:
            stack.close()

    def _taken(self) -> tuple[Held, ExitStack]:
        try:
            return self._idle.get_nowait()
        except Empty:
            stack = ExitStack()
            lease = stack.enter_context(self._jail.held()), stack
        with self._lock:
            self._all.append(lease)
            if self._over:
                lease[0].kill()
        return lease


class _Gathered:
    """Makes batches of equal size of what the tasks read."""

    def __init__(self, batch: int, empty: NDArray[Any]) -> None:
        self._batch, self._empty = batch, empty
        self._index: list[int] = []
        self._pixels: list[NDArray[Any]] = []
        self._background: list[int] = []

    def added(self, places: Sequence[int], read: ReadPatches) -> Iterator[PatchBatch]:
        """Add what was read of these places; yield the batches that became full."""
        kept = set(read.kept)
        self._background += [place for at, place in enumerate(places) if at not in kept]
        self._index += [places[at] for at in read.kept]
        self._pixels += list(read.pixels) if read.pixels is not None else []
        while len(self._index) >= self._batch:
            yield self._cut(self._batch)

    def rest(self) -> Iterator[PatchBatch]:
        """Yield what is left, where anything is."""
        if self._index or self._background:
            yield self._cut(len(self._index))

    def _cut(self, count: int) -> PatchBatch:
        pixels = np.stack(self._pixels[:count]) if count else self._empty
        made = PatchBatch(np.array(self._index[:count], np.int32), pixels, np.array(self._background, np.int32))
        del self._index[:count], self._pixels[:count], self._background[:]
        return made
