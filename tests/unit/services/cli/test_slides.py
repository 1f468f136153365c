"""``oncorelay slides`` against a real door, and what the doctor says of folders."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from services.cli.__main__ import oncorelay
from services.cli.doctor_slides import readable, reader, slide_looks
from services.slide_ingestion.adapters import database
from services.slide_ingestion.adapters.grpc_server import SlideIngestionServicer
from services.slide_ingestion.adapters.requests import Requests
from services.slide_ingestion.adapters.store import SqlSlides
from services.slide_ingestion.config import PrefixSettings, Settings
from services.slide_ingestion.handlers.cases import MakeStudy, Passed
from services.slide_ingestion.handlers.judging import JudgeSlides
from services.slide_ingestion.handlers.naming import Names
from services.slide_ingestion.handlers.orders import RecordOrder
from services.slide_ingestion.handlers.people import ListSlides, SetResolution
from services.slide_ingestion.handlers.studies import TakeStudy
from services.slide_ingestion.handlers.verdict import Judge
from services.slide_ingestion.ports.slides import SlideFile, SlideRow
from shared.domain.slide_registry import SlideState
from shared.domain.slides import PyramidLevel, ReadBy, ResolutionSource, Scanner
from shared.rpc.server import start
from shared.site.settings import Site
from shared.slides.port import SlideDescription, StatedResolution
from shared.testing.ports import free_port

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SLIDE_ID = "1f0c22ab" + "0" * 24


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqlSlides]:
    engine = database.open_engine(f"sqlite:///{tmp_path / 'slides.sqlite'}")
    database.migrate(engine)
    store = SqlSlides(engine, lambda: NOW)
    names = Names("site", b"k" * 32)
    judge = JudgeSlides(Judge(MakeStudy(names), lambda _: Passed()), lambda: "request")
    take = TakeStudy(store, judge, lambda: "x" * 32)
    door = SlideIngestionServicer(
        take, RecordOrder(store, judge), ListSlides(store), SetResolution(store, judge), Requests(store)
    )
    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("ONCORELAY_SLIDE_INGESTION__GRPC_ADDRESS", address)
    monkeypatch.setenv("ONCORELAY_CONFIG", "")
    monkeypatch.setenv("ONCORELAY_SITE__DATA_FOLDER", str(tmp_path))
    monkeypatch.setenv("ONCORELAY_PERSON", "jane")
    monkeypatch.setenv("HOME", str(tmp_path))
    server = start(address, door.register)
    yield store
    server.stop(grace=None).wait()
    engine.dispose()


def held(store: SqlSlides) -> None:
    row = SlideRow(SLIDE_ID, "folder-1", "Jane Doe.svs", (), SlideState.HELD, "no order", NOW, NOW, digest="d")
    with store.writing() as writing:
        writing.keep(row)


def said(*words: str, status: int = 0) -> str:
    found = CliRunner().invoke(oncorelay, ["slides", *words], catch_exceptions=True)
    assert found.exit_code == status, found.output
    return str(found.output) + str(found.exception or "")


def test_without_slides_it_says_how_they_come(store: SqlSlides) -> None:
    assert "no slides yet" in said()


def test_slides_are_listed_without_their_names(store: SqlSlides) -> None:
    held(store)

    assert "1f0c22ab" in said("list", "--state", "held")
    assert "Jane" not in said() + said("list", "--json") + said("show", SLIDE_ID[:8])
    assert "no slides yet" in said("list", "--state", "submitted")
    (one,) = json.loads(said("list", "--json"))
    assert (one["slide_id"], one["state"], one["door"]) == (SLIDE_ID, "held", "folder-1")


def test_the_slide_of_a_file_is_found_by_its_content(store: SqlSlides, tmp_path: Path) -> None:
    mine, other = tmp_path / "mine.svs", tmp_path / "other.svs"
    mine.write_bytes(b"pixels")
    other.write_bytes(b"other pixels")
    digest = hashlib.sha256(b"pixels").hexdigest()
    files = (SlideFile("a.svs", 6, "1-1-1", digest=digest), SlideFile("b.svs", 6, "2-2-2", digest="e" * 64))
    row = SlideRow(SLIDE_ID, "folder-1", "Jane Doe.svs", files, SlideState.HELD, "no order", NOW, NOW, digest="d")
    with store.writing() as writing:
        writing.keep(row)

    assert SLIDE_ID[:8] in said("list", "--file", str(mine))
    assert "none of the newest 1000 slides" in said("list", "--file", str(other))
    assert json.loads(said("list", "--file", str(other), "--json")) == []


def test_a_resolution_is_recorded_under_the_persons_name(store: SqlSlides) -> None:
    held(store)

    assert "jane" in said("set-resolution", SLIDE_ID[:8], "0.25", "--reason", "service report")
    row = store.row(SLIDE_ID)
    assert row
    assert row.person
    assert row.person.um == 0.25
    assert row.person.actor.startswith("jane")
    assert "0.25" in said("show", SLIDE_ID[:8])


def test_what_a_person_can_do_next_is_named(store: SqlSlides) -> None:
    held(store)

    shown = said("show", SLIDE_ID[:8])
    assert "manifest.json beside the file" in shown
    assert "set-resolution" not in shown


@pytest.mark.parametrize(("stated", "asked"), [((), True), ((0.00499,), True), ((0.25,), False)])
def test_a_resolution_is_asked_for_where_none_that_can_be_is_stated(
    store: SqlSlides, stated: tuple[float, ...], asked: bool
) -> None:
    files = tuple(StatedResolution(um, um, ResolutionSource.VENDOR, "aperio.MPP") for um in stated)
    level = PyramidLevel(1000, 800, 1.0)
    made = SlideDescription("aperio", 1000, 800, (level,), files, None, Scanner(), ReadBy("x"), False, ())
    row = SlideRow(SLIDE_ID, "folder-1", "a.svs", (), SlideState.SUBMITTED, "", NOW, NOW, description=made)
    with store.writing() as writing:
        writing.keep(row)

    assert (f"slides set-resolution {SLIDE_ID[:8]}" in said("show", SLIDE_ID[:8])) is asked


def test_an_id_that_is_too_short_is_told_so(store: SqlSlides) -> None:
    assert "first eight digits" in said("show", "1f0c", status=2)


@pytest.mark.parametrize(
    "words",
    [
        ("set-resolution", SLIDE_ID[:8], "0.00499", "--reason", "wrong unit"),
        ("set-resolution", SLIDE_ID[:8], "0.25", "--reason", " "),
        ("set-resolution", "ffffffff", "0.25", "--reason", "no such slide"),
        ("show", "ffffffff"),
    ],
)
def test_what_cannot_be_is_refused(store: SqlSlides, words: tuple[str, ...]) -> None:
    held(store)

    said(*words, status=1)
    row = store.row(SLIDE_ID)
    assert row
    assert row.person is None


def test_the_doctor_says_what_is_wrong_with_a_folder(tmp_path: Path) -> None:
    assert str(tmp_path) in readable(tmp_path)
    with pytest.raises(ValueError, match="is no folder"):
        readable(tmp_path / "away")
    assert "OpenSlide" in reader()


def test_the_doctor_looks_at_every_folder_and_prefix(tmp_path: Path) -> None:
    settings = Settings(
        site=Site(data_folder=tmp_path, slide_folders=(tmp_path,)),
        s3=(PrefixSettings(name="scanner", bucket="slides", endpoint_url="http://127.0.0.1:9"),),
    )

    names = [name for name, _ in slide_looks(settings)]
    assert names == ["slide reader", "slide_ingestion", "slide folder-1", "slide prefix scanner"]


def test_a_bucket_is_not_spoken_to_in_the_clear() -> None:
    with pytest.raises(ValueError, match="https"):
        PrefixSettings(name="scanner", bucket="slides", endpoint_url="http://s3.example.org")
