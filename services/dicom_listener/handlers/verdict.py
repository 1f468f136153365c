"""What becomes of one object that is on disk: member, known already, corrected, quarantined, or our own.

The table (system rule 7), for an object whose SOP Instance UID is stored already:

    content    identity    what happens
    same       same        nothing, and its space is given back (or it replaces one that was lost)
    same       other       a new version; the one that was received last is the current one
    other      any         the first stays; the second goes to quarantine; a person is told

"First" and "last" go by the time of receipt, not by the order of judging: what becomes of a set of objects does not
depend on which association was judged first, or where a crash fell.

Whatever the row, the sender was told Success before: the bytes were on disk, and a failure would make common senders
withhold the rest of the study (DCMTK's and many archives stop at the first failure) or repeat the same object for ever.
What cannot be read or placed is quarantined as well, and its association is no evidence of completeness any more.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from services.dicom_listener.ports.inbox import Stored
from services.dicom_listener.ports.records import (
    InstanceAgain,
    InstanceQuarantined,
    InstanceStored,
    NoticeRaised,
    OwnOutputSeen,
    Record,
)
from services.dicom_listener.ports.stores import Catalogue, Ranges, Unread
from shared.dicom.fingerprint import Fingerprint
from shared.dicom.own_output import is_own_output

DUPLICATE_KIND = "dicom_uid_clash"
"""Notice: a known SOP Instance UID came with other content."""
LOST_KIND = "dicom_lost"
"""Notice: acknowledged objects were removed from the inbox before they were judged."""
UNREADABLE_KIND = "dicom_unreadable"
"""Notice: an object could not be read or placed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What must be recorded, and what follows once it is."""

    records: tuple[Record, ...] = ()
    study_instance_uid: str = ""
    """The study that has this instance now; empty where none is concerned."""
    whole: bool = True
    """False: what its association brought is not known to be all."""
    release: bool = False
    """True: nobody refers to its bytes."""


@dataclass(frozen=True, slots=True)
class Court:
    """Decides over one object at a time; what it decided before must have been recorded."""

    catalogue: Catalogue
    ranges: Ranges
    device_uid: str

    def judge(self, stored: Stored, reading: Fingerprint | Unread, now: datetime) -> Verdict:
        """Return the verdict; a quarantined object is copied when this returns.

        Raises:
            TemporaryError: If the disk refuses.
        """
        if isinstance(reading, Unread):
            return self._unreadable(stored, reading.reason, now)
        mismatch = _mismatch(stored, reading)
        if mismatch:
            return self._unreadable(stored, mismatch, now)
        if is_own_output(reading.header, self.device_uid):
            return self._own_output(reading, now)
        return self._member(stored, reading, now)

    def _member(self, stored: Stored, read: Fingerprint, now: datetime) -> Verdict:
        study = read.header.study_instance_uid
        known = self.catalogue.current(read.header.sop_instance_uid)
        if known is None:
            return Verdict((_instance(stored, read, self._next(read), now),), study)
        if known.content_digest != read.content_digest:
            late = stored.received < known.first_received
            return self._first(stored, read, known, now) if late else self._clash(stored, read, now)
        same = known.identity_digest == read.identity_digest
        again = InstanceAgain(known.sop_instance_uid, known.version, stored.received, same)
        if same and self.ranges.holds(known.blob_uri):
            own = known.blob_uri == stored.uri
            return Verdict(() if own else (again,), study, release=not own)
        first = min(known.first_received, stored.received)
        last = max(known.received, stored.received) if same else stored.received
        new = _instance(stored, read, self._next(read), now)
        new = replace(new, received=last, first_received=first, reign=known.reign)
        return Verdict((new, again), study)

    def _next(self, read: Fingerprint) -> int:
        return self.catalogue.last_version(read.header.sop_instance_uid) + 1

    def _first(self, stored: Stored, read: Fingerprint, known: InstanceStored, now: datetime) -> Verdict:
        """What is known was received later, with other content: it goes to quarantine, this one is the member."""
        name = _name(known.sop_instance_uid, known.content_digest, known.identity_digest)
        text = (
            f"{known.sender} sent SOP Instance UID {known.sop_instance_uid} again with other content. The first, "
            f"which was judged later, is kept and used; the second lies in the quarantine as {name} and is not."
        )
        study = known.study_instance_uid
        set_aside: tuple[Record, ...] = ()
        if not self.ranges.is_gone(known.blob_uri):
            uid = known.sop_instance_uid
            set_aside = self._quarantined(known.blob_uri, uid, name, DUPLICATE_KIND, text, study, now)
        new = replace(_instance(stored, read, self._next(read), now), reign=known.reign + 1)
        return Verdict((*set_aside, new), new.study_instance_uid)

    def _own_output(self, read: Fingerprint, now: datetime) -> Verdict:
        header = read.header
        if self.catalogue.is_own_output(header.sop_instance_uid):
            return Verdict(release=True)
        seen = OwnOutputSeen(header.sop_instance_uid, header.study_instance_uid, now.isoformat())
        return Verdict((seen,), release=True)

    def _clash(self, stored: Stored, read: Fingerprint, now: datetime) -> Verdict:
        header = read.header
        name = _name(header.sop_instance_uid, read.content_digest, read.identity_digest)
        text = (
            f"{stored.announced.sender} sent SOP Instance UID {header.sop_instance_uid} again with other content. The "
            f"first object is kept and used; the second lies in the quarantine as {name} and is not."
        )
        study, uid = header.study_instance_uid, stored.announced.sop_instance_uid
        records = self._quarantined(stored.uri, uid, name, DUPLICATE_KIND, text, study, now)
        return Verdict(records, header.study_instance_uid, release=True)

    def _unreadable(self, stored: Stored, reason: str, now: datetime) -> Verdict:
        announced = stored.announced
        if self.ranges.is_gone(stored.uri):
            return self._lost(stored, now)
        name = self.ranges.digest(stored.uri)
        text = (
            f"{announced.sender} sent an object announced as SOP Instance UID {announced.sop_instance_uid} that cannot "
            f"be used ({reason}). It belongs to no study; its bytes lie in the quarantine as {name}."
        )
        records = self._quarantined(stored.uri, announced.sop_instance_uid, name, UNREADABLE_KIND, text, "", now)
        return Verdict(records, whole=False, release=True)

    def _lost(self, stored: Stored, now: datetime) -> Verdict:
        """Say so, once per segment: there is nothing left to set aside."""
        text = (
            f"Objects that were acknowledged are gone from the inbox before anybody looked at them (segment "
            f"{stored.segment}; sender {stored.announced.sender}, SOP Instance UID "
            f"{stored.announced.sop_instance_uid or 'not known'} among them). Let the sender send its study again."
        )
        notice = NoticeRaised(f"lost-{stored.segment}", LOST_KIND, text, now.isoformat())
        return Verdict((notice,), whole=False)

    def _quarantined(
        self, uri: str, uid: str, name: str, kind: str, text: str, study: str, now: datetime
    ) -> tuple[Record, ...]:
        if self.catalogue.is_quarantined(name):
            return ()
        self.ranges.quarantine(uri, name)
        return (InstanceQuarantined(name, kind, text, now.isoformat(), uid, study),)


def _mismatch(stored: Stored, read: Fingerprint) -> str:
    """Compare the request with the object it announced (PS3.7 9.1.1.1: they are the same UIDs)."""
    if stored.announced.sop_instance_uid != read.header.sop_instance_uid:
        return "SOP Instance UID differs from the one announced"
    if stored.announced.sop_class_uid != read.header.sop_class_uid:
        return "SOP Class UID differs from the one announced"
    return ""


def _name(sop_instance_uid: str, content_digest: str, identity_digest: str) -> str:
    """Return the name of the object's file: a digest, so that no path says whose it is."""
    text = f"{sop_instance_uid}|{content_digest}|{identity_digest}"
    return hashlib.sha256(text.encode()).hexdigest()


def _instance(stored: Stored, read: Fingerprint, version: int, now: datetime) -> InstanceStored:
    header = read.header
    return InstanceStored(
        sop_instance_uid=header.sop_instance_uid,
        version=version,
        sop_class_uid=header.sop_class_uid,
        study_instance_uid=header.study_instance_uid,
        series_instance_uid=header.series_instance_uid,
        modality=header.modality,
        content_digest=read.content_digest,
        identity_digest=read.identity_digest,
        blob_uri=stored.uri,
        sender=stored.announced.sender,
        time=now.isoformat(),
        patient_id=header.patient_id,
        issuer=header.issuer,
        birth_date=header.birth_date,
        sex=header.sex,
        study_date=header.study_date,
        body_part=header.body_part,
        laterality=header.frame_laterality or header.image_laterality or header.laterality,
        note=header.note,
        received=stored.received,
        first_received=stored.received,
    )
