"""One finding about a slide in five forms, each read back by a reader that is not ours: all say the same."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import highdicom
import hl7
import numpy as np
import pytest
from hl7apy.parser import parse_message
from numpy.typing import NDArray

from services.results.config import Kind, Settings, SinkSettings
from services.results.deliver.adapters.sinks import build_sink
from services.results.ledger.findings import Finding
from shared.storage.blobs import LocalBlobs
from tests.dicom_slide import DicomSlide
from tests.slide_findings import INTERVAL, PROBABILITY, SCORE, SHARES, indeterminate, patches, tumour_count

LEVELS = ("resembles_0", "resembles_1", "resembles_2_neg", "resembles_2_pos", "resembles_3")


@dataclass(frozen=True)
class Said:
    """What one form states; numbers as far as the form writes them (HL7: six digits)."""

    level: str
    score: float
    interval: tuple[float, ...]
    probability: float
    tumour: int
    shares: tuple[float, ...]

    def rounded(self) -> tuple[Any, ...]:
        """Return the same to the digits that every form has."""
        numbers = (self.score, *self.interval, self.probability, *self.shares)
        return self.level, self.tumour, tuple(round(value, 6) + 0.0 for value in numbers)


@dataclass(frozen=True)
class Files:
    """What lies in the folder, by the end of its name."""

    rows: dict[str, bytes]


@pytest.fixture(params=["stated", "indeterminate"])
def answered(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def files(tmp_path: Path, answered: str) -> Files:
    identity = [{"name": "hospital", "fhir_system": "urn:h", "hl7_authority": "HOSP"}]
    settings = Settings.model_validate({"site": {"data_folder": tmp_path}, "identity": identity})
    objects: tuple[Kind, ...] = (
        "dicom-sr",
        "dicom-ann",
        "dicom-pm",
        "fhir-transaction",
        "pdf",
        "geojson",
        "json",
        "hl7",
    )
    table = SinkSettings(name="forms", kind="folder", folder=tmp_path / "out", objects=objects)
    slides = DicomSlide(LocalBlobs(settings.site.blob_folder))
    finding: Finding = slides.prediction(indeterminate() if answered == "indeterminate" else None)
    with ExitStack() as opened:
        sent = build_sink(settings, table, opened).deliver(finding, ())
    found = (tmp_path / "out").glob(f"{sent.object_id}*")
    return Files({path.name.removeprefix(sent.object_id): path.read_bytes() for path in found})


def by_hl7(files: Files) -> Said:
    text = files.rows[".hl7"].decode()
    assert parse_message(text).validate()
    rows = {str(row[3][0][0]): row for row in hl7.parse(text).segments("OBX")}
    _, low, _, high = str(rows["her2_he_interval"][5]).split("^")
    return Said(
        str(rows["her2_he_level"][5][0][0]), _number(rows["her2_he_score"]), (float(low), float(high)),
        _number(rows["p_her2_positive"]) / 100, int(_number(rows["tumour_patches"])),
        tuple(_number(rows[code.replace("resembles", "share")]) / 100 for code in LEVELS),
    )  # fmt: skip


def _number(row: Any) -> float:
    return float(str(row[5]))


def by_fhir(files: Files) -> Said:
    bundle = json.loads(files.rows[".fhir.json"])
    rows = {
        row["resource"]["code"]["coding"][0]["code"]: row["resource"]
        for row in bundle["entry"]
        if row["resource"]["resourceType"] == "Observation"
    }
    level, score = rows["her2_he_level"], rows["her2_he_score"]
    parts = {
        one["code"]["coding"][0]["code"]: one["valueQuantity"]["value"]
        for row in (level, score)
        for one in row["component"]
    }
    return Said(
        level["valueCodeableConcept"]["coding"][0]["code"], score["valueQuantity"]["value"],
        (parts["score_low"], parts["score_high"]), rows["p_her2_positive"]["valueQuantity"]["value"] / 100,
        parts["tumour_patches"], tuple(parts[code.replace("resembles", "share")] / 100 for code in LEVELS),
    )  # fmt: skip


def by_highdicom(files: Files, tmp_path: Path) -> Said:
    path = tmp_path / "sr.dcm"
    path.write_bytes(files.rows[".dcm"])
    read: Any = highdicom.sr.srread(path)
    (group,) = read.content.get_image_measurement_groups()
    values = {row.name.value: row.value for row in group.get_measurements()}
    (level,) = group.get_qualitative_evaluations()
    return Said(
        level.value.value, values["her2_he_score"], (values["score_low"], values["score_high"]),
        values["p_her2_positive"], int(values["tumour_patches"]),
        tuple(values[code.replace("resembles", "share")] for code in LEVELS),
    )  # fmt: skip


def _stated(stated: dict[str, Any]) -> Said:
    return Said(
        stated["level"]["code"] if stated["level"] else "indeterminate", stated["score"], tuple(stated["interval"]),
        stated["probabilities"]["her2_positive"], stated["patches"]["tumour"],
        tuple(stated["shares"][code] for code in LEVELS),
    )  # fmt: skip


def test_all_forms_state_the_same_level_score_interval_probability_and_counts(
    files: Files, answered: str, tmp_path: Path
) -> None:
    unsure = indeterminate()
    assert unsure.score_interval is not None
    shares = tuple(row.share for row in unsure.levels) if answered == "indeterminate" else SHARES
    interval = unsure.score_interval if answered == "indeterminate" else INTERVAL
    level = "indeterminate" if answered == "indeterminate" else "resembles_2_pos"
    expected = Said(level, SCORE, interval, PROBABILITY, tumour_count(), shares)
    geojson = json.loads(gzip.decompress(files.rows[".geojson.gz"]))
    forms = {
        "hl7": by_hl7(files),
        "fhir": by_fhir(files),
        "dicom": by_highdicom(files, tmp_path),
        "geojson": _stated(geojson["oncorelay"]),
        "json": _stated(json.loads(files.rows[".json"])["stated"]),
    }
    exact = {name: said for name, said in forms.items() if name != "hl7"}
    for name, said in forms.items():
        assert said.rounded() == expected.rounded(), name
    for name, said in exact.items():
        assert said.score == pytest.approx(SCORE, abs=1e-14), name


def test_every_patch_has_the_same_place_and_probability_in_every_form_that_shows_patches(
    files: Files, tmp_path: Path
) -> None:
    table = patches()
    corners, probabilities = table.corners, table.probabilities[:, 2]
    for name, read in READERS.items():
        places, values = read(files, tmp_path)
        order = np.lexsort((places[:, 0], places[:, 1]))
        np.testing.assert_array_equal(places[order], corners, err_msg=name)
        np.testing.assert_array_equal(values[order], probabilities, err_msg=name)


def _patches_of_geojson(files: Files, _: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    rows = json.loads(gzip.decompress(files.rows[".geojson.gz"]))["features"]
    tiles = [row for row in rows if row["properties"]["objectType"] == "tile"]
    values = [row["properties"]["measurements"]["p class positive"] for row in tiles]
    return np.array([row["geometry"]["coordinates"][0][0] for row in tiles]), np.array(values, np.float32)


def _patches_of_json(files: Files, _: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    found = json.loads(files.rows[".json"])["patches"]
    places = np.stack([np.array(found["x"]), np.array(found["y"])], axis=1)
    return places, np.array(found["probabilities"], np.float32)[:, 2]


def _patches_of_annotations(files: Files, folder: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    path = folder / "ann.dcm"
    path.write_bytes(files.rows[".ann.dcm"])
    read: Any = highdicom.ann.annread(path)
    groups = read.get_annotation_groups()
    places = np.concatenate([[row[0] for row in one.get_graphic_data("2D")] for one in groups])
    return places, np.concatenate([one.get_measurements()[1][:, 0] for one in groups])


def _patches_of_the_map(files: Files, folder: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    path = folder / "pm.dcm"
    path.write_bytes(files.rows[".pm.dcm"])
    read: Any = highdicom.imread(path)
    matrix = read.get_total_pixel_matrix(apply_real_world_transform=False)
    table = patches()
    step = table.grid.side_px * matrix.shape[1] // table.width
    rows, columns = np.nonzero(matrix[::step, ::step] >= 0)
    places = np.stack([columns, rows], axis=1) * table.grid.side_px
    return places, matrix[rows * step, columns * step]


READERS: dict[str, Callable[[Files, Path], tuple[NDArray[Any], NDArray[Any]]]] = {
    "geojson": _patches_of_geojson,
    "json": _patches_of_json,
    "annotations": _patches_of_annotations,
    "map": _patches_of_the_map,
}
