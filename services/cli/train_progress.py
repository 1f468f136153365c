"""Progress of a training run on the screen: one bar per stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from services.cli.cases import screen


class Bars:
    """Bars while a run is on; enter before the first stage."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._bars = Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=screen())

    def __enter__(self) -> Bars:
        """Show the bars."""
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last state on the screen."""
        self._bars.stop()

    @contextmanager
    def stage(self, name: str, pieces: int) -> Iterator[Callable[[], None]]:
        """Show one stage of ``pieces`` pieces."""
        task = self._bars.add_task(name, total=pieces)
        yield lambda: self._bars.advance(task)
