"""Modalities and an EHR that send at the same time, each until it is told Success."""

from __future__ import annotations

import queue
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

import httpx

from tests.bench.load.store_scu import NotTakenError, StoreScu
from tests.bench.load.stow_scu import StowScu
from tests.bench.load.studies import Instance, StudyToSend
from tests.bench.load.told import Told, Turnstile
from tests.system import System

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 1.0
STOW_PARTS = 3
"""Objects in one STOW-RS request."""
ABORT_SHARE = 0.03
"""Share of associations that a modality itself breaks off in the middle."""


@dataclass
class Modality(threading.Thread):
    """Sends studies one after the other over one association each, and the rest again until all is acknowledged."""

    port: int
    studies: queue.SimpleQueue[StudyToSend]
    told: Told
    turnstile: Turnstile
    seed: int
    done: list[StudyToSend] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self._chance = random.Random(self.seed)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        while not self.turnstile.stopped.is_set():
            try:
                study = self.studies.get_nowait()
            except queue.Empty:
                return
            if self._send(study):
                self.done.append(study)

    def _send(self, study: StudyToSend) -> bool:
        pause = _FIRST_PAUSE_S
        while not self.turnstile.stopped.is_set():
            before = len(self.told.of(study.study_uid))
            try:
                if self._once(study):
                    return True
            except OSError as error:
                self.told.refused(type(error).__name__)
            progress = len(self.told.of(study.study_uid)) > before
            pause = _FIRST_PAUSE_S if progress else min(_LONGEST_PAUSE_S, pause * 2)
            self.turnstile.stopped.wait(pause)
        return False

    def _once(self, study: StudyToSend) -> bool:
        """Send what is not acknowledged yet; return whether everything is."""
        breaks_off = self._chance.random() < ABORT_SHARE
        with StoreScu(self.port) as association:
            for instance in self._rest(study):
                if not self.turnstile.wait():
                    return False
                self._store(association, study, instance)
                if breaks_off and self._chance.random() < 0.3:
                    association.abort()
                    raise NotTakenError("broken off by the modality itself")
            self._correct(study)
            association.release()
        return len(self.told.of(study.study_uid)) == study.count

    def _correct(self, study: StudyToSend) -> None:
        """Send corrected objects over a second association, while the first one is still open."""
        if rest := list(self._corrections(study)):
            with StoreScu(self.port) as second:
                for instance in rest:
                    self._store(second, study, instance)
                second.release()

    def _corrections(self, study: StudyToSend) -> Iterator[Instance]:
        known = self.told.of(study.study_uid)
        return (one for one in study.corrections() if known.get(one.sop_instance_uid) != one.digest)

    def _rest(self, study: StudyToSend) -> Iterator[Instance]:
        known = set(self.told.of(study.study_uid))
        return (instance for instance in study.instances() if instance.sop_instance_uid not in known)

    def _store(self, association: StoreScu, study: StudyToSend, instance: Instance) -> None:
        status = association.store(instance.sop_instance_uid, instance.data_set)
        if status != 0:
            self.told.refused(f"0x{status & 0xFFFF:04X}")
            raise NotTakenError(f"status 0x{status & 0xFFFF:04X}")
        self.told.success(study.study_uid, instance.sop_instance_uid, instance.digest)


@dataclass
class StowModality(Modality):
    """Sends by STOW-RS, some objects in one request, each until the answer names it as stored."""

    def __hash__(self) -> int:
        return id(self)

    def _once(self, study: StudyToSend) -> bool:
        rest = self._rest(study)
        while batch := list(islice(rest, STOW_PARTS)):
            if not all(self.turnstile.wait() for _ in batch):
                return False
            self._post(study, batch)
        corrections = self._corrections(study)
        while batch := list(islice(corrections, STOW_PARTS)):
            self._post(study, batch)
        return len(self.told.of(study.study_uid)) == study.count

    def _post(self, study: StudyToSend, batch: Sequence[Instance]) -> None:
        stored = StowScu(self.port).store(batch)
        for instance in batch:
            if instance.sop_instance_uid in stored:
                self.told.success(study.study_uid, instance.sop_instance_uid, instance.digest)
        if len(stored) < len(batch):
            self.told.refused("stow instance")
            raise NotTakenError("not every part was stored", spoken=True)


@dataclass
class Ehr(threading.Thread):
    """Records every patient's facts in the EHR, which notifies us; some patients are corrected later."""

    system: System
    studies: Sequence[StudyToSend]
    told: Told
    turnstile: Turnstile
    seed: int
    corrected: list[StudyToSend] = field(default_factory=list)
    finished: bool = False

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        chance = random.Random(self.seed)
        share, total = 0, sum(study.count for study in self.studies)
        for number, study in enumerate(self.studies):
            # Half of the facts come before their images and half behind: a hospital has both.
            share += study.count
            wanted = share + (study.count if chance.random() < 0.5 else -2 * study.count)
            self._wait_for(min(wanted, total))
            self._record(study.someone.facts())
            if number and chance.random() < 0.1:
                self._correct(self.studies[number - 1])
        self.finished = not self.turnstile.stopped.is_set()

    def _correct(self, study: StudyToSend) -> None:
        self._record([{**study.someone.ehr.estrogen_receptor("negative", "2026-01-10"), "status": "corrected"}])
        self.corrected.append(study)

    def _wait_for(self, count: int) -> None:
        while self.told.count < count and not self.turnstile.stopped.wait(0.05):
            pass

    def _record(self, resources: Sequence[dict[str, object]]) -> None:
        for resource in resources:
            self._until_done(lambda resource=resource: self.system.ehr.put(resource))  # type: ignore[misc]

    def _until_done(self, call: Callable[[], object]) -> None:
        while not self.turnstile.stopped.is_set():
            try:
                call()
            except httpx.HTTPError:
                self.turnstile.stopped.wait(0.1)
            else:
                return


@dataclass
class Traffic:
    """All senders of one run."""

    told: Told
    turnstile: Turnstile
    modalities: list[Modality]
    ehr: Ehr

    @property
    def finished(self) -> bool:
        """Tell whether everything was sent and acknowledged."""
        return self.ehr.finished and not any(one.is_alive() for one in self.modalities)


@contextmanager
def traffic(
    system: System,
    port: int,
    studies: Sequence[StudyToSend],
    seed: int,
    modalities: int = 4,
    stow_port: int = 0,
) -> Iterator[Traffic]:
    """Start the senders; at the end of the block those that still try are stopped.

    With a ``stow_port`` one more sends by STOW-RS.
    """
    told = Told()
    turnstile = Turnstile(told)
    waiting: queue.SimpleQueue[StudyToSend] = queue.SimpleQueue()
    for study in studies:
        waiting.put(study)
    senders = [Modality(port, waiting, told, turnstile, seed + number) for number in range(modalities)]
    if stow_port:
        senders.append(StowModality(stow_port, waiting, told, turnstile, seed + modalities))
    ehr = Ehr(system, studies, told, turnstile, seed)
    for thread in (*senders, ehr):
        thread.start()
    try:
        yield Traffic(told, turnstile, senders, ehr)
    finally:
        turnstile.stopped.set()
        for thread in (*senders, ehr):
            thread.join(30)
