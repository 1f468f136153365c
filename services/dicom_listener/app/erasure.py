"""Erasing patients, and the door for it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import grpc

from services.dicom_listener.adapters.catalogue import JournaledCatalogue
from services.dicom_listener.adapters.erasure_catalogue import ErasureView
from services.dicom_listener.adapters.erasure_objects import ErasableObjects
from services.dicom_listener.adapters.erasure_server import ErasureServicer
from services.dicom_listener.adapters.object_ranges import ObjectRanges
from services.dicom_listener.adapters.segment_sweep import SegmentSweep
from services.dicom_listener.adapters.segments import Segments
from services.dicom_listener.adapters.worklists import WorklistFiles
from services.dicom_listener.app.clock import now
from services.dicom_listener.config import Settings
from services.dicom_listener.handlers.erasure import ErasePatient, FinishErasures, Waits
from services.dicom_listener.handlers.turns import Turns
from services.dicom_listener.handlers.waiting import WaitingObjects
from services.dicom_listener.handlers.watch import StudyWatch
from shared.rpc import server

_STOP_S = 5.0


@dataclass(slots=True)
class Erasing:
    """Erasure: its door, its step, and what sweeps the segments."""

    settings: Settings
    erase: ErasePatient
    finish: FinishErasures
    sweep: SegmentSweep
    _server: list[grpc.Server] = field(default_factory=list)

    def start(self) -> None:
        """Open the door for administrators."""
        tls = self.settings.site.tls("dicom_listener")
        self._server.append(server.start(self.settings.grpc_address, ErasureServicer(self.erase).register, tls=tls))

    def stop(self) -> None:
        """Close it."""
        for one in self._server:
            one.stop(_STOP_S).wait()


@dataclass(frozen=True, slots=True)
class Inside:
    """The parts of the listener that an erasure reaches into."""

    catalogue: JournaledCatalogue
    inbox: Segments
    ranges: ObjectRanges
    watch: StudyWatch
    waiting: WaitingObjects
    turns: Turns


def erasing(settings: Settings, inside: Inside) -> Erasing:
    """Wire it, and take out of the catalogue what an unfinished erasure names."""
    catalogue = inside.catalogue
    lists = WorklistFiles(settings.folder / "erasures")
    lists.prepare()
    sweep = SegmentSweep(inside.inbox, catalogue.judged, catalogue.holders, catalogue.is_accounted_for)
    view, objects = ErasureView(catalogue), ErasableObjects(inside.ranges, sweep)
    waits = Waits(inside.waiting.since, time.monotonic, time.sleep)
    erase = ErasePatient(view, objects, lists, settings.identity_map, inside.watch, inside.turns, waits, now)
    finish = FinishErasures(view, objects, lists, now)
    finish.resume()
    return Erasing(settings, erase, finish, sweep)
