"""STOW-RS: every part is answered by itself, and counts only once it is committed."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

import pytest
from pydicom.dataset import Dataset

from services.dicom_listener.handlers.intake import Intake
from services.dicom_listener.handlers.store_parts import Accepted, StoreParts, Taken
from services.dicom_listener.ports.parts import BrokenBodyError
from shared.domain.refusals import Cause
from shared.testing.dicom import data_set_bytes, encoded, small_series
from tests.memory_inbox import MemoryInbox

IMAGES = small_series(3)
STUDY = str(IMAGES[0].StudyInstanceUID)
ACCEPTED = Accepted(
    frozenset({str(IMAGES[0].SOPClassUID)}), frozenset({str(IMAGES[0].file_meta.TransferSyntaxUID)}), 100_000
)


@dataclass
class GivenPart:
    content: bytes
    media_type: str = "application/dicom"
    cut_after: int = 1 << 30
    chunk: int = 100

    def chunks(self) -> Iterator[bytes]:
        for at in range(0, len(self.content), self.chunk):
            if at >= self.cut_after:
                raise BrokenBodyError(Cause.UNREADABLE, "cut")
            yield self.content[at : at + self.chunk]


@pytest.fixture
def inbox() -> MemoryInbox:
    return MemoryInbox()


def store(inbox: MemoryInbox, *parts: GivenPart, study: str = "") -> Taken:
    return StoreParts(Intake(inbox, inbox, inbox), ACCEPTED)(7, "CLIENT", study, iter(parts))


def causes(taken: Taken) -> list[Cause | None]:
    return [answer.cause for answer in taken.answers]


def other(image: Dataset, **changes: str) -> bytes:
    """Return the file of ``image`` with values changed in the data set only."""
    changed = deepcopy(image)
    for keyword, value in changes.items():
        setattr(changed, keyword, value)
    return encoded(image)[: -len(data_set_bytes(image))] + data_set_bytes(changed)


@pytest.mark.parametrize("chunk", [1, 100, 10_000])
def test_the_data_set_goes_into_the_inbox_byte_for_byte(inbox: MemoryInbox, chunk: int) -> None:
    taken = store(inbox, *(GivenPart(encoded(image), chunk=chunk) for image in IMAGES), study=STUDY)

    assert causes(taken) == [None] * 3
    assert [content for _, content in inbox.objects] == [data_set_bytes(image) for image in IMAGES]
    assert inbox.objects[0][0].sop_instance_uid == IMAGES[0].SOPInstanceUID
    assert inbox.objects[0][0].association == 7
    assert inbox.told[0] == ("opened", "CLIENT")
    assert inbox.told[-1] == ("ended", True)
    assert inbox.open_inlets == 0


@pytest.mark.parametrize(
    ("part", "cause"),
    [
        (GivenPart(encoded(IMAGES[0]), media_type="application/json"), Cause.NOT_SUPPORTED),
        (GivenPart(b""), Cause.UNREADABLE),
        (GivenPart(b"not DICOM" * 100), Cause.UNREADABLE),
        (GivenPart(encoded(IMAGES[0])[:200]), Cause.UNREADABLE),
        (GivenPart(encoded(IMAGES[0])[:-30]), None),  # only pixels are missing: judged later
        (GivenPart(encoded(IMAGES[0])[: -len(data_set_bytes(IMAGES[0]))]), Cause.UNREADABLE),
        (GivenPart(encoded(IMAGES[0])[: -len(data_set_bytes(IMAGES[0]))] + b"\xff" * 500), Cause.UNREADABLE),
        (GivenPart(encoded(IMAGES[0]) + bytes(100_001)), Cause.TOO_LARGE),
        (GivenPart(other(IMAGES[0], SOPInstanceUID="1.2.3")), Cause.DOES_NOT_MATCH),
        (GivenPart(other(IMAGES[0], SOPClassUID="1.2.3")), Cause.DOES_NOT_MATCH),
        (GivenPart(encoded(IMAGES[0])[:132] + b"\x02\x00\x00\x00UL\x04\x00\xff\xff\xff\x7f"), Cause.UNREADABLE),
    ],
)
def test_a_part_that_is_refused_says_why_and_stops_no_other(
    inbox: MemoryInbox, part: GivenPart, cause: Cause | None
) -> None:
    taken = store(inbox, part, GivenPart(encoded(IMAGES[1])))

    assert causes(taken) == [cause, None]
    assert len(inbox.objects) == (1 if cause else 2)
    assert (("refused", cause) in inbox.told) is bool(cause)
    assert inbox.told[-1] == ("ended", True)


def test_an_instance_of_another_study_than_the_url_names_does_not_match(inbox: MemoryInbox) -> None:
    taken = store(inbox, GivenPart(encoded(IMAGES[0])), study="1.2.3")

    assert causes(taken) == [Cause.DOES_NOT_MATCH]
    assert taken.answers[0].sop_instance_uid == IMAGES[0].SOPInstanceUID
    assert inbox.discarded == 1


def test_a_transfer_syntax_or_class_that_is_not_taken_is_told_apart(inbox: MemoryInbox) -> None:
    accepted = Accepted(frozenset(), ACCEPTED.transfer_syntaxes, 1 << 20)
    undecodable = Accepted(ACCEPTED.sop_classes, frozenset(), 1 << 20)
    part = GivenPart(encoded(IMAGES[0]))

    assert causes(StoreParts(Intake(inbox, inbox, inbox), accepted)(1, "A", "", [part])) == [Cause.NOT_SUPPORTED]
    assert causes(StoreParts(Intake(inbox, inbox, inbox), undecodable)(1, "A", "", [part])) == [
        Cause.ENCODING_NOT_SUPPORTED
    ]


def test_a_cut_body_leaves_what_was_committed_and_nothing_of_the_part_in_hand(inbox: MemoryInbox) -> None:
    taken = store(inbox, GivenPart(encoded(IMAGES[0])), GivenPart(encoded(IMAGES[1]), cut_after=700))

    assert causes(taken) == [None]
    assert taken.broken is Cause.UNREADABLE
    assert len(inbox.objects) == 1
    assert inbox.discarded == 1
    assert inbox.told[-2:] == [("refused", Cause.UNREADABLE), ("ended", False)]
    assert inbox.open_inlets == 0


def test_a_full_disk_refuses_part_by_part(inbox: MemoryInbox) -> None:
    inbox.full_after = 1

    taken = store(inbox, *(GivenPart(encoded(image)) for image in IMAGES))

    assert causes(taken) == [None, Cause.OUT_OF_SPACE, Cause.OUT_OF_SPACE]
    assert inbox.told[-1] == ("ended", True)
