"""Every kind of harm the benches do, each a context: it begins, lasts, and is taken back."""

from __future__ import annotations

import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial

from shared.testing.small_disk import SmallDisk
from shared.testing.tcp_proxy import TcpProxy
from tests.system import System

WATERMARK_MB = 64
"""``min_free_mb`` of the site under test."""
_MIB = 1 << 20
_OWN_DISK = frozenset({"disk_full"})
"""Faults that need a file system of our own."""


@dataclass(frozen=True)
class Scene:
    """What can be harmed."""

    system: System
    disk: SmallDisk
    proxies: dict[str, TcpProxy]
    """``door`` (modalities to us), ``pacs`` and ``ehr`` (our deliveries), ``results`` (everybody to the ledger)."""
    chance: random.Random


Harm = Callable[[Scene], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind."""

    kind: str
    harm: Harm
    shortest_s: float
    longest_s: float


@contextmanager
def _killed(name: str, scene: Scene) -> Iterator[None]:
    _alive(scene.system, name)
    scene.system.kill(name)
    yield


@contextmanager
def _emptied(scene: Scene) -> Iterator[None]:
    """Redis comes back without anything: killed, and its append-only file is gone."""
    _alive(scene.system, "redis")
    scene.system.kill("redis")
    folder = scene.system.folder / "redis"
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    yield


@contextmanager
def _stopped(name: str, scene: Scene) -> Iterator[None]:
    """A service hangs (SIGSTOP) and wakes up later, believing that no time has passed."""
    _alive(scene.system, name)
    group = scene.system.supervisor.children[name].process.pid
    os.killpg(group, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(group, signal.SIGCONT)


@contextmanager
def _cut(wire: str, scene: Scene) -> Iterator[None]:
    """Connections are reset, and for a while every new one as well."""
    proxy = scene.proxies[wire]
    proxy.refusing = scene.chance.random() < 0.7
    proxy.cut()
    try:
        yield
    finally:
        proxy.heal()


@contextmanager
def _delayed(wire: str, scene: Scene) -> Iterator[None]:
    scene.proxies[wire].delay_s = scene.chance.uniform(0.05, 0.3)
    try:
        yield
    finally:
        scene.proxies[wire].heal()


@contextmanager
def _answers_lost(wire: str, scene: Scene) -> Iterator[None]:
    """What is sent arrives, what is answered does not, and then the connection breaks: was it stored or not?"""
    proxy = scene.proxies[wire]
    proxy.swallowing = True
    try:
        yield
    finally:
        proxy.cut()
        proxy.heal()


@contextmanager
def _disk(leave_mb: int, scene: Scene) -> Iterator[None]:
    scene.disk.fill(leave_mb * _MIB)
    try:
        yield
    finally:
        scene.disk.relieve()


@contextmanager
def _pacs_down(scene: Scene) -> Iterator[None]:
    scene.system.pacs_down()
    try:
        yield
    finally:
        scene.system.pacs_up()


@contextmanager
def _ehr_fails(scene: Scene) -> Iterator[None]:
    scene.system.ehr.fail_next(scene.chance.choice((500, 502, 503)), scene.chance.randint(3, 12))
    yield


def _alive(system: System, name: str) -> None:
    """Harm needs somebody to suffer it: wait until the last one's victim runs again."""
    child = system.supervisor.children[name]
    system.until(lambda: child.process.poll() is None, f"{name} to run", timeout_s=60)


FAULTS = (
    *(
        Fault(f"kill_{name.removeprefix('results.')}", partial(_killed, name), 0.5, 1.5)
        for name in (
            "dicom_listener", "results.serve", "results.dispatch", "results.deliver", "inference", "lab_consumer",
            "redis",
        )
    ),
    Fault("empty_redis", _emptied, 0.5, 1.5),
    Fault("hang_worker", partial(_stopped, "inference"), 3.0, 5.0),
    Fault("hang_deliver", partial(_stopped, "results.deliver"), 1.0, 3.0),
    Fault("cut_senders", partial(_cut, "door"), 0.2, 1.0),
    Fault("delay_senders", partial(_delayed, "door"), 1.0, 2.0),
    Fault("lose_answers_to_senders", partial(_answers_lost, "door"), 0.2, 1.0),
    Fault("cut_pacs", partial(_cut, "pacs"), 0.5, 2.0),
    Fault("lose_answers_of_pacs", partial(_answers_lost, "pacs"), 0.5, 2.0),
    Fault("cut_ehr", partial(_cut, "ehr"), 0.5, 2.0),
    Fault("lose_answers_of_ehr", partial(_answers_lost, "ehr"), 0.5, 2.0),
    Fault("delay_deliveries", partial(_delayed, "pacs"), 1.0, 2.0),
    Fault("cut_ledger", partial(_cut, "results"), 0.5, 2.0),
    Fault("lose_answers_of_ledger", partial(_answers_lost, "results"), 0.5, 2.0),
    Fault("disk_low", partial(_disk, WATERMARK_MB // 2), 1.0, 2.0),
    Fault("disk_full", partial(_disk, 0), 1.0, 2.0),
    Fault("pacs_down", _pacs_down, 1.0, 3.0),
    Fault("ehr_fails", _ehr_fails, 0.5, 1.0),
)  # fmt: skip


def chosen(seed: int, count: int, *, disk: SmallDisk, kinds: Sequence[str] = ()) -> list[tuple[Fault, float]]:
    """Return ``count`` faults with their lengths in seconds: every kind once before any comes twice.

    Raises:
        ValueError: If a kind is named that does not exist here.
    """
    chance = random.Random(seed)
    known = [fault for fault in FAULTS if disk.own or fault.kind not in _OWN_DISK]
    if strange := set(kinds) - {fault.kind for fault in known}:
        raise ValueError(f"no such fault on this machine: {', '.join(sorted(strange))}")
    wanted = [fault for fault in known if not kinds or fault.kind in kinds]
    rounds: list[Fault] = []
    while len(rounds) < count:
        rounds += chance.sample(wanted, len(wanted))
    return [(fault, chance.uniform(fault.shortest_s, fault.longest_s)) for fault in rounds[:count]]
