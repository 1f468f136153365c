"""Progress of a training run: one bar per stage on a screen, one line per tenth of a stage in a log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from types import TracebackType

import click
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from services.cli.cases import screen

LINES = 10
"""Of one stage, at most, where nobody sees a bar."""


class Bars:
    """Bars while a run is on; enter before the first stage."""

    def __init__(self, *, errors: bool = False) -> None:
        self._errors = errors
        """Written to standard error: standard output is for a file."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._bars = Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=screen(errors=errors))

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
        if self._bars.console.is_terminal:
            yield lambda: self._bars.advance(task)
        else:
            yield self._lines(name, pieces, task)

    def _lines(self, name: str, pieces: int, task: TaskID) -> Callable[[], None]:
        """Return what is called after each piece; a file keeps no bar that moves."""
        said = count(1)

        def done() -> None:
            self._bars.advance(task)
            number = next(said)
            if number * LINES // pieces > (number - 1) * LINES // pieces:
                click.echo(f"{name}: {number} of {pieces}", err=self._errors)

        return done
