"""The folder sink: whole files under derived names, one current result, everything else kept aside."""

from __future__ import annotations

import json
from pathlib import Path

import pydicom
import pytest

from services.results.deliver.adapters.folder import FolderSink
from services.results.deliver.adapters.source_headers import SourceHeaders
from services.results.deliver.formats.style import Style
from shared.domain.errors import PermanentError, UnavailableError
from shared.domain.identity import AssigningAuthority, IdentityMap
from tests.findings import Findings, left_behind

IDENTITIES = IdentityMap((AssigningAuthority("hospital", "", "urn:hospital"),))
BOTH = ("dicom-sr", "fhir-transaction")


@pytest.fixture
def sink(tmp_path: Path, headers: SourceHeaders, style: Style) -> FolderSink:
    return FolderSink("folder", tmp_path / "out", BOTH, headers, style, IDENTITIES)


def current(sink: FolderSink) -> set[str]:
    return {path.name for path in sink.folder.iterdir() if path.is_file()}


def test_both_objects_lie_under_names_without_a_person_in_them(sink: FolderSink, findings: Findings) -> None:
    sent = sink.deliver(findings.prediction(), ())
    assert current(sink) == {f"{sent.object_id}.dcm", f"{sent.object_id}.fhir.json"}
    assert pydicom.dcmread(sent.location).SOPInstanceUID == sent.object_id
    assert json.loads((sink.folder / f"{sent.object_id}.fhir.json").read_bytes())["type"] == "transaction"


def test_a_repeat_makes_nothing_new(sink: FolderSink, findings: Findings) -> None:
    first = sink.deliver(findings.prediction(), ())
    before = current(sink)
    assert sink.deliver(findings.prediction(), ()) == first
    assert current(sink) == before


def test_a_later_result_leaves_one_current(sink: FolderSink, findings: Findings) -> None:
    first = findings.not_analysed()
    sent = sink.deliver(first, ())
    later = sink.deliver(findings.later(first), (left_behind(first, sent.object_id),))
    assert current(sink) == {f"{later.object_id}.dcm", f"{later.object_id}.fhir.json"}
    assert (sink.folder / "superseded" / f"{sent.object_id}.dcm").exists()


def test_a_withdrawal_leaves_only_the_document_that_says_so(sink: FolderSink, findings: Findings) -> None:
    first = findings.prediction()
    sent = sink.deliver(first, ())
    gone = sink.deliver(findings.withdrawal(first), (left_behind(first, sent.object_id),))
    assert current(sink) == {f"{gone.object_id}.dcm"}


def test_another_file_under_the_name_is_never_overwritten(sink: FolderSink, findings: Findings) -> None:
    sent = sink.deliver(findings.prediction(), ())
    Path(sent.location).write_bytes(b"something else")
    with pytest.raises(PermanentError, match="another file"):
        sink.deliver(findings.prediction(), ())


def test_a_folder_that_cannot_be_written_is_a_temporary_failure(sink: FolderSink, findings: Findings) -> None:
    sink.folder.write_bytes(b"a file where the folder should be")
    with pytest.raises(UnavailableError):
        sink.deliver(findings.prediction(), ())


def test_an_authority_without_a_fhir_system_is_said_so(
    tmp_path: Path, headers: SourceHeaders, style: Style, findings: Findings
) -> None:
    sink = FolderSink("folder", tmp_path / "out", BOTH, headers, style, IdentityMap(()))
    with pytest.raises(PermanentError, match="identity map"):
        sink.deliver(findings.prediction(), ())
