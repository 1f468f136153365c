"""What a case shows of a slide, and regions a person leaves out; the ledger is a real one behind its door."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from services.cli.__main__ import oncorelay
from services.cli.case_slides import outlines_of, show_slide
from services.results.deliver.formats import qupath
from services.results.ledger.database import open_engine, upgrade
from services.results.ledger.keys import Keys
from services.results.ledger.ledger import Ledger, assemble
from services.results.ledger.policy import Policy
from services.results.serve.adapters.grpc_server import registration
from services.results.serve.handlers import SubmitCase
from shared.codes import local
from shared.domain.images import Artefact, ArtefactKind
from shared.domain.prediction import Prediction
from shared.domain.slides import Cropping, Point
from shared.predictors.her2.predictor import Her2
from shared.predictors.registry import REGISTRY
from shared.rpc import server
from shared.testing.cases import START
from shared.testing.ports import free_port
from shared.testing.slides import SlideModelDouble, a_slide_study, a_table, measured, slide_pins

PINS = slide_pins()
TRIANGLE = (Point(0, 0), Point(5120, 0), Point(0, 10240))
RING = [[0, 0], [5120, 0], [0, 10240], [0, 0]]


def answer(*maps: Any) -> Prediction:
    tables = (
        a_table(one, cropping=cropping)
        for one, cropping in zip(maps, (Cropping.MICROMETRES, Cropping.PAPER), strict=False)
    )
    made = Her2().answer_slide(PINS, SlideModelDouble(), measured(*tables))
    assert isinstance(made, Prediction)
    return replace(made, artefacts=(Artefact(ArtefactKind.PATCHES, "x", "a" * 64),))


EVEN = np.full((40, 40), 0.6)


def shown(what: Prediction) -> str:
    out = StringIO()
    show_slide(what, Console(file=out, width=200, markup=False, emoji=False, highlight=False))
    return out.getvalue()


def test_score_interval_level_and_advice_are_shown() -> None:
    text = shown(answer(EVEN, np.full((40, 40), 0.5)))

    for line in (
        "score 0.270, 95 % interval 0.270 to 0.270",
        "H&E resembles slides of IHC 3+, predicted from H&E: confirm by IHC/ISH",
        "H&E resembles slides of IHC 3+: 100.0% of the resamples",
        "patches by micrometres (256 pixels, 128 micrometres): 1600, of these 1600 tumour",
        "patches by paper",
        "fold: not checked (not looked for)",
        "calibration: none",
        "terms = floor: 0.3 * Area_tumour terms of Eq. 5: rounded down, at least 1",
    ):
        assert line in text


def test_where_no_level_stands_the_advice_is_shown_first() -> None:
    tumour = np.zeros((40, 40), dtype=np.bool_)
    tumour[::8, ::8] = True
    tables = a_table(EVEN, tumour=tumour), a_table(EVEN, cropping=Cropping.PAPER)
    made = Her2().answer_slide(PINS, SlideModelDouble(), measured(*tables))

    assert isinstance(made, Prediction)
    text = shown(made)
    assert "  indeterminate, reflex IHC/ISH: 25 tumour patches, this site asks for 30" in text
    assert all("of the resamples" in line for line in text.splitlines() if "resembles" in line)


def test_regions_are_read_from_words_and_from_geojson(tmp_path: Path) -> None:
    feature = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [RING]}}
    many = {"type": "Feature", "geometry": {"type": "MultiPolygon", "coordinates": [[RING], [RING]]}}
    (tmp_path / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature, many]}))
    (tmp_path / "b.geojson.gz").write_bytes(gzip.compress(json.dumps([feature]).encode()))

    assert outlines_of(["0,0 5120,0 0,10240"], None) == (TRIANGLE,)
    assert outlines_of([], tmp_path / "a.geojson") == (TRIANGLE,) * 3
    assert outlines_of([], tmp_path / "b.geojson.gz") == (TRIANGLE,)


def test_of_what_qupath_exports_only_what_a_person_drew_is_left_out(tmp_path: Path) -> None:
    def feature(kind: str, **classified: str) -> dict[str, Any]:
        made = {"objectType": kind, "classification": classified}
        return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [RING]}, "properties": made}

    ours = [feature("annotation", name="H&E AI: result"), feature("tile", name="H&E AI: no tumour")]
    drawn = feature("annotation", name="In situ")
    (tmp_path / "all.geojson").write_text(json.dumps([*ours, feature("detection"), drawn]))
    (tmp_path / "ours.geojson").write_text(json.dumps(ours))

    assert outlines_of([], tmp_path / "all.geojson") == (TRIANGLE,)
    with pytest.raises(click.UsageError, match="no polygon that a person drew"):
        outlines_of([], tmp_path / "ours.geojson")


def test_what_we_deliver_for_qupath_bears_the_mark_by_which_it_is_told_apart() -> None:
    assert all(named.startswith(local.SLIDE_CLASS) for named, _ in (*qupath.CLASSES.values(), qupath._RESULT))


@pytest.mark.parametrize(
    "content",
    [
        "no json", "[]", '{"type": "FeatureCollection"}', '{"type": "Point", "coordinates": [0, 0]}',
        json.dumps({"type": "Polygon", "coordinates": [RING, RING]}),
        json.dumps({"type": "Polygon", "coordinates": [[["a", "b"]]]}),
    ],
)  # fmt: skip
def test_what_holds_no_region_is_refused_with_a_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.geojson").write_text(content)

    with pytest.raises(click.UsageError, match="--geojson"):
        outlines_of([], tmp_path / "a.geojson")


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    engine = open_engine(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    upgrade(engine)
    ledger = assemble(engine, Keys("test-site", b"k" * 32), Policy())
    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("ONCORELAY_RESULTS__GRPC_ADDRESS", address)
    submit = SubmitCase(ledger.intake, ledger.intake, REGISTRY, lambda: START)
    door = server.start(address, registration(ledger, submit, lambda: START))
    yield ledger
    door.stop(None).wait()
    engine.dispose()


def answered(ledger: Ledger) -> str:
    (case_id,) = ledger.intake.submit("slide", a_slide_study(), ("her2",), START)
    for due in ledger.collecting.due(START):
        ledger.collecting.pin(due, PINS, START)
    claim = ledger.attempts.claim("claim", case_id, 1, "worker", START)
    ledger.attempts.answer("answer", case_id, claim.attempt, answer(EVEN), START)
    return case_id


def said(*words: str) -> Result:
    return CliRunner().invoke(oncorelay, ["case", *words])


def test_a_case_about_a_slide_says_which_slide(ledger: Ledger) -> None:
    text = said(answered(ledger)).output

    assert "specimen S26-1-A, block A1, slide A1-1" in text
    assert "H&E resembles slides of IHC 3+" in text


def test_a_person_leaves_a_region_out_and_the_case_is_asked_again_with_the_patches(ledger: Ledger) -> None:
    case_id = answered(ledger)
    words = ("exclude-region", "--polygon", "0,0 5120,0 0,10240", "--reason", "in situ", "--by", "dr-test", "--json")
    result = said(case_id[:12], *words)
    slide = ledger.attempts.claim("again", case_id, 2, "worker", START).pins.slide

    assert json.loads(result.output) == {"case_id": case_id, "regions": 1, "state": "queued"}
    assert slide is not None
    assert [(one.outline, one.reason) for one in slide.exclusions] == [(TRIANGLE, "in situ")]
    assert slide.exclusions[0].author.startswith("dr-test")
    assert [one.kind for one in slide.patches] == [ArtefactKind.PATCHES]


def test_a_region_beside_the_slide_is_refused_and_nothing_is_asked_again(ledger: Ledger) -> None:
    case_id = answered(ledger)
    result = said(case_id, "exclude-region", "--polygon", "90000,0 99000,0 90000,900", "--reason", "in situ")

    assert result.exit_code == 1
    assert "lies beside the slide" in str(result.exception)
    assert json.loads(said(case_id, "--json").output)["case"]["state"] == "predicted"


def test_everything_left_out_can_be_taken_back(ledger: Ledger) -> None:
    case_id = answered(ledger)
    result = said(case_id, "exclude-region", "--take-back", "--reason", "looked again")

    assert "every region counts again" in result.output


@pytest.mark.parametrize(
    "words",
    [
        ("exclude-region", "--reason", "why"),
        ("exclude-region", "--polygon", "0,0 1,0 0,1"),
        ("exclude-region", "--polygon", "0,0 1,0 0,1", "--take-back", "--reason", "why"),
        ("exclude-region", "--polygon", "zero", "--reason", "why"),
        ("--polygon", "0,0 1,0 0,1"),
    ],
)
def test_words_that_do_not_fit_are_refused(words: tuple[str, ...]) -> None:
    assert said("0123456789ab", *words).exit_code == 2
