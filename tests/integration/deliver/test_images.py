"""Region, picture, heatmap and report in a real Orthanc: stored, read back, repeated, replaced, taken back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import highdicom
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import (
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    ParametricMapStorage,
    SegmentationStorage,
)
from pynetdicom import AE, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined]  # made at import
    Comprehensive3DSRStorage,
    StudyRootQueryRetrieveInformationModelFind,
)

from services.results.config import Settings, SinkSettings
from services.results.deliver.adapters.sinks import build_sink
from services.results.deliver.ports import Sink
from services.results.ledger.findings import Finding
from shared.domain.errors import PermanentError
from shared.storage.blobs import LocalBlobs
from shared.testing.ports import free_port
from tests.findings import Findings, encoded, left_behind
from tests.imaged import Imaged
from tests.integration.deliver.conftest import OUR_TITLE, Pacs

pytestmark = pytest.mark.integration

PICTURES = {SegmentationStorage, ParametricMapStorage, MultiFrameTrueColorSecondaryCaptureImageStorage}


@pytest.fixture(params=["cstore", "cstore with commitment", "stow"])
def table(request: pytest.FixtureRequest, pacs: Pacs) -> SinkSettings:
    tables = {
        "cstore": pacs.sink(),
        "cstore with commitment": pacs.sink(storage_commitment=True, commitment_port=pacs.commitment_port),
        "stow": SinkSettings(name="pacs", kind="dicom-stow", url=pacs.orthanc.dicomweb_url),
    }
    return tables[request.param]


@pytest.fixture
def sink(table: SinkSettings, settings: Settings, opened: ExitStack) -> Sink:
    return build_sink(settings, table, opened)


@pytest.fixture
def imaged(request: pytest.FixtureRequest, settings: Settings) -> Imaged:
    return Imaged(LocalBlobs(settings.site.blob_folder), name=request.node.name)


def ours(pacs: Pacs, finding: Finding) -> dict[str, Dataset]:
    """Return what lies in the study besides the MR images, by SOP Instance UID."""
    rows = pacs.orthanc.find("Instance", StudyInstanceUID=finding.study.study_instance_uid)
    stored = [dcmread(BytesIO(pacs.orthanc.dicom(row))) for row in rows]
    return {str(one.SOPInstanceUID): one for one in stored if one.Modality != "MR"}


def by_class(objects: Mapping[str, Dataset]) -> dict[str, Dataset]:
    return {str(one.SOPClassUID): one for one in objects.values()}


def test_report_region_picture_and_map_arrive_and_the_report_is_what_is_named(
    sink: Sink, pacs: Pacs, imaged: Imaged
) -> None:
    finding = imaged.finding()
    sent = sink.deliver(finding, ())
    stored = ours(pacs, finding)
    assert {str(one.SOPClassUID) for one in stored.values()} == {*PICTURES, str(Comprehensive3DSRStorage)}
    assert stored[sent.object_id].Modality == "SR"
    assert "not taken" not in sent.location
    segmentation = by_class(stored)[SegmentationStorage]
    assert int(segmentation.pixel_array.sum()) == imaged.mask.count


def test_a_repeat_makes_nothing_new(sink: Sink, pacs: Pacs, imaged: Imaged) -> None:
    finding = imaged.finding()
    assert sink.deliver(finding, ()) == sink.deliver(finding, ())
    assert len(ours(pacs, finding)) == 4


def test_the_report_measures_the_segment_that_lies_beside_it(sink: Sink, pacs: Pacs, imaged: Imaged) -> None:
    finding = imaged.finding()
    sent = sink.deliver(finding, ())
    stored = ours(pacs, finding)
    report: Any = highdicom.sr.Comprehensive3DSR.from_dataset(stored[sent.object_id])
    (group,) = report.content.get_volumetric_roi_measurement_groups()
    segment = group.roi or group.referenced_segment
    assert segment.referenced_sop_instance_uid == by_class(stored)[SegmentationStorage].SOPInstanceUID
    values = {row.name.meaning: (row.value, row.unit.value) for row in group.get_measurements()}
    assert values["Volume"] == (pytest.approx(imaged.mask.volume_mm3), "mm3")
    assert values["exponential glcm MCC"][0] == pytest.approx(0.731234567890123, abs=1e-14)
    assert values["Radiomics score"] == (-0.8315, "1")


def test_a_region_that_is_not_ours_under_its_uid_is_found_out(sink: Sink, pacs: Pacs, imaged: Imaged) -> None:
    finding = imaged.finding()
    objects = sink.objects.of(finding, (), lambda row: False)  # type: ignore[attr-defined]
    wrong = next(part for part in objects.parts if part.SOPClassUID == SegmentationStorage)
    wrong.PixelData = bytes(len(wrong.PixelData))
    pacs.orthanc.upload(encoded(wrong))
    with pytest.raises(PermanentError, match="PixelData"):
        sink.deliver(finding, ())


@pytest.mark.parametrize("form", ["sr", "rejection-note", "both"])
@pytest.mark.parametrize("later", ["withdrawal", "later"])
def test_what_takes_a_result_back_names_every_picture_of_it(
    form: str, later: str, table: SinkSettings, pacs: Pacs, settings: Settings, opened: ExitStack, imaged: Imaged
) -> None:
    sink = build_sink(settings, table.model_copy(update={"withdrawal": form}), opened)
    first = imaged.finding()
    left = sink.deliver(first, ())
    before = ours(pacs, first)
    following = getattr(Findings(imaged.blobs), later)(first)
    gone = sink.deliver(following, (left_behind(first, left.object_id),))
    assert sink.deliver(following, (left_behind(first, left.object_id),)) == gone
    added = {uid: one for uid, one in ours(pacs, first).items() if uid not in before}
    named = "\n".join(one.to_json() for one in added.values())
    pictures = {uid for uid, one in before.items() if one.Modality != "SR"}
    assert len(pictures) == 3
    assert all(uid in named for uid in pictures)
    notes = [one for one in added.values() if one.Modality == "KO"]
    assert len(notes) == (0 if form == "sr" else 1)
    for note in notes:
        (study,) = note.CurrentRequestedProcedureEvidenceSequence
        rejected = {i.ReferencedSOPInstanceUID for s in study.ReferencedSeriesSequence for i in s.ReferencedSOPSequence}
        assert rejected == (set(before) if later == "withdrawal" else pictures)


def test_what_never_lay_there_is_not_taken_back(
    pacs: Pacs, settings: Settings, opened: ExitStack, imaged: Imaged
) -> None:
    only_reports = pacs.sink(withdrawal="both", objects=("dicom-sr",))
    sink = build_sink(settings, only_reports, opened)
    first = imaged.finding()
    left = sink.deliver(first, ())
    sink.deliver(Findings(imaged.blobs).withdrawal(first), (left_behind(first, left.object_id),))
    (note,) = (one for one in ours(pacs, first).values() if one.Modality == "KO")
    (study,) = note.CurrentRequestedProcedureEvidenceSequence
    named = [i.ReferencedSOPInstanceUID for s in study.ReferencedSeriesSequence for i in s.ReferencedSOPSequence]
    assert named == [left.object_id]


@dataclass
class Narrow:
    """An archive that takes reports and segmentations, and nothing else."""

    port: int
    stored: dict[str, Dataset] = field(default_factory=dict)

    def keep(self, event: evt.Event) -> int:
        self.stored[str(event.dataset.SOPInstanceUID)] = event.dataset
        return 0x0000

    def find(self, event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        found = self.stored.get(str(event.identifier.SOPInstanceUID))
        if found is not None:
            row = Dataset()
            row.QueryRetrieveLevel = "IMAGE"
            row.SOPInstanceUID, row.PatientID = found.SOPInstanceUID, found.PatientID
            yield 0xFF00, row


@pytest.fixture
def narrow() -> Iterator[Narrow]:
    archive = Narrow(free_port())
    entity = AE("NARROW")
    for kind in (Comprehensive3DSRStorage, SegmentationStorage, StudyRootQueryRetrieveInformationModelFind):
        entity.add_supported_context(kind)
    handlers: list[Any] = [(evt.EVT_C_STORE, archive.keep), (evt.EVT_C_FIND, archive.find)]
    server = entity.start_server(("127.0.0.1", archive.port), block=False, evt_handlers=handlers)
    yield archive
    if server is not None:
        server.shutdown()


def test_an_archive_that_takes_no_pictures_still_gets_the_report_and_that_is_said(
    narrow: Narrow, settings: Settings, opened: ExitStack, imaged: Imaged
) -> None:
    table = SinkSettings(
        name="narrow", kind="dicom-cstore", port=narrow.port, ae_title="NARROW", calling_ae_title=OUR_TITLE, timeout_s=5
    )
    sent = build_sink(settings, table, opened).deliver(imaged.finding(), ())
    assert {one.Modality for one in narrow.stored.values()} == {"SR", "SEG"}
    assert sent.location.endswith("(not taken there: parametric map, picture)")
    assert sent.object_id in narrow.stored


def test_a_picture_shows_the_region_where_the_source_has_it(sink: Sink, pacs: Pacs, imaged: Imaged) -> None:
    finding = imaged.finding()
    sink.deliver(finding, ())
    picture = by_class(ours(pacs, finding))[MultiFrameTrueColorSecondaryCaptureImageStorage]
    frames = picture.pixel_array
    outlined = (frames == np.array([0, 255, 200], np.uint8)).all(axis=-1)[:, 56:440, 12:396]
    held = [bool(imaged.mask.bits[n].any()) for n in range(1, 8)]
    assert [bool(frame.any()) for frame in outlined] == held
    assert picture.BurnedInAnnotation == "NO"
