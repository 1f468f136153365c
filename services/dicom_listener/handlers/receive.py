"""What happens to one object: stored, known already, corrected, quarantined, our own, or refused.

The table (system rule 7), for an object whose SOP Instance UID is stored already:

    content    identity    what happens                                              answer
    same       same        nothing (or put back, where its file was lost)            Success
    same       other       stored as a new version, which becomes the current one    Success
    other      any         the first stays; the second goes to quarantine; notice    Success

Why the last answer is Success: the bytes *are* on disk and on record, so nothing is lost if the sender forgets them.
PS3.4 table B.2-1 has no warning that says "kept apart" (B000, B006 and B007 would be untrue), and 0111 (duplicate SOP
Instance) is a failure: DCMTK's senders and many archives stop the whole association at the first failure and would
withhold the rest of the study, or repeat the same object for ever. The person who can decide gets a notice instead.
An object that cannot be read is different: nobody can say which study misses it, so the sender must know (C000, A900);
its bytes are quarantined as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from services.dicom_listener.ports.receiving import (
    CANNOT_UNDERSTAND,
    DOES_NOT_MATCH,
    OUT_OF_RESOURCES,
    SUCCESS,
    Answer,
    Received,
)
from services.dicom_listener.ports.records import InstanceQuarantined, InstanceStored, OwnOutputSeen
from services.dicom_listener.ports.stores import Catalogue, ObjectFiles
from shared.dicom.fingerprint import Fingerprint
from shared.dicom.own_output import is_own_output
from shared.domain.errors import InvalidInputError

DUPLICATE_KIND = "dicom_uid_clash"
"""Notice: a known SOP Instance UID came with other content."""
UNREADABLE_KIND = "dicom_unreadable"
"""Notice: an object could not be read or placed."""
_LOCKS = 64


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer, and the study that now has (or had) this instance; empty where none is concerned."""

    answer: Answer
    study_instance_uid: str = ""


@dataclass(frozen=True, slots=True)
class ReceiveInstance:
    """Decide over one object and make it durable before answering."""

    files: ObjectFiles
    catalogue: Catalogue
    device_uid: str
    min_free_bytes: int
    now: Callable[[], datetime]
    locks: tuple[Lock, ...] = field(default_factory=lambda: tuple(Lock() for _ in range(_LOCKS)))
    """The same SOP Instance UID over two associations: one after the other."""

    def __call__(self, received: Received) -> Outcome:
        """Return the answer for the sender.

        Raises:
            TemporaryError: If the disk refuses; nothing was recorded.
        """
        if self.files.free_bytes() < self.min_free_bytes:
            return Outcome(Answer(OUT_OF_RESOURCES, "not enough free disk, try again later"))
        try:
            read = self.files.read(received.spooled, received.transfer_syntax)
        except InvalidInputError as error:
            return self._unreadable(received, CANNOT_UNDERSTAND, str(error))
        mismatch = _mismatch(received, read)
        if mismatch:
            return self._unreadable(received, DOES_NOT_MATCH, mismatch)
        if is_own_output(read.header, self.device_uid):
            return self._own_output(read)
        with self.locks[hash(read.header.sop_instance_uid) % len(self.locks)]:
            return self._member(received, read)

    def _member(self, received: Received, read: Fingerprint) -> Outcome:
        known = self.catalogue.current(read.header.sop_instance_uid)
        if known and known.content_digest != read.content_digest:
            return self._clash(received, read)
        same = known if known and known.identity_digest == read.identity_digest else None
        if not (same and self.files.holds(same.blob_uri)):
            uri = self.files.keep(received.spooled, _name(read))
            if not same:
                version = known.version + 1 if known else 1
                self.catalogue.record(_stored(read, uri, version, received.sender, self.now()))
        return Outcome(SUCCESS, read.header.study_instance_uid)

    def _own_output(self, read: Fingerprint) -> Outcome:
        header = read.header
        if not self.catalogue.is_own_output(header.sop_instance_uid):
            seen = OwnOutputSeen(header.sop_instance_uid, header.study_instance_uid, self.now().isoformat())
            self.catalogue.record(seen)
        return Outcome(SUCCESS)

    def _clash(self, received: Received, read: Fingerprint) -> Outcome:
        header = read.header
        text = (
            f"{received.sender} sent SOP Instance UID {header.sop_instance_uid} again with other content. The first "
            f"object is kept and used; the second lies in the quarantine as {_name(read)} and is not."
        )
        self._quarantine(received, _name(read), DUPLICATE_KIND, text, header.study_instance_uid)
        return Outcome(SUCCESS, header.study_instance_uid)

    def _unreadable(self, received: Received, status: int, reason: str) -> Outcome:
        name = self.files.digest(received.spooled)
        text = (
            f"{received.sender} sent an object announced as SOP Instance UID {received.sop_instance_uid} that cannot "
            f"be used ({reason}). It was refused; its bytes lie in the quarantine as {name}."
        )
        self._quarantine(received, name, UNREADABLE_KIND, text, "")
        return Outcome(Answer(status, reason[:64]))

    def _quarantine(self, received: Received, name: str, kind: str, text: str, study: str) -> None:
        if self.catalogue.is_quarantined(name):
            return
        self.files.quarantine(received.spooled, name)
        stamp = self.now().isoformat()
        self.catalogue.record(InstanceQuarantined(name, kind, text, stamp, received.sop_instance_uid, study))


def _mismatch(received: Received, read: Fingerprint) -> str:
    """Compare the request with the object it announces (PS3.7 9.1.1.1: they are the same UIDs)."""
    if received.sop_instance_uid != read.header.sop_instance_uid:
        return "SOP Instance UID differs from the one announced"
    if received.sop_class_uid != read.header.sop_class_uid:
        return "SOP Class UID differs from the one announced"
    return ""


def _name(read: Fingerprint) -> str:
    """Return the name of the object's file: a digest, so that no path says whose it is."""
    text = f"{read.header.sop_instance_uid}|{read.content_digest}|{read.identity_digest}"
    return hashlib.sha256(text.encode()).hexdigest()


def _stored(read: Fingerprint, uri: str, version: int, sender: str, now: datetime) -> InstanceStored:
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
        blob_uri=uri,
        sender=sender,
        time=now.isoformat(),
        patient_id=header.patient_id,
        issuer=header.issuer,
        birth_date=header.birth_date,
        sex=header.sex,
        study_date=header.study_date,
        body_part=header.body_part,
        laterality=header.image_laterality or header.laterality,
    )
