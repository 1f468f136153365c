"""Jobs shared between this process and one forked from it: most of the work holds the interpreter's lock.

The forked process sees every array without copying it, runs NumPy and pyradiomics' C code only (no ITK: its threads are
not there), and hands back plain numbers. Both take the next job from one pipe, so neither waits for the other.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Sequence
from typing import BinaryIO

Numbers = dict[str, float]
Job = Callable[[], Numbers]


def in_turn(jobs: Sequence[Job]) -> Numbers:
    """Run the jobs here, one after the other."""
    found: Numbers = {}
    for job in jobs:
        found |= job()
    return found


def side_by_side(jobs: Sequence[Job]) -> Numbers:
    """Run at most 255 jobs in this and in a forked process, the first ones first.

    Raises:
        Exception: What a job raised, wherever it ran.
    """
    if len(jobs) > 255:
        raise ValueError(f"{len(jobs)} jobs have no number in one byte")
    tickets, issue = os.pipe()
    os.write(issue, bytes(range(len(jobs))))
    os.close(issue)
    answers, answer = os.pipe()
    child = os.fork()
    if child == 0:
        _child(tickets, jobs, answer)
    os.close(answer)
    with os.fdopen(answers, "rb") as reader:
        try:
            found = _taken(tickets, jobs)
        finally:
            os.close(tickets)
            theirs = _answered(reader, child)
    return found | theirs


def _taken(tickets: int, jobs: Sequence[Job]) -> Numbers:
    found: Numbers = {}
    while ticket := os.read(tickets, 1):
        found |= jobs[ticket[0]]()
    return found


def _child(tickets: int, jobs: Sequence[Job], answer: int) -> None:
    """Work until no ticket is left, answer, and end without the parent's exit handlers."""
    status = 1
    try:
        with os.fdopen(answer, "wb") as writer:
            try:
                pickle.dump(_taken(tickets, jobs), writer)
            except Exception as error:  # noqa: BLE001 - handed to the parent, which raises it
                pickle.dump(error, writer)
        status = 0
    finally:
        os._exit(status)


def _answered(reader: BinaryIO, child: int) -> Numbers:
    content = reader.read()
    os.waitpid(child, 0)
    if not content:
        raise ChildProcessError("the second process ended without an answer")
    found = pickle.loads(content)  # noqa: S301 - from our own fork
    if isinstance(found, Exception):
        raise found
    return dict(found)
