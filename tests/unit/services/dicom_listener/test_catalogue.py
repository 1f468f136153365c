"""The journal is the truth: the index can be lost, old or torn, and says the same again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from zlib import crc32

import pytest

from services.dicom_listener.adapters.catalogue import JournaledCatalogue, open_catalogue
from services.dicom_listener.adapters.index import Index
from services.dicom_listener.adapters.journal import JournalFolder
from services.dicom_listener.formats.journal_line import decode, encode
from services.dicom_listener.handlers.study import fingerprint_of
from services.dicom_listener.ports.records import (
    InstanceQuarantined,
    InstanceStored,
    NoticeDelivered,
    NoticeRaised,
    OwnOutputSeen,
    Record,
    StudyCompleted,
    StudySubmitted,
)
from shared.domain.errors import ConflictError, OutOfResourcesError

TIME = "2026-01-15T10:00:00+00:00"
ONE = InstanceStored("1.1", 1, "1.2.840", "1.9", "1.8", "MR", "c1", "i1", "file:///x", "PACS", TIME, patient_id="Ä|1")
TWO = replace(ONE, sop_instance_uid="1.2", content_digest="c2")
CORRECTED = replace(ONE, version=2, identity_digest="i2", patient_id="P2")
QUARANTINED = InstanceQuarantined("q1", "dicom_uid_clash", "text", TIME, "1.1", "1.9")


def _completed(*instances: InstanceStored, ordinal: int = 1) -> StudyCompleted:
    return StudyCompleted("1.9", ordinal, fingerprint_of(instances), "quiet_time", "quiet", TIME, "PACS")


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[JournaledCatalogue]:
    opened = open_catalogue(tmp_path)
    yield opened
    opened.close()


def _record(catalogue: JournaledCatalogue, *records: Record) -> None:
    for record in records:
        catalogue.record(record)


def _reopened(folder: Path, *records: Record) -> JournaledCatalogue:
    first = open_catalogue(folder)
    _record(first, *records)
    first.close()
    return open_catalogue(folder)


@pytest.mark.parametrize(
    "record",
    [
        ONE, QUARANTINED, OwnOutputSeen("1.3", "1.9", TIME), _completed(ONE),
        StudySubmitted("1.9", 1, "accepted", TIME),
        NoticeRaised("n", "k", "text\nof two lines", TIME), NoticeDelivered("n", "accepted", TIME),
    ],
)  # fmt: skip
def test_every_record_survives_its_line(record: Record) -> None:
    line = encode(record)

    assert line.count(b"\n") == 1
    assert decode(line[:-1]) == record


@pytest.mark.parametrize("cut", [1, 9, 30])
def test_a_torn_line_is_no_record(cut: int) -> None:
    assert decode(encode(ONE)[:-1][:-cut]) is None


def test_a_changed_byte_is_no_record() -> None:
    assert decode(encode(ONE)[:-1].replace(b"1.9", b"1.7")) is None


def test_the_newest_version_is_the_current_one(catalogue: JournaledCatalogue) -> None:
    _record(catalogue, ONE, TWO, CORRECTED)

    assert catalogue.current("1.1") == CORRECTED
    assert catalogue.instances("1.9") == (CORRECTED, TWO)


def test_a_study_is_unfinished_until_completed_with_these_instances(catalogue: JournaledCatalogue) -> None:
    _record(catalogue, ONE, _completed(ONE))
    assert catalogue.unfinished_studies() == ()

    _record(catalogue, TWO)
    assert catalogue.unfinished_studies() == ("1.9",)


def test_a_completion_is_due_until_results_answered(catalogue: JournaledCatalogue) -> None:
    _record(catalogue, ONE, _completed(ONE))
    assert catalogue.due_submissions() == (_completed(ONE),)

    _record(catalogue, StudySubmitted("1.9", 1, "accepted", TIME))
    assert catalogue.due_submissions() == ()


def test_a_quarantine_is_a_notice_until_it_is_delivered(catalogue: JournaledCatalogue) -> None:
    _record(catalogue, QUARANTINED)
    assert catalogue.is_quarantined("q1")
    assert [notice.kind for notice in catalogue.due_notices()] == ["dicom_uid_clash"]

    _record(catalogue, NoticeDelivered("q1", "accepted", TIME))
    assert catalogue.due_notices() == ()


def test_our_own_output_is_counted_apart(catalogue: JournaledCatalogue) -> None:
    _record(catalogue, ONE, OwnOutputSeen("1.3", "1.9", TIME))

    assert catalogue.is_own_output("1.3")
    assert catalogue.own_output_count("1.9") == 1
    assert catalogue.instances("1.9") == (ONE,)


EVERYTHING: tuple[Record, ...] = (
    ONE, _completed(ONE), StudySubmitted("1.9", 1, "accepted", TIME), TWO, CORRECTED, QUARANTINED,
    _completed(CORRECTED, TWO, ordinal=2),
)  # fmt: skip


def _says_everything(catalogue: JournaledCatalogue) -> bool:
    return (
        catalogue.instances("1.9") == (CORRECTED, TWO)
        and [due.ordinal for due in catalogue.due_submissions()] == [2]
        and catalogue.unfinished_studies() == ()
        and len(catalogue.due_notices()) == 1
    )


def test_a_restart_changes_nothing(tmp_path: Path) -> None:
    reopened = _reopened(tmp_path, *EVERYTHING)

    assert _says_everything(reopened)
    reopened.close()


@pytest.mark.parametrize("content", [None, b"not a database at all, but long enough to be looked at" * 40])
def test_a_lost_or_ruined_index_is_rebuilt(content: bytes | None, tmp_path: Path) -> None:
    _reopened(tmp_path, *EVERYTHING).close()
    for path in tmp_path.glob("index.sqlite*"):
        path.unlink()
    if content:
        (tmp_path / "index.sqlite").write_bytes(content)

    rebuilt = open_catalogue(tmp_path)

    assert _says_everything(rebuilt)
    rebuilt.close()


def test_an_index_behind_the_journal_catches_up(tmp_path: Path) -> None:
    _reopened(tmp_path, ONE).close()
    segments = JournalFolder(tmp_path / "journal")
    with (segments.folder / f"{max(segments.segments()):06d}.jsonl").open("ab") as stream:
        stream.write(encode(TWO))

    caught_up = open_catalogue(tmp_path)

    assert caught_up.instances("1.9") == (ONE, TWO)
    caught_up.close()


@pytest.mark.parametrize("tail", [encode(TWO)[:-1], encode(TWO)[:40], b"\0" * 4096])
def test_a_torn_tail_is_skipped_and_the_rest_stays(tail: bytes, tmp_path: Path) -> None:
    _reopened(tmp_path, ONE).close()
    with (tmp_path / "journal" / "000001.jsonl").open("ab") as stream:
        stream.write(tail)
    (tmp_path / "index.sqlite").unlink()

    reopened = open_catalogue(tmp_path)

    assert reopened.instances("1.9") == (ONE,)
    reopened.close()


def test_many_threads_lose_no_record(tmp_path: Path) -> None:
    catalogue = open_catalogue(tmp_path)
    records = [replace(ONE, sop_instance_uid=f"1.{number}") for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(catalogue.record, records))
    catalogue.close()

    assert len(list(JournalFolder(tmp_path / "journal").read(1))) == 200


def test_an_index_that_cannot_be_written_is_trouble_that_passes_and_no_defect(tmp_path: Path) -> None:
    index = Index(tmp_path / "index.sqlite")
    index.close()

    with pytest.raises(OutOfResourcesError):
        index.rows("SELECT 1")
    with pytest.raises(OutOfResourcesError):
        index.apply()


def _lines(folder: Path) -> list[Record]:
    journal = JournalFolder(folder)
    return [record for segment in journal.segments() for record in journal.read(segment)]


def test_after_a_sync_that_failed_the_journal_goes_on_in_another_segment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, writer = JournalFolder(tmp_path).begin()

    def refuse(descriptor: int) -> None:
        raise OSError(5, "EIO")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refuse)
        for _ in range(2):
            with pytest.raises(OutOfResourcesError):
                writer.append(ONE)
        assert not writer.well
    (tmp_path / "000001.jsonl").unlink()  # nobody knows what of it is on disk
    writer.append(TWO)
    writer.close()

    assert writer.well
    assert ONE in _lines(tmp_path)
    assert _lines(tmp_path)[-1] == TWO


def test_nothing_is_glued_to_a_line_that_was_not_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, writer = JournalFolder(tmp_path).begin()
    real = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda descriptor, line: real(descriptor, line[:20]))
        with pytest.raises(OutOfResourcesError):
            writer.append(ONE)
    writer.append(TWO)
    writer.close()

    assert _lines(tmp_path) == [TWO]


def _line_of(tree: dict[str, object]) -> bytes:
    body = json.dumps(tree).encode()
    return b"%08x %d %s" % (crc32(body), len(body), body)


def test_a_field_of_a_newer_version_is_left_out() -> None:
    record = {**asdict(ONE), "of_a_newer_version": 1}

    assert decode(_line_of({"kind": "InstanceStored", "record": record})) == ONE


@pytest.mark.parametrize("tree", [{"kind": "Newer", "record": {}}, {"kind": "InstanceStored", "record": {}}])
def test_what_this_version_cannot_read_is_refused_with_what_to_do(tree: dict[str, object]) -> None:
    with pytest.raises(ConflictError, match="start the version that wrote it"):
        decode(_line_of(tree))
