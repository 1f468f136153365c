"""A patient is erased from all owners by one command: real listener, facts and ledger, searched byte by byte."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pydicom.dataset import Dataset
from pydicom.uid import UID

from services.cli.__main__ import oncorelay
from services.cli.site_file import make_keys
from services.lab_consumer.app import LabConsumer, build, migrate
from services.lab_consumer.config import Settings as LabSettings
from services.results.config import Settings
from services.results.ledger.database import upgrade
from services.results.ledger.ledger import Ledger, open_ledger
from services.results.serve.app import Serve, start
from services.slide_ingestion import app as slides
from services.slide_ingestion.config import Settings as SlideSettings
from shared.domain.identity import PatientIdentity
from shared.phantoms.modules import PatientAttributes
from shared.phantoms.mr_series import StudyAttributes
from shared.rpc.governance import ObjectErasureClient
from shared.site.site_secret import make_secret
from shared.storage.erasure import BlobEraser
from shared.testing.dicom import Sender, data_set_bytes, encoded, send_raw, small_series
from shared.testing.listener_process import ListenerProcess
from shared.testing.ports import free_port, wait_until

pytestmark = pytest.mark.integration

CANARY = PatientIdentity("phantoms", "CANARY-7319-MRN")
OTHER = PatientIdentity("phantoms", "OTHER-2222-MRN")


def series_of(identifier: str, name: str, slices: int = 3) -> tuple[Dataset, ...]:
    study = StudyAttributes(seed=f"study of {identifier}")
    return small_series(slices, PatientAttributes(patient_id=identifier, name=name), study)


@dataclass
class Site:
    """A data folder with everything that owns part of it."""

    folder: Path
    listener: ListenerProcess
    lab: LabConsumer
    serve: Serve
    ledger: Ledger

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def send(self, *images: Dataset) -> None:
        assert set(Sender(self.listener.port).send(images)) == {0}

    def cases(self) -> int:
        return len(self.ledger.queries.cases(datetime.now(UTC)))

    def places_of(self, *traces: str) -> list[tuple[str, str]]:
        """Return (file, trace) for every trace that lies anywhere in the data folder, or in a file's name."""
        found = []
        for path in (path for path in self.data.rglob("*") if path.is_file()):
            content = path.read_bytes() + str(path).encode()
            found += [(str(path.relative_to(self.data)), trace) for trace in traces if trace.encode() in content]
        return found

    @contextmanager
    def dispatching(self) -> Iterator[None]:
        """Do what dispatch does for erasures meanwhile."""
        done = threading.Event()

        def work() -> None:
            while not done.wait(0.1):
                self.ledger.erasures.work(BlobEraser(self.data / "blobs"), datetime.now(UTC))

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def erase(self, who: PatientIdentity = CANARY) -> Result:
        with self.dispatching():
            arguments = ["--authority", who.authority, "--identifier", who.identifier, "--reason", "asked for", "--yes"]
            return CliRunner().invoke(oncorelay, ["erase", *arguments])


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    listener = ListenerProcess(tmp_path)
    monkeypatch.setenv("ONCORELAY_SITE__DATA_FOLDER", str(tmp_path / "data"))
    monkeypatch.setenv("ONCORELAY_RESULTS__GRPC_ADDRESS", f"127.0.0.1:{listener.results_port}")
    monkeypatch.setenv("ONCORELAY_LAB_CONSUMER__GRPC_ADDRESS", f"127.0.0.1:{free_port()}")
    monkeypatch.setenv("ONCORELAY_LAB_CONSUMER__HTTP_PORT", "0")
    monkeypatch.setenv("ONCORELAY_DICOM_LISTENER__GRPC_ADDRESS", f"127.0.0.1:{listener.grpc_port}")
    monkeypatch.setenv("ONCORELAY_SLIDE_INGESTION__GRPC_ADDRESS", f"127.0.0.1:{free_port()}")
    monkeypatch.setenv("ONCORELAY_SLIDE_INGESTION__RESULTS_ADDRESS", f"127.0.0.1:{listener.results_port}")
    monkeypatch.setenv("ONCORELAY_PERSON", "dr-test")
    settings = Settings()
    make_secret(settings.site.secret_file)
    make_keys(tmp_path / "data")
    ledger = open_ledger(settings)
    upgrade(ledger.engine)
    serve = start(settings)
    lab_settings = LabSettings()
    migrate(lab_settings)
    lab = build(lab_settings)
    lab.start()
    slide_settings = SlideSettings()
    slides.migrate(slide_settings)
    ingestion = slides.build(slide_settings)
    ingestion.start()
    listener.start()
    yield Site(tmp_path, listener, lab, serve, ledger)
    listener.stop()
    ingestion.stop()
    lab.stop()
    serve.stop()
    ledger.engine.dispose()


def corrected(image: Dataset) -> Dataset:
    other = deepcopy(image)
    other.PatientBirthDate = "19511231"
    return other


def clashing(image: Dataset) -> Dataset:
    other = deepcopy(image)
    other.PixelData = bytes(len(image.PixelData))
    return other


def unreadable(image: Dataset) -> bytes:
    return data_set_bytes(image)[:-300]


def uids(images: tuple[Dataset, ...]) -> list[str]:
    return [str(image.SOPInstanceUID) for image in images] + [str(images[0].StudyInstanceUID)]


def test_no_byte_of_the_patient_is_left_under_the_data_folder_and_nobody_else_loses_any(site: Site) -> None:
    canary, other = series_of(CANARY.identifier, "Canaryfamily^Cara"), series_of(OTHER.identifier, "Otherfamily^Olga")
    site.send(*canary, *other)
    site.send(*canary)  # duplicates
    site.send(corrected(canary[0]), clashing(canary[1]))
    association = Sender(site.listener.port).associate(canary)
    torn = deepcopy(canary[2])
    torn.SOPInstanceUID = torn.file_meta.MediaStorageSOPInstanceUID = UID("1.2.826.0.1.3680043.8.498.77.1")
    send_raw(association, torn, unreadable(torn))
    association.release()
    wait_until(lambda: site.cases() > 1, "both studies as cases")
    wait_until(lambda: len(list((site.data / "dicom" / "quarantine").glob("*.dcm"))) == 2, "the quarantine")
    traces = [CANARY.identifier, "Canaryfamily", "19511231", *uids(canary), str(torn.SOPInstanceUID)]
    assert site.places_of(CANARY.identifier)
    kept = site.places_of(*uids(other))

    shown = site.erase()

    assert shown.exit_code == 0, shown.output
    assert CANARY.identifier not in shown.output
    assert "What stays, and why:" in shown.output
    assert "dicom_listener: 4 object(s) of 1 study(ies) and 2 in quarantine to erase" in shown.output
    assert site.places_of(*traces) == []
    assert {trace for _, trace in site.places_of(*uids(other))} == {trace for _, trace in kept}
    for image in other:
        assert any(encoded(image)[-256:] in path.read_bytes() for path in (site.data / "blobs").rglob("*.seg"))


def test_kill_9_right_after_the_answer_costs_nothing_and_the_rest_is_done_after_the_restart(site: Site) -> None:
    canary, other = series_of(CANARY.identifier, "Canaryfamily^Cara", 40), series_of(OTHER.identifier, "Other^O")
    site.send(*canary, *other)
    wait_until(lambda: site.cases() == 2, "both studies as cases")
    client = ObjectErasureClient(f"127.0.0.1:{site.listener.grpc_port}")

    asked = client.erase(CANARY, "asked for")
    site.listener.kill()
    site.listener.start()
    wait_until(lambda: client.erasure(asked.erasure_id).finished_time is not None, "the end of the erasure")
    client.close()

    assert (asked.instance_count, asked.study_count) == (40, 1)
    assert [row for row in site.places_of(CANARY.identifier, *uids(canary)) if not row[0].startswith("ledger")] == []
    assert {trace for _, trace in site.places_of(*uids(other))} == set(uids(other))


def test_what_comes_afterwards_is_new_data_under_the_same_uids_and_over_a_restart(site: Site) -> None:
    canary = series_of(CANARY.identifier, "Canaryfamily^Cara")
    site.send(*canary)
    wait_until(lambda: site.cases() == 1, "the case")
    assert site.erase().exit_code == 0
    assert [case.study_instance_uid for case in site.ledger.queries.cases(datetime.now(UTC))] == [""]
    site.listener.stop()
    site.listener.start()
    again = site.erase()
    assert "0 object(s) of 0 study(ies) and 0 in quarantine" in again.output

    site.send(*canary)

    study = str(canary[0].StudyInstanceUID)
    wait_until(lambda: bool(site.ledger.queries.cases(datetime.now(UTC), study_instance_uid=study)), "the case again")
    site.listener.stop()
    site.listener.start()
    assert "3 object(s) of 1 study(ies)" in site.erase().output


def test_an_owner_that_cannot_be_reached_is_named_and_the_others_are_erased_all_the_same(site: Site) -> None:
    canary = series_of(CANARY.identifier, "Canaryfamily^Cara")
    site.send(*canary)
    wait_until(lambda: site.cases() == 1, "the case")
    site.listener.stop()

    shown = site.erase()

    assert shown.exit_code == 1
    assert "dicom_listener: FAILED" in shown.output
    assert "not erased at dicom_listener: repeat the command" in shown.output
    assert "results: 1 case(s) emptied" in shown.output
    site.listener.start()
    assert site.erase().exit_code == 0
    assert site.places_of(CANARY.identifier, *uids(canary)) == []
