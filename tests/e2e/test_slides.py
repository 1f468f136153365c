"""From a slide in the scanner's folder to the laboratory's LIS, with real peers on every side.

The bundle of the tests answers (it looks at the mean colour): nothing here has a medical meaning, everything has to be
where it belongs, and the same in every form.
"""

from __future__ import annotations

import gzip
import json
import math
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hl7
import pydicom
import pytest
from pydicom.uid import MicroscopyBulkSimpleAnnotationsStorage, ParametricMapStorage

from services.cli.demo.site import HL7_AUTHORITY
from services.cli.person import person_name, person_tls
from services.cli.up import Settings as UpSettings
from shared.codes import local, loinc
from shared.domain.case import CaseDetail
from shared.domain.prediction import NotAnalysedReason, Prediction
from shared.domain.slide_answers import SlideAnswer
from shared.domain.slide_registry import SlideState
from shared.domain.slides import Point, ResolutionSource
from shared.phantoms.slides.pyramid import pyramid
from shared.phantoms.slides.wsm import slide_objects
from shared.rpc.slide_ingestion_client import SlideIngestionClient
from shared.testing.dicom_judges import dciodvfy_lines
from shared.testing.hl7_messages import header, message, orc, sac, slide_obr, spm
from shared.testing.laboratory_system import LaboratorySystem, laboratory_system
from tests.patients import BIRTH_DATE, Someone, a_patient, require_peers
from tests.slide_bundle import slide_bundle
from tests.slides import drop, glass_of, manifest_of, simulated
from tests.system import System, start_system

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SETTLED_S = 120.0
LIS = {"name": "lis", "kind": "hl7-mllp", "timeout_s": 5.0, "first_retry_s": 0.3, "receiving_application": "LIS"}


@dataclass(frozen=True)
class Pathology:
    """A system with a LIS and a folder beside PACS and EHR."""

    system: System
    lis: LaboratorySystem
    folder: Path

    def slides(self) -> SlideIngestionClient:
        return SlideIngestionClient(f"127.0.0.1:{self.system.ports.slides[0]}", tls=person_tls(UpSettings().site))

    def messages(self, someone: Someone) -> list[hl7.Message]:
        """Return what the LIS heard about somebody, oldest first."""
        read = [hl7.parse(one) for one in self.lis.heard]
        return [one for one in read if str(one.segment("PID")[3][0][0]) == someone.identifier]

    def heard(self, someone: Someone, status: str) -> hl7.Message:
        """Wait until the LIS has heard a result of this status (OBR-25) last; return it."""

        def there() -> bool:
            found = self.messages(someone)
            return bool(found) and str(found[-1].segment("OBR")[25]) == status

        self.system.until(there, f"an ORU with status {status}", SETTLED_S)
        return self.messages(someone)[-1]

    def case_of(self, someone: Someone) -> CaseDetail:
        """Return somebody's one case about a slide."""
        found = [self.system.results.get_case(one.case_id) for one in self.system.results.list_cases(page_size=1000)]
        (mine,) = [
            one for one in found
            if one.slide is not None and one.slide.specimen.accession == glass_of(someone).accession
        ]  # fmt: skip
        return mine


@pytest.fixture(scope="module")
def pathology(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pathology]:
    require_peers()
    folder = tmp_path_factory.mktemp("pathology")
    out = folder / "out"
    out.mkdir()
    bundles, keys = slide_bundle(folder)
    served: dict[str, Any] = {"bundle_folders": [str(bundles)], "trusted_key_folder": str(keys)}
    with laboratory_system() as lis:
        sinks = (LIS | {"port": lis.port}, {"name": "files", "kind": "folder", "folder": str(out)})
        with start_system(folder, collect_s=1.0, more_sinks=sinks, inference=served, **served) as running:
            yield Pathology(running, lis, out)


@pytest.fixture
def system(pathology: Pathology) -> System:
    return pathology.system


def observation(message: hl7.Message, about: str) -> list[Any]:
    """Return OBX-5 of the first row about a code."""
    rows = [row for row in message.segments("OBX") if str(row[3][0][0]) == about]
    assert rows, f"no OBX about {about}"
    return list(rows[0][5][0]) if isinstance(rows[0][5][0], list) else [rows[0][5][0]]


def answer_of(detail: CaseDetail) -> tuple[Prediction, SlideAnswer]:
    answer = detail.findings[-1].prediction
    assert answer is not None
    assert answer.slide is not None
    return answer, answer.slide


def stem_of(pathology: Pathology, someone: Someone) -> str:
    """Return what the files of somebody's last result are called, without their endings."""
    rows = [one for one in pathology.case_of(someone).deliveries if one.sink == "files"]
    return Path(rows[-1].location).name.removesuffix(".pdf").removesuffix(".fhir.json").removesuffix(".json")


def test_a_slide_dropped_in_the_folder_ends_in_the_lis_and_in_qupath(pathology: Pathology, someone: Someone) -> None:
    drop(pathology.system, f"scan-{someone.number}.tiff", 1, manifest_of(someone))

    message = pathology.heard(someone, "P")
    detail = pathology.case_of(someone)
    answer, slide = answer_of(detail)

    assert float(str(observation(message, local.SLIDE_SCORE.code)[0])) == pytest.approx(slide.score, abs=5e-7)
    level = str(observation(message, local.SLIDE_LEVEL.code)[0])
    assert level == (local.INDETERMINATE if slide.indeterminate else local.LEVELS[slide.level]).code
    assert slide.score_interval is not None
    assert slide.score_interval[0] <= slide.score <= slide.score_interval[1]
    assert observation(message, local.SLIDE_INTERVAL.code)
    assert "confirm" in "".join(pathology.lis.heard[-1]).lower()
    assert [str(row[2][0]) for row in message.segments("SPM")] == [f"{glass_of(someone).specimen}", "A1", "1"]

    pathology.system.until(lambda: "files" in delivered(pathology, someone), "the files", SETTLED_S)
    stem = stem_of(pathology, someone)
    collection = json.loads(gzip.decompress((pathology.folder / f"{stem}.geojson.gz").read_bytes()))
    assert collection["type"] == "FeatureCollection"
    assert len(collection["features"]) >= slide.croppings[0].patches
    whole = json.loads((pathology.folder / f"{stem}.json").read_text())
    assert str(slide.score)[:10] in json.dumps(whole)
    assert answer.probability in list(_numbers(whole))
    assert (pathology.folder / f"{stem}.pdf").read_bytes().startswith(b"%PDF")


def test_the_name_of_the_file_is_nowhere_and_no_receptor_is_reported(pathology: Pathology, someone: Someone) -> None:
    drop(pathology.system, f"DOE-JANE-{someone.number}.tiff", 2, manifest_of(someone))
    pathology.heard(someone, "P")

    said = "\n".join(str(one) for one in pathology.messages(someone))
    logs = [one.read_text(errors="replace") for one in (pathology.system.folder / "logs").iterdir()]
    assert "DOE-JANE" not in said
    assert logs
    assert not any("DOE-JANE" in one for one in logs)
    assert not any(one.code in said for one in (*loinc.HER2_STATUS, *loinc.HER2_ISH))


def test_a_dicom_slide_sent_to_the_listener_gets_annotations_and_a_map_in_the_archive(
    pathology: Pathology, someone: Someone, tmp_path: Path
) -> None:
    slide, glass = simulated(3), glass_of(someone)
    pathology.system.send(slide_objects(pyramid(slide.pixels), slide.scanner, glass))
    assert pathology.system.tell(order(someone)) == ["AA"]

    pathology.heard(someone, "P")
    pathology.system.until(lambda: "pacs" in delivered(pathology, someone), "the archive", SETTLED_S)
    made = dict(_ours(pathology.system, glass.study_uid, tmp_path))
    assert {MicroscopyBulkSimpleAnnotationsStorage, ParametricMapStorage} <= set(made), set(made)
    for path in made.values():
        assert dciodvfy_lines(path) == [], path
    group = pydicom.dcmread(made[MicroscopyBulkSimpleAnnotationsStorage]).AnnotationGroupSequence[0]
    assert group.NumberOfAnnotations == answer_of(detail_of(pathology, someone))[1].croppings[0].tumour_patches


def test_an_order_cancelled_by_the_laboratory_withdraws_the_result(pathology: Pathology, someone: Someone) -> None:
    slide = simulated(8)
    pathology.system.send(slide_objects(pyramid(slide.pixels), slide.scanner, glass_of(someone)))
    pathology.system.tell(order(someone))
    pathology.heard(someone, "P")

    assert pathology.system.tell(order(someone, "CA")) == ["AA"]

    pathology.heard(someone, "X")
    assert detail_of(pathology, someone).findings[-1].kind == "withdrawn"


def test_a_resolution_in_the_wrong_unit_is_told_the_lis_as_not_analysed(pathology: Pathology, someone: Someone) -> None:
    path = drop(pathology.system, f"scan-{someone.number}.tiff", 4, manifest_of(someone), claims_um=0.00499)

    message = pathology.heard(someone, "P")
    assert path.exists()
    reason = str(observation(message, local.REASON.code)[0])
    assert reason == local.REASONS[NotAnalysedReason.RESOLUTION_IMPLAUSIBLE].code
    assert str(observation(message, local.ANALYSIS_STATUS.code)[0]) == local.NOT_ANALYSED.code
    assert pathology.case_of(someone).case.state == "not_analysed"


def test_a_slide_without_an_order_is_held_and_nobody_hears_of_it(pathology: Pathology, someone: Someone) -> None:
    drop(pathology.system, f"scan-{someone.number}.tiff", 5)
    slides = pathology.slides()
    pathology.system.until(lambda: bool(slides.list_slides(SlideState.HELD)), "the slide to be held", SETTLED_S)
    slides.close()

    assert pathology.messages(someone) == []


def test_a_region_left_out_corrects_the_result_without_running_the_network_again(
    pathology: Pathology, someone: Someone
) -> None:
    drop(pathology.system, f"scan-{someone.number}.tiff", 6, manifest_of(someone))
    pathology.heard(someone, "P")
    before = pathology.case_of(someone)
    first = answer_of(before)[1]
    judged = times_judged(pathology, before.case.case_id)
    assert judged > 0

    corner = [Point(0.0, 0.0), Point(1536.0, 0.0), Point(1536.0, 700.0), Point(0.0, 700.0)]
    pathology.system.results.exclude_region(
        before.case.case_id, "path.meyer", before.findings[-1].finding_id, [corner], reason="crushed"
    )

    message = pathology.heard(someone, "C")
    after = pathology.case_of(someone)
    second = answer_of(after)[1]
    assert times_judged(pathology, before.case.case_id) == judged
    assert [one.currency for one in after.findings] == ["superseded", "current"]
    assert answer_of(before)[1].exclusions == ()
    assert after.findings[0].prediction == before.findings[0].prediction
    assert second.croppings[0].patches < first.croppings[0].patches
    assert second.exclusions[0].author == person_name()  # whose certificate it is, not who they say they are
    assert second.exclusions[0].reason == "crushed"
    assert not math.isclose(first.score, second.score)
    assert float(str(observation(message, local.SLIDE_SCORE.code)[0])) == pytest.approx(second.score, abs=5e-7)


def test_an_order_withdrawn_withdraws_the_result(pathology: Pathology, someone: Someone) -> None:
    path = drop(pathology.system, f"scan-{someone.number}.tiff", 7, manifest_of(someone))
    pathology.heard(someone, "P")

    manifest = path.with_name(f"{path.name}.manifest.json")
    manifest.write_text(json.dumps(manifest_of(someone, withdrawn="ordered for the wrong patient")))

    pathology.heard(someone, "X")
    assert detail_of(pathology, someone).findings[-1].kind == "withdrawn"


@pytest.mark.shared_data
def test_real_slides_end_in_the_lis_with_a_level_or_with_the_reason(pathology: Pathology, shared_data: Path) -> None:
    known, unknown = a_patient(), a_patient()
    copied(pathology.system, shared_data / "slides" / "CMU-1-Small-Region.svs", known)
    copied(pathology.system, shared_data / "slides" / "tcga-cr-7395-01a-01-ts1.svs", unknown)

    scored = pathology.heard(known, "P")
    refused = pathology.heard(unknown, "P")
    assert float(str(observation(scored, local.SLIDE_SCORE.code)[0])) == pytest.approx(
        answer_of(pathology.case_of(known))[1].score, abs=5e-7
    )
    reason = str(observation(refused, local.REASON.code)[0])
    assert reason == local.REASONS[NotAnalysedReason.RESOLUTION_UNKNOWN].code

    slides = pathology.slides()
    (mine,) = [one for one in slides.list_slides() if pathology.case_of(unknown).case.case_id in one.case_ids]
    slides.set_resolution(mine.slide_id, 0.5, "path.meyer", "the scanner's protocol: 20x")
    slides.close()

    pathology.system.until(lambda: len(pathology.messages(unknown)) > 1, "the slide with a resolution", SETTLED_S)
    told = pathology.case_of(unknown)
    assert told.slide is not None
    assert told.slide.resolution is not None
    assert told.slide.resolution.source is ResolutionSource.OPERATOR
    assert told.slide.resolution.stated_by not in {"", "path.meyer"}, "the certificate names who it was"
    assert answer_of(told)[1].stain.fallback
    assert observation(pathology.messages(unknown)[-1], local.SLIDE_SCORE.code)


def copied(system: System, slide: Path, someone: Someone) -> None:
    """Put a real slide into the scanner's folder in somebody's name."""
    path = system.scanner / f"scan-{someone.number}.svs"
    path.with_name(f"{path.name}.manifest.json").write_text(json.dumps(manifest_of(someone)))
    shutil.copy(slide, path)


def times_judged(pathology: Pathology, case_id: str) -> int:
    """Return how often a worker told how many of the case's patches its network has judged."""
    logs = [one.read_text(errors="replace") for one in (pathology.system.folder / "logs").iterdir()]
    return sum("slide_progress" in line and case_id in line for one in logs for line in one.splitlines())


def order(someone: Someone, control: str = "NW") -> bytes:
    """Return OML^O21 for somebody's slide: placed, or with another ORC-1."""
    glass = glass_of(someone)
    return message(
        header(f"{control}{someone.number}", kind="OML^O21^OML_O21", sent="20260120101500"),
        f"PID|1||{someone.identifier}^^^{HL7_AUTHORITY}^MR||||{BIRTH_DATE:%Y%m%d}|F",
        orc(control, f"P{someone.number}^LIS"), slide_obr(f"P{someone.number}^LIS", accession=glass.accession),
        spm(glass.specimen), sac(glass.container, glass.block),
    )  # fmt: skip


def detail_of(pathology: Pathology, someone: Someone) -> CaseDetail:
    return pathology.case_of(someone)


def delivered(pathology: Pathology, someone: Someone) -> set[str]:
    return {one.sink for one in pathology.case_of(someone).deliveries if one.state == "delivered"}


def _ours(system: System, study_uid: str, folder: Path) -> Iterator[tuple[str, Path]]:
    for instance in system.pacs.find("Instance", StudyInstanceUID=study_uid):
        content = folder / f"{instance}.dcm"
        content.write_bytes(system.pacs.dicom(instance))
        header = pydicom.dcmread(content, stop_before_pixels=True)
        if header.get("Manufacturer") == "OncoRelay":
            yield header.SOPClassUID, content


def _numbers(tree: Any) -> Iterator[float]:
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, list):
        for one in tree:
            yield from _numbers(one)
    elif isinstance(tree, float):
        yield tree
