"""A slide's patches for QuPath, the finding as JSON, and what of both lies in a folder."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.results.deliver.adapters.archive_objects import ArchiveObjects
from services.results.deliver.adapters.folder import FolderSink
from services.results.deliver.adapters.pages import InstalledBundles, PrintedPages
from services.results.deliver.adapters.stored_artefacts import SlideArtefacts
from services.results.deliver.formats import slide_wording, wording
from services.results.deliver.formats.finding_json import to_json
from services.results.deliver.formats.qupath import to_geojson
from services.results.deliver.formats.slide_basis import SlideBasis
from services.results.deliver.formats.style import Style
from services.results.deliver.ports import RefusedError
from services.results.ledger.codec import load
from services.results.ledger.findings import Finding
from shared.domain.errors import PermanentError
from shared.domain.identity import AssigningAuthority, IdentityMap
from shared.domain.images import ArtefactKind
from shared.domain.prediction import Prediction
from shared.domain.slide_answers import SlideAnswer
from shared.storage.blobs import LocalBlobs
from tests.findings import left_behind
from tests.slide_findings import (
    PROBABILITY,
    REGION,
    SCORE,
    SlideFindings,
    counted,
    indeterminate,
    patches,
    slide_answer,
    tumour_count,
)

OBJECTS = ("dicom-sr", "fhir-transaction", "pdf", "geojson", "json", "hl7")
IDENTITIES = IdentityMap((AssigningAuthority("hospital", "", "urn:hospital", "HOSP"),))


@pytest.fixture
def slides(blobs: LocalBlobs) -> SlideFindings:
    return SlideFindings(blobs)


@pytest.fixture
def read(blobs: LocalBlobs) -> Callable[[Finding], SlideBasis]:
    def one(finding: Finding) -> SlideBasis:
        found = SlideArtefacts(blobs).read(finding)
        assert found is not None
        return found

    return one


@pytest.fixture
def sink(tmp_path: Path, archive: ArchiveObjects) -> FolderSink:
    pages = PrintedPages(archive.style, InstalledBundles((), None), archive)
    return FolderSink("folder", tmp_path / "out", OBJECTS, archive, IDENTITIES, pages)


def features(finding: Finding, basis: SlideBasis, style: Style) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(gzip.decompress(to_geojson(finding, basis, style)))["features"]
    return found


def changed(finding: Finding, **answer: Any) -> Finding:
    said = finding.prediction
    assert said is not None
    assert said.slide is not None
    return replace(finding, prediction=replace(said, slide=replace(said.slide, **answer)))


def test_every_patch_is_a_closed_locked_tile_in_pixels_of_level_0(
    slides: SlideFindings, style: Style, read: Callable[[Finding], SlideBasis]
) -> None:
    finding = slides.prediction()
    tiles = [row for row in features(finding, read(finding), style) if row["properties"]["objectType"] == "tile"]
    table = patches()
    assert len(tiles) == len(table)
    for row, corner in zip(tiles, table.corners.tolist(), strict=True):
        (ring,) = row["geometry"]["coordinates"]
        assert ring[0] == ring[-1] == corner
        assert np.ptp([x for x, _ in ring]) == np.ptp([y for _, y in ring]) == table.grid.side_px
        assert row["properties"]["isLocked"] is True
    assert len({row["id"] for row in tiles}) == len(tiles)


def test_each_tile_has_its_probabilities_and_its_class_and_says_whether_it_counts(
    slides: SlideFindings, style: Style, read: Callable[[Finding], SlideBasis]
) -> None:
    finding = slides.prediction()
    tiles = [row["properties"] for row in features(finding, read(finding), style)[2:]]
    found = [[row["measurements"][f"p {name}"] for name in ("no tumour", "class negative", "class positive")]
             for row in tiles]  # fmt: skip
    np.testing.assert_array_equal(np.array(found, np.float32), patches().probabilities)
    assert [bool(row["measurements"]["counted"]) for row in tiles] == counted().tolist()
    named = [row["classification"]["name"] for row in tiles]
    assert (
        sum("tumour, patch class" in name and on for name, on in zip(named, counted(), strict=True)) == tumour_count()
    )
    assert 0 < (~counted()).sum() < len(counted())


def test_the_result_and_the_region_left_out_are_annotations(
    slides: SlideFindings, style: Style, read: Callable[[Finding], SlideBasis]
) -> None:
    finding = slides.prediction()
    result, region = features(finding, read(finding), style)[:2]
    assert result["properties"]["measurements"]["score"] == SCORE
    assert result["properties"]["name"].startswith("DEMONSTRATION - NOT FOR CLINICAL USE. Level: H&E resembles")
    for said in (slide_wording.CONFIRM, wording.SUPPORT, "Model her2-tl_pa-demonstration 1.0.0."):
        assert said in result["properties"]["name"]
    assert region["properties"]["name"] == f"{REGION.reason} ({REGION.author})"
    assert region["geometry"]["coordinates"][0][:-1] == [[one.x, one.y] for one in REGION.outline]


def test_the_same_finding_gives_the_same_bytes(
    slides: SlideFindings, style: Style, read: Callable[[Finding], SlideBasis]
) -> None:
    finding = slides.prediction()
    basis = read(finding)
    assert to_geojson(finding, basis, style) == to_geojson(finding, basis, style)
    assert to_json(finding, basis, style) == to_json(finding, basis, style)


def test_json_holds_the_whole_typed_finding_and_no_place_of_a_file(
    slides: SlideFindings, style: Style, read: Callable[[Finding], SlideBasis]
) -> None:
    finding = slides.prediction()
    whole = json.loads(to_json(finding, read(finding), style))
    assert whole["schema"] == "urn:oncorelay:finding:1"
    assert load(json.dumps(whole["finding"]["prediction"]["slide"]), SlideAnswer) == slide_answer()
    assert whole["stated"]["probabilities"]["her2_positive"] == PROBABILITY
    assert "file:" not in json.dumps(whole)
    assert "blob_uri" not in json.dumps(whole)


def test_both_files_say_how_it_was_read_calibrated_and_what_must_be_known(
    slides: SlideFindings, style: Style, read: Callable[[Finding], SlideBasis]
) -> None:
    finding = slides.prediction()
    answer, basis = slide_answer(), read(finding)
    assert finding.prediction is not None
    qupath = json.loads(gzip.decompress(to_geojson(finding, basis, style)))["oncorelay"]
    for stated in (qupath, json.loads(to_json(finding, basis, style))["stated"]):
        said = stated["sentences"]
        assert {*slide_wording.readings(answer), *wording.flags(finding.prediction.flags)} <= {*said}
        assert f"Calibration of this scanner: {answer.calibration}." in said
        assert stated["use"][-1] == wording.SUPPORT


def test_an_indeterminate_answer_states_no_level_in_any_file(
    slides: SlideFindings, style: Style, read: Callable[[Finding], SlideBasis]
) -> None:
    finding = slides.prediction(indeterminate())
    basis = read(finding)
    assert json.loads(to_json(finding, basis, style))["stated"]["level"] is None
    shown = features(finding, basis, style)[0]["properties"]["name"]
    assert "reflex IHC/ISH" in shown
    assert "resembles" not in shown


def test_json_says_what_could_not_be_analysed_and_what_was_withdrawn(slides: SlideFindings, style: Style) -> None:
    refused = json.loads(to_json(slides.not_analysed(), None, style))
    assert refused["stated"]["not_analysed"]["code"] == "resol_unknown"
    gone = json.loads(to_json(slides.withdrawal(slides.prediction()), None, style))
    assert "do not use it" in gone["stated"]["withdrawn"]
    assert gone["patches"] is refused["patches"] is None


def test_patches_that_the_answer_does_not_count_are_never_shown_as_its_own(
    slides: SlideFindings, read: Callable[[Finding], SlideBasis]
) -> None:
    with pytest.raises(PermanentError, match="not those the answer counts"):
        read(changed(slides.prediction(), exclusions=()))


def test_a_damaged_or_missing_artefact_stops_the_rendering(slides: SlideFindings, blobs: LocalBlobs) -> None:
    finding = slides.prediction()
    said = finding.prediction
    assert isinstance(said, Prediction)
    for kind, match in ((ArtefactKind.PATCHES, "patches is not the one"), (ArtefactKind.OVERVIEW, "overview is not")):
        rows = tuple(replace(row, digest="0" * 64) if row.kind is kind else row for row in said.artefacts)
        with pytest.raises(RefusedError, match=match):
            SlideArtefacts(blobs).read(replace(finding, prediction=replace(said, artefacts=rows)))
    swapped = tuple(replace(row, kind=ArtefactKind.PATCHES) for row in said.artefacts[1:])
    with pytest.raises(RefusedError, match="cannot be read"):
        SlideArtefacts(blobs).read(replace(finding, prediction=replace(said, artefacts=swapped)))


def test_a_file_slide_lies_in_a_folder_in_every_form_but_dicom(sink: FolderSink, slides: SlideFindings) -> None:
    sent = sink.deliver(slides.prediction(), ())
    kinds = (".fhir.json", ".pdf", ".geojson.gz", ".json", ".hl7")
    assert {path.name for path in sink.folder.iterdir()} == {"superseded", *(f"{sent.object_id}{one}" for one in kinds)}
    assert sent.location.endswith(".pdf")
    said = json.loads((sink.folder / f"{sent.object_id}.fhir.json").read_bytes())
    assert "No DICOM objects go with this result" in json.dumps(said)


def test_what_is_taken_back_leaves_the_folder_in_every_form(sink: FolderSink, slides: SlideFindings) -> None:
    first = slides.prediction()
    left = sink.deliver(first, ())
    gone = sink.deliver(slides.withdrawal(first), (left_behind(first, left.object_id),))
    there = {path.name for path in sink.folder.iterdir()} - {"superseded"}
    assert there == {f"{gone.object_id}{one}" for one in (".pdf", ".json", ".hl7")}
    assert len(list((sink.folder / "superseded").iterdir())) == 5
    assert b"|X\r" in (sink.folder / f"{gone.object_id}.hl7").read_bytes()
