"""Which lines of the journal an erasure takes out."""

from __future__ import annotations

from collections.abc import Callable

from services.dicom_listener.ports.erasure import Doomed
from services.dicom_listener.ports.records import (
    CommitmentReported,
    CommitmentRequested,
    InstanceAgain,
    InstanceQuarantined,
    InstanceStored,
    NoticeDelivered,
    NoticeRaised,
    OwnOutputSeen,
    PixelsChecked,
    Record,
    StudyCompleted,
    StudySubmitted,
)


def names(doomed: Doomed) -> Callable[[Record], bool]:
    """Return a function that tells whether a record must go; marks and erasures name nobody and stay."""
    uris = frozenset(uri for _, _, uri in doomed.instances)
    sops, studies = frozenset(doomed.sops), frozenset(doomed.studies)
    notices, commitments = frozenset(doomed.notices), frozenset(doomed.commitments)

    def named(record: Record) -> bool:
        match record:
            case InstanceStored():
                return record.blob_uri in uris
            case InstanceQuarantined():
                return record.quarantine_id in notices
            case NoticeRaised() | NoticeDelivered():
                return record.notice_id in notices
            case PixelsChecked() | InstanceAgain():
                return record.sop_instance_uid in sops
            case OwnOutputSeen() | StudyCompleted() | StudySubmitted():
                return record.study_instance_uid in studies
            case CommitmentRequested() | CommitmentReported():
                return (record.requestor, record.transaction_uid) in commitments
        return False

    return named
