"""Reading whole slides in child processes: whatever their bytes do there, the caller gets pixels or a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from threading import Semaphore, Thread
from typing import Any, TypeVar

from shared.domain.errors import InvalidInputError, TemporaryError
from shared.jail.codes import JailCode, JailedError
from shared.jail.jail import Jail
from shared.jail.limits import Limits
from shared.jail.slide_session import OVERVIEW, READ, PatchBatch, SlideSession
from shared.jail.slides_answers import Fetch, Overview, overview_of
from shared.jail.slides_tree import description_of, trouble_in
from shared.jail.slides_trouble import MAYBE_INNOCENT, trouble_of
from shared.pathology.trouble import SlideTrouble
from shared.slides.identity import changed, identity
from shared.slides.opening import MOST_FILES
from shared.slides.port import SlideDescription

__all__ = ["LIMITS", "JailedSlides", "Overview", "PatchBatch", "SlideSession"]

_Answer = TypeVar("_Answer")
DESCRIBE = "shared.jail.slides_child:describe"
LIMITS = Limits(
    memory_mb=768,
    window_mb=96,
    cpu_s=300,
    wall_s=420.0,
    answer_bytes=1 << 22,
    tasks_per_child=1,
    open_files=1024,
    niceness=5,
)
"""Of one child. A MIRAX slide and a DICOM pyramid keep many files open; the window holds the largest overview."""


class JailedSlides:
    """Reads slides, each in children of its own; thread-safe; the owner closes it.

    A slide is the list of its files: one for most formats, all instances of a DICOM pyramid, the ``.mrxs`` file and
    those it refers to; the first is opened. A symbolic link is not followed.
    """

    def __init__(self, limits: Limits = LIMITS, *, children: int = 2) -> None:
        """``children``: how many read one slide side by side in a session; another one describes meanwhile."""
        self._children = children
        self._jail = Jail([DESCRIBE, OVERVIEW, READ], replace(limits, tasks_per_child=1), children=children + 1)
        self._sessions = Semaphore(1)

    def warm(self) -> bool:
        """Start a child now; return whether the kernel filters its system calls.

        Raises:
            TemporaryError: If no child can be started.
        """
        return self._jail.warm()

    def describe(self, paths: Sequence[Path], container: str = "") -> SlideDescription | SlideTrouble:
        """Return what the slide says of itself, not gated yet; see ``shared.slides.resolution.gated``.

        Args:
            paths: All files of the slide, the one to open first.
            container: What the label's barcode should say; compared in the jail where a barcode is found on the label.

        Raises:
            TemporaryError: If no child can be started.
        """
        return self._asked(paths, DESCRIBE, {"container": container}, lambda answer, _: description_of(answer))

    def overview(self, paths: Sequence[Path], um: float, um_per_px: float) -> Overview | SlideTrouble:
        """Return the whole slide at ``um`` micrometres per pixel (area average), read strip by strip.

        Args:
            paths: As for ``describe``.
            um: Micrometres per pixel asked for, for example 8.
            um_per_px: Of level 0, as the gate let it pass.

        Raises:
            TemporaryError: If no child can be started.
        """
        return self._asked(paths, OVERVIEW, {"um": um, "um_per_px": um_per_px}, overview_of)

    def open(self, paths: Sequence[Path]) -> SlideSession:
        """Return a session; waits while another is open. Trouble with the slide comes out of its first use."""
        at_end = ExitStack()
        at_end.callback(self._restock)
        self._sessions.acquire()
        at_end.callback(self._sessions.release)
        return SlideSession(self._jail, paths, self._children, at_end)

    def close(self) -> None:
        """End all children, also those at work."""
        self._jail.close()

    def _asked(
        self,
        paths: Sequence[Path],
        function: str,
        arguments: Mapping[str, Any],
        made: Callable[[dict[str, Any], Fetch], _Answer],
    ) -> _Answer | SlideTrouble:
        before = identity(paths[:MOST_FILES])
        if isinstance(before, SlideTrouble):
            return before
        try:
            found = self._again(function, {"paths": [str(one) for one in paths], **arguments}, made)
        finally:
            self._restock()
        return changed(paths[:MOST_FILES], before) or found

    def _again(
        self, function: str, arguments: Mapping[str, Any], made: Callable[[dict[str, Any], Fetch], _Answer]
    ) -> _Answer | SlideTrouble:
        try:
            return self._once(function, arguments, made)
        except JailedError as error:
            if error.code not in MAYBE_INNOCENT:
                return trouble_of(error.code)
        try:
            return self._once(function, arguments, made)
        except JailedError as error:
            return trouble_of(error.code)

    def _once(
        self, function: str, arguments: Mapping[str, Any], made: Callable[[dict[str, Any], Fetch], _Answer]
    ) -> _Answer | SlideTrouble:
        try:
            answer, seen = self._jail.fill(function, arguments)
            return trouble_in(answer) or made(answer, seen.array)
        except InvalidInputError:
            return trouble_of(JailCode.FAILED)

    def _restock(self) -> None:
        """Have a child ready for the next slide: starting one takes a second of the processor."""
        Thread(target=self._warm, daemon=True).start()

    def _warm(self) -> None:
        with suppress(TemporaryError):
            self._jail.warm()
