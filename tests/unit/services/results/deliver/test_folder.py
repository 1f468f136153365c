"""The folder sink: whole files under derived names, one current result, everything else kept aside."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pydicom
import pytest

from services.results.deliver.adapters.archive_objects import ArchiveObjects
from services.results.deliver.adapters.folder import FolderSink
from services.results.ledger.findings import Finding
from shared.domain.errors import PermanentError, UnavailableError
from shared.domain.identity import AssigningAuthority, IdentityMap
from shared.storage.blobs import LocalBlobs
from tests.findings import Findings, left_behind
from tests.imaged import Imaged
from tests.panels import Panels


@dataclass(frozen=True)
class OnePage:
    """A page that says which finding it is of."""

    def page(self, finding: Finding) -> bytes:
        return f"%PDF {finding.finding_id} {finding.kind}".encode()


IDENTITIES = IdentityMap((AssigningAuthority("hospital", "", "urn:hospital"),))
BOTH = ("dicom-sr", "fhir-transaction")
ALL = (*BOTH, "pdf")


@pytest.fixture
def sink(tmp_path: Path, archive: ArchiveObjects) -> FolderSink:
    return FolderSink("folder", tmp_path / "out", BOTH, archive, IDENTITIES, OnePage())


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
    tmp_path: Path, archive: ArchiveObjects, findings: Findings
) -> None:
    sink = FolderSink("folder", tmp_path / "out", BOTH, archive, IdentityMap(()), OnePage())
    with pytest.raises(PermanentError, match="identity map"):
        sink.deliver(findings.prediction(), ())


def test_a_page_lies_beside_the_objects_for_a_person_to_open(sink: FolderSink, findings: Findings) -> None:
    sent = replace(sink, objects=ALL).deliver(findings.prediction(), ())
    assert current(sink) == {f"{sent.object_id}{suffix}" for suffix in (".dcm", ".fhir.json", ".pdf")}
    assert (sink.folder / f"{sent.object_id}.pdf").read_bytes() == b"%PDF f1 prediction"


def test_laboratory_values_have_no_sr(sink: FolderSink) -> None:
    sent = replace(sink, objects=ALL).deliver(Panels().prediction(), ())
    assert current(sink) == {f"{sent.object_id}.fhir.json", f"{sent.object_id}.pdf"}
    assert sent.location.endswith(".pdf")


def test_a_withdrawn_panel_leaves_only_the_page_that_says_so(sink: FolderSink) -> None:
    everything, panels = replace(sink, objects=ALL), Panels()
    first = panels.prediction()
    left = everything.deliver(first, ())
    gone = everything.deliver(panels.withdrawal(first), (left_behind(first, left.object_id),))
    assert current(sink) == {f"{gone.object_id}.pdf"}
    assert Path(gone.location).read_bytes() == b"%PDF l2 withdrawn"


def test_region_and_map_lie_beside_the_report_and_leave_with_it(sink: FolderSink, blobs: LocalBlobs) -> None:
    look = replace(sink.archive.style, pictures=("dicom-seg", "dicom-pm"))
    seeing = replace(sink, archive=replace(sink.archive, style=look))
    first = Imaged(blobs).finding()
    sent = seeing.deliver(first, ())
    assert seeing.deliver(first, ()) == sent
    beside = {f"{sent.object_id}{suffix}" for suffix in (".dcm", ".seg.dcm", ".pm.dcm", ".fhir.json")}
    assert current(seeing) == beside
    gone = seeing.deliver(Findings(blobs).withdrawal(first), (left_behind(first, sent.object_id),))
    assert current(seeing) == {f"{gone.object_id}.dcm"}
    assert beside <= {path.name for path in (seeing.folder / "superseded").iterdir()}
