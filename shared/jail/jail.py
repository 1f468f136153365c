"""A few warm children that run functions on foreign bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Condition
from typing import Any

import structlog
from numpy.typing import NDArray

from shared.domain.errors import InvalidInputError, UnavailableError
from shared.jail.codes import JailCode, JailedError
from shared.jail.limits import Limits
from shared.jail.process import Child
from shared.jail.window import Seen

log = structlog.get_logger("oncorelay.jail")

_GOES_ON = (JailCode.FORBIDDEN, JailCode.FAILED)
"""Ends after which the child itself is still sound."""


class Jail:
    """Runs only the functions it was made for (``package.module:name``); thread-safe; the owner closes it.

    A function takes and returns what JSON can hold, reads files by path, and may raise InvalidInputError.
    """

    def __init__(self, functions: Sequence[str], limits: Limits | None = None, *, children: int = 1) -> None:
        self._functions = tuple(functions)
        self._limits = limits or Limits()
        self._children = children
        self._idle: list[Child] = []
        self._busy: set[Child] = set()
        self._starting = 0
        self._closed = False
        self.unfiltered = False
        """True once a child was started whose system calls the kernel does not filter."""
        self._changed = Condition()
        # A child dies with the thread that started it (PR_SET_PDEATHSIG), so one thread, that lives on, starts all.
        self._starter = ThreadPoolExecutor(1, "jail")

    def warm(self) -> bool:
        """Start one child now; return whether the kernel filters its system calls.

        Raises:
            TemporaryError: If no child can be started.
        """
        child = self._take()
        self._put_back(child, sound=True)
        return child.locked

    def call(
        self, function: str, arguments: Mapping[str, Any], *, wall_s: float | None = None, cpu_s: int | None = None
    ) -> Any:
        """Run ``function`` in a child; waits while all are busy. The time limits default to those of ``Limits``.

        Raises:
            InvalidInputError: What the function raised.
            JailedError: If there is no answer; says why by its code.
            TemporaryError: If no child can be started.
        """
        with self._lent(function) as child:
            return child.ask(function, arguments, wall_s or self._limits.wall_s, cpu_s or self._limits.cpu_s)

    def fill(self, function: str, arguments: Mapping[str, Any], *, wall_s: float | None = None) -> tuple[Any, Seen]:
        """Run ``function`` in a child that is used once; return its answer and what it left in its window.

        Errors as ``call``. For a jail whose limits have a window.
        """
        with self._lent(function, once=True) as child:
            answer = child.ask(function, arguments, wall_s or self._limits.wall_s, self._limits.cpu_s)
            return answer, child.leave_window()

    @contextmanager
    def held(self) -> Iterator[Held]:
        """Hold one child for several tasks on the same foreign bytes, and end it; its window stays open meanwhile.

        For a jail whose limits have a window.

        Raises:
            TemporaryError: If no child can be started.
        """
        child = self._take()
        try:
            yield Held(self, child)
        finally:
            self._put_back(child, sound=False)

    def ask(self, child: Child, function: str, arguments: Mapping[str, Any]) -> Any:
        """Run ``function`` in a child that is held; errors as ``call``, after which the child is of no more use."""
        with self._blamed(function, child):
            return child.ask(function, arguments, self._limits.wall_s, self._limits.cpu_s)

    def close(self) -> None:
        """End every child, also one at work."""
        with self._changed:
            self._closed = True
            idle, self._idle = self._idle, []
            for child in self._busy:
                child.kill()
            self._changed.notify_all()
        for child in idle:
            child.end()
        self._starter.shutdown()

    @contextmanager
    def _lent(self, function: str, *, once: bool = False) -> Iterator[Child]:
        """Lend a child for one task; it is used again where it is still sound, and not ``once``."""
        child = self._take()
        sound = False
        try:
            with self._blamed(function, child):
                yield child
            sound = not once
        except InvalidInputError:
            sound = not once
            raise
        except JailedError as error:
            sound = error.code in _GOES_ON and not once
            raise
        finally:
            self._put_back(child, sound=sound)

    @contextmanager
    def _blamed(self, function: str, child: Child) -> Iterator[None]:
        """Tell a task that ended badly from one that was ended."""
        if function not in self._functions:
            raise InvalidInputError("function", "was not registered with this jail")
        try:
            yield
        except JailedError as error:
            if self._closed or child.killed:  # by us, and its task is not to blame
                raise UnavailableError("the jail is closed" if self._closed else "the child was ended") from error
            log.warning("jailed_task_failed", function=function, code=error.code.value)
            raise

    def _take(self) -> Child:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._idle or self._room())
            if self._closed:
                raise UnavailableError("the jail is closed")
            child = self._idle.pop() if self._idle else None
            if child:
                self._busy.add(child)
            else:
                self._starting += 1
        return self._fresh() if child is None else self._sound(child)

    def _room(self) -> bool:
        return len(self._idle) + len(self._busy) + self._starting < self._children

    def _sound(self, child: Child) -> Child:
        """Return ``child``, or a fresh one where it ended while it was idle."""
        if not child.spent:
            return child
        with self._changed:
            self._busy.discard(child)
            self._starting += 1
        child.end()
        return self._fresh()

    def _fresh(self) -> Child:
        child = None
        try:
            child = self._starter.submit(Child, self._functions, self._limits).result()
        except RuntimeError as error:  # closed meanwhile
            raise UnavailableError("the jail is closed") from error
        finally:
            with self._changed:
                self._starting -= 1
                if child is not None:
                    self._busy.add(child)
                    self.unfiltered |= not child.locked
                self._changed.notify()
        return child

    def _put_back(self, child: Child, *, sound: bool) -> None:
        with self._changed:
            self._busy.discard(child)
            keep = sound and not self._closed
            if keep:
                self._idle.append(child)
            self._changed.notify()
        if not keep:
            child.end()


class Held:
    """One child, for one slide or study; used by one thread at a time."""

    def __init__(self, jail: Jail, child: Child) -> None:
        self._jail, self._child = jail, child
        self._copies = child.look()

    def ask(self, function: str, arguments: Mapping[str, Any]) -> Any:
        """Run ``function`` in it; errors as ``Jail.call``, after which it is of no more use."""
        return self._jail.ask(self._child, function, arguments)

    def kill(self) -> None:
        """End it at once, from any thread; whoever waits for its answer gets an ``UnavailableError``."""
        self._child.kill()

    def copy(self, spot: Any) -> NDArray[Any]:
        """Return a copy of an array the child says it put into its window.

        Raises:
            InvalidInputError: If there can be none.
        """
        return self._copies.array(spot)
