"""Erasing a patient: out of the catalogue at once, bytes and journal afterwards, also after a restart.

The identity is never written down: what is to be erased is found before the call returns, and kept as a list of UIDs
until it is done. What came before the call and is not judged yet is waited for; what comes later is new data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from services.dicom_listener.handlers.doomed import Selection, digest_of
from services.dicom_listener.handlers.turns import Turns
from services.dicom_listener.handlers.watch import StudyWatch, Watched
from services.dicom_listener.ports.erasure import Doomed, ErasureCatalogue, Objects, Worklists
from services.dicom_listener.ports.records import ErasureAsked, ErasureFinished
from shared.domain.errors import NotFoundError, UnavailableError
from shared.domain.governance import ObjectErasure
from shared.domain.identity import IdentityMap, PatientIdentity

log = structlog.get_logger("oncorelay.dicom_listener")

_ALONE_S = 20.0
"""Longest wait for the steps in hand, in seconds."""
_JUDGED_S = 20.0
"""Longest wait for objects that came before, in seconds."""
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Waits:
    """What an erasure must let pass first."""

    waiting_since: Callable[[], float | None]
    """When (``ticks``) the oldest object came that nobody has judged; None: there is none."""
    ticks: Callable[[], float]
    sleep: Callable[[float], None]

    def for_what_came_before(self) -> None:
        """Return once everything was judged that is here now.

        Raises:
            UnavailableError: If that takes too long; nothing was done.
        """
        asked = self.ticks()
        while (since := self.waiting_since()) is not None and since <= asked:
            if self.ticks() - asked > _JUDGED_S:
                raise UnavailableError("objects that came before are not judged yet; ask again")
            self.sleep(_LOOK_S)


@dataclass(frozen=True, slots=True)
class ErasePatient:
    """The request: find what is the patient's and take it out of the catalogue."""

    catalogue: ErasureCatalogue
    objects: Objects
    worklists: Worklists
    identities: IdentityMap
    watch: StudyWatch
    turns: Turns
    """Of the listener's steps: none may have an object of the patient in hand."""
    waits: Waits
    now: Callable[[], datetime]

    def __call__(self, request_id: str, identity: PatientIdentity) -> ObjectErasure:
        """Return how far it is; the same request is one erasure.

        Raises:
            UnavailableError: If the listener is too busy; nothing was done.
            OutOfResourcesError: If the disk refuses; what was begun is finished.
        """
        erasure_id = hashlib.sha256(f"erasure|{request_id}".encode()).hexdigest()[:32]
        known = self.catalogue.erasure(erasure_id)
        if known:
            return known
        self.waits.for_what_came_before()
        with self.turns.alone(_ALONE_S):
            selection = Selection(self.catalogue, self.objects, self.identities, identity)
            doomed = selection.doomed(erasure_id)
            self._begin(replace(doomed, before=self.catalogue.rotate()))
        log.info("erasure_asked", erasure=erasure_id, instances=len(doomed.instances), studies=len(doomed.studies))
        return replace(self.one(erasure_id), uids=tuple(sorted(selection.uids)))

    def one(self, erasure_id: str) -> ObjectErasure:
        """Return how far an erasure is.

        Raises:
            NotFoundError: If there is none of this id.
        """
        found = self.catalogue.erasure(erasure_id)
        if found is None:
            raise NotFoundError("erasure", erasure_id)
        return found

    def _begin(self, doomed: Doomed) -> None:
        self.worklists.keep(doomed)  # from here on it is finished, whatever happens
        self.catalogue.record(_asked(doomed, self.now()))
        self.catalogue.forget(doomed)
        for name in doomed.quarantined:
            self.objects.remove_quarantined(name)
        for study in doomed.studies:
            self.watch.forget(study)
        for study in doomed.touched:
            rows = self.catalogue.versions(study)
            sender = rows[-1].sender if rows else ""
            self.watch.put_back(Watched(study, sender, open=False, clean=False, silent_s=0.0))


@dataclass(frozen=True, slots=True)
class FinishErasures:
    """The step behind it: bytes, journal, index."""

    catalogue: ErasureCatalogue
    objects: Objects
    worklists: Worklists
    now: Callable[[], datetime]

    def resume(self) -> None:
        """Take out of the catalogue again what a restart has read back from the journal; before any other step."""
        for doomed in self.worklists.all():
            self.catalogue.forget(doomed)

    def __call__(self) -> None:
        """Finish what was asked for; runs on one thread.

        Raises:
            OncoRelayError: If the disk refuses; it is tried again.
        """
        asked = self.catalogue.unfinished()
        lists = self.worklists.all()
        for doomed in lists:
            self._finish(doomed)
        for erasure_id in set(asked) - {doomed.erasure_id for doomed in lists}:
            self._finished(erasure_id)  # the process ended between list and record

    def _finish(self, doomed: Doomed) -> None:
        if self.catalogue.erasure(doomed.erasure_id) is None:  # the process ended between list and record
            self.catalogue.record(_asked(doomed, self.now()))
        for _, _, uri in doomed.instances:
            self.objects.erase(uri)
        for name in doomed.quarantined:
            self.objects.remove_quarantined(name)
        self.objects.sweep(doomed.sops)
        self.catalogue.purge(doomed)
        # The list goes before the record: it names UIDs, and finished means that nothing does.
        self.worklists.drop(doomed)
        self._finished(doomed.erasure_id)

    def _finished(self, erasure_id: str) -> None:
        self.catalogue.record(ErasureFinished(erasure_id, self.now().isoformat()))
        log.info("erasure_finished", erasure=erasure_id)


def _asked(doomed: Doomed, now: datetime) -> ErasureAsked:
    counts = len(doomed.instances), len(doomed.studies), len(doomed.quarantined)
    return ErasureAsked(doomed.erasure_id, *counts, digest_of(doomed), now.isoformat())
