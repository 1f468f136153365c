"""What the journal holds: one frozen record per thing that happened and must survive."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InstanceStored:
    """An object became a member of its study. ``version`` above 1: a correction of its identity.

    Attribute values are kept as sent (padding removed); this record identifies a person and is never logged.
    """

    sop_instance_uid: str
    version: int
    sop_class_uid: str
    study_instance_uid: str
    series_instance_uid: str
    modality: str
    content_digest: str
    identity_digest: str
    blob_uri: str
    sender: str
    """Calling AE title."""
    time: str
    """ISO 8601 with zone."""
    patient_id: str = ""
    issuer: str = ""
    birth_date: str = ""
    sex: str = ""
    study_date: str = ""
    body_part: str = ""
    laterality: str = ""
    """Image Laterality, else Laterality."""
    note: str = ""
    """What was unusual about reading it, for a person; without identifying data."""
    received: str = ""
    """When it was acknowledged (``ports.inbox.Stored.received``); of one content the last received is current."""
    first_received: str = ""
    """When this content was received first."""
    reign: int = 0
    """One more each time an earlier content is judged after this one: the first received stays, in any order."""

    @property
    def rank(self) -> str:
        """Return what orders the versions of an instance; the greatest is the current one."""
        return f"{self.reign:06d}|{self.received}|{self.version:09d}"


@dataclass(frozen=True, slots=True)
class InstanceAgain:
    """A version was received again (its bytes are not needed), or its content with another identity."""

    sop_instance_uid: str
    version: int
    received: str
    same: bool = True
    """False: with another identity, so only ``first_received`` follows."""


@dataclass(frozen=True, slots=True)
class InstanceQuarantined:
    """An object was set aside, whole, and a person must look. It is no member of any study."""

    quarantine_id: str
    """Digest; the same object set aside twice is one quarantine. Also the file's name."""
    kind: str
    """Kind of the notice a person gets."""
    text: str
    """One sentence without identifying data."""
    time: str
    sop_instance_uid: str = ""
    study_instance_uid: str = ""


@dataclass(frozen=True, slots=True)
class OwnOutputSeen:
    """One of our own objects came back: not applicable, nothing stored, never counted."""

    sop_instance_uid: str
    study_instance_uid: str
    time: str


@dataclass(frozen=True, slots=True)
class StudyCompleted:
    """A study was taken to be complete, on this evidence, with these instances."""

    study_instance_uid: str
    ordinal: int
    """1 for the first time, 2 for the next ..."""
    fingerprint: str
    """Digest of the set of current instances, see ``handlers.study``."""
    evidence: str
    """``shared.domain.study.CompletenessEvidence``."""
    detail: str
    time: str
    sender: str


@dataclass(frozen=True, slots=True)
class StudySubmitted:
    """Results answered for this completion."""

    study_instance_uid: str
    ordinal: int
    outcome: str
    """``accepted`` or ``refused``."""
    time: str


@dataclass(frozen=True, slots=True)
class NoticeRaised:
    """A person must be told."""

    notice_id: str
    kind: str
    text: str
    time: str


@dataclass(frozen=True, slots=True)
class NoticeDelivered:
    """Results has the notice (or refused it for good)."""

    notice_id: str
    outcome: str
    time: str


@dataclass(frozen=True, slots=True)
class SegmentJudged:
    """Everything of a segment of the inbox before ``offset`` was judged; a restart begins there."""

    segment: str
    offset: int


@dataclass(frozen=True, slots=True)
class PixelsChecked:
    """Whether the pixel data of a stored object can be read, found out in the jail."""

    sop_instance_uid: str
    study_instance_uid: str
    content_digest: str
    outcome: str
    """``shared.dicom.pixels.PixelOutcome``."""
    reason: str
    """One clause without identifying data; empty where they can."""
    time: str


@dataclass(frozen=True, slots=True)
class CommitmentRequested:
    """Somebody asked whether we hold these instances (storage commitment), and was told that we will say."""

    requestor: str
    """Calling AE title."""
    transaction_uid: str
    references: tuple[tuple[str, str], ...]
    """SOP Class UID and SOP Instance UID."""
    turn: int
    """1; one more each time the same transaction is asked again after its report."""
    time: str

    def __post_init__(self) -> None:
        """Take references as JSON gives them back."""
        object.__setattr__(self, "references", tuple((pair[0], pair[1]) for pair in self.references))


@dataclass(frozen=True, slots=True)
class CommitmentReported:
    """The requestor has the report, or could not be reached for so long that a person was told."""

    requestor: str
    transaction_uid: str
    turn: int
    outcome: str
    """``delivered`` or ``given_up``."""
    time: str


@dataclass(frozen=True, slots=True)
class ErasureAsked:
    """A patient's objects were taken out of the catalogue. Nothing in it says whose they were."""

    erasure_id: str
    instances: int
    """Every version counted."""
    studies: int
    quarantined: int
    digest: str
    """sha256 (hex) over what was to be erased: the same list has the same digest."""
    time: str


@dataclass(frozen=True, slots=True)
class ErasureFinished:
    """Their bytes, and every line that named them, are gone."""

    erasure_id: str
    time: str


Record = (
    InstanceStored
    | InstanceAgain
    | InstanceQuarantined
    | OwnOutputSeen
    | StudyCompleted
    | StudySubmitted
    | NoticeRaised
    | NoticeDelivered
    | SegmentJudged
    | PixelsChecked
    | CommitmentRequested
    | CommitmentReported
    | ErasureAsked
    | ErasureFinished
)
