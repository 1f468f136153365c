"""What a case shows of images, and what a person says of its region; the ledger is a real one behind its door."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console

from services.cli.__main__ import oncorelay
from services.cli.case_images import show_images, show_proposed
from services.results.ledger.database import open_engine, upgrade
from services.results.ledger.keys import Keys
from services.results.ledger.ledger import Ledger, assemble
from services.results.ledger.policy import Policy
from services.results.serve.adapters.grpc_server import registration
from services.results.serve.handlers import SubmitCase
from shared.dicom.mask_file import drawings_in_file
from shared.domain.case import CaseDetail, PinnedBundle
from shared.domain.images import Artefact, ArtefactKind, AutomaticRegion, ImagingPolicy, RegionOrigin, RegionProposed
from shared.domain.prediction import Flag, Prediction
from shared.imaging.artefacts import encode_region
from shared.predictors.ln_pcr.predictor import LnPcr
from shared.predictors.registry import REGISTRY
from shared.rpc import server
from shared.storage.artefacts import artefact_store
from shared.testing.cases import a_study, some_pins
from shared.testing.images import EngineDouble, a_network_model, some_images
from shared.testing.ports import free_port

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MODEL = a_network_model()
PINS = some_pins(
    variant="clinical_dlr", bundle_id=MODEL.bundle_id, bundle_digest=MODEL.reference.digest,
    imaging=ImagingPolicy(AutomaticRegion.CONFIRM),
)  # fmt: skip


def shown(show: Any, what: Any) -> str:
    out = StringIO()
    show(what, Console(file=out, width=200, markup=False, emoji=False, highlight=False))
    return out.getvalue()


def test_an_answer_from_images_is_shown_with_phases_region_numbers_and_every_variant() -> None:
    answer = LnPcr().answer_images(PINS, {"clinical_dlr": MODEL}, some_images(), EngineDouble()).answer
    assert isinstance(answer, Prediction)
    text = shown(show_images, answer)

    for line in (
        "Clinical-DLR: all inputs are there",
        "clinical_dlr: 0.7, logistic, ln_pcr-clinical-dlr-double 1.2.0  <- the result",
        "clinical_radiomics: none, no radiomics bundle is installed",
        "images: one series with temporal positions; the phase at 118 s is nearest to 90 to 150 s",
        "phase 2 (early, measured), 118 s, series 1.2.3.4",
        "phase 1 (pre), time unknown",
        "region: 0.38 cm3 (192 voxels), a DICOM segmentation, a reader: manual, as the segmentation says, 1.2.3.9",
        "not used: series 1.2.3.5: diffusion",
        "remark: no injection time is stated",
        "Volume of the region = 384 mm3",
        "original_firstorder_Mean = 2  (engine-double 1, preset A",
        "exponential_glcm_MCC = 0.5\n",  # what is said once is not said again
    ):
        assert line in text, line


def test_images_that_were_not_measured_are_shown_with_what_to_do() -> None:
    answer = LnPcr().answer_images(PINS, {"clinical_dlr": MODEL}, some_images(), EngineDouble()).answer
    assert isinstance(answer, Prediction)
    remedy = "send what they lack into the same study"

    assert remedy not in shown(show_images, answer)
    assert remedy in shown(show_images, replace(answer, flags=(Flag("images_not_measured", "no series"),)))


def test_an_answer_without_images_shows_nothing_of_them() -> None:
    answer = LnPcr().answer_images(PINS, {"clinical_dlr": MODEL}, some_images(), EngineDouble()).answer
    assert isinstance(answer, Prediction)

    assert shown(show_images, replace(answer, variant_reason="", variants=(), images=None, measured=())) == ""


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """A ledger behind its door, where the command line looks for it."""
    engine = open_engine(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    upgrade(engine)
    ledger = assemble(engine, Keys("test-site", b"k" * 32), Policy())
    submit = SubmitCase(ledger.intake, ledger.intake, REGISTRY, lambda: NOW)
    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("ONCORELAY_RESULTS__GRPC_ADDRESS", address)
    monkeypatch.setenv("ONCORELAY_PERSON", "jane")
    door = server.start(address, registration(ledger, submit, lambda: NOW))
    yield ledger
    door.stop(0).wait()
    engine.dispose()


NOWHERE = Artefact(ArtefactKind.REGION, "file:///blobs/r", "a" * 64)


def waiting(ledger: Ledger, artefact: Artefact = NOWHERE) -> str:
    """Take a case to where its region waits."""
    (case_id,) = ledger.intake.submit("study", a_study(), ("ln_pcr",), NOW)
    for due in ledger.collecting.due(NOW):
        ledger.collecting.pin(due, PINS, NOW)
    claim = ledger.attempts.claim("claim", case_id, 1, "worker", NOW)
    automatic = replace(some_images(), region=replace(some_images().region, origin=RegionOrigin.AUTOMATIC))
    found = LnPcr().answer_images(claim.pins, {"clinical_dlr": MODEL}, automatic, EngineDouble()).answer
    assert isinstance(found, RegionProposed)
    stored = replace(found, artefact=artefact)
    ledger.attempts.answer("answer", case_id, claim.attempt, stored, NOW)
    return case_id


def said(*words: str) -> Any:
    return CliRunner().invoke(oncorelay, ["case", *words])


def test_a_region_that_waits_is_shown_with_the_command_that_confirms_it(ledger: Ledger) -> None:
    case_id = waiting(ledger)
    detail = ledger.queries.case(case_id, NOW)
    text = shown(show_proposed, detail)

    assert "a region waits for a person" in text
    assert "an automatic region of 0.38 cm3" in text
    assert f"`oncorelay case {case_id[:12]} confirm-region`" in text
    assert isinstance(detail, CaseDetail)


def test_the_region_that_waits_is_saved_as_a_file_that_viewers_read(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONCORELAY_SITE__DATA_FOLDER", str(tmp_path))
    mask = some_images().region.mask
    uri, digest = artefact_store(tmp_path / "blobs", "case").put(encode_region(mask))
    case_id = waiting(ledger, Artefact(ArtefactKind.REGION, uri, digest))
    result = said(case_id, "save-region", "--out", str(tmp_path / "region.nrrd"))

    assert (result.exit_code, "the region that waits for a person" in result.output) == (0, True)
    (drawing,) = drawings_in_file(tmp_path / "region.nrrd")
    assert np.array_equal(drawing.place(mask.grid).mask.bits, mask.bits)


def test_a_region_on_another_machine_is_not_saved_and_the_remedy_is_said(ledger: Ledger, tmp_path: Path) -> None:
    case_id = waiting(ledger)
    result = said(case_id, "save-region", "--out", str(tmp_path / "region.nrrd"))

    assert result.exit_code == 1
    assert not (tmp_path / "region.nrrd").exists()
    assert said(case_id, "save-region").exit_code == 2


def test_a_person_confirms_and_the_case_is_asked_again(ledger: Ledger) -> None:
    case_id = waiting(ledger)
    result = said(case_id[:12], "confirm-region", "--by", "dr-test")

    assert (result.exit_code, "region confirmed; the case is asked again" in result.output) == (0, True)
    for due in ledger.collecting.due(NOW):
        ledger.collecting.pin(due, PINS, NOW)
    region = ledger.attempts.claim("again", case_id, 2, "worker", NOW).pins.region
    assert region is not None
    assert region.confirmed_by.startswith("dr-test")


def test_a_rejection_needs_a_reason_and_answers_in_json(ledger: Ledger) -> None:
    case_id = waiting(ledger)
    assert said(case_id, "confirm-region", "--reject").exit_code == 2
    result = said(case_id, "confirm-region", "--reject", "--reason", "a vessel", "--json")

    assert '"verdict": "rejected"' in result.output
    again = said(case_id, "confirm-region")
    assert again.exit_code == 1
    assert "no region of case" in again.output


def test_words_of_a_confirmation_without_one_are_refused(ledger: Ledger) -> None:
    assert "belongs to confirm-region" in said(waiting(ledger), "--reject").output


def test_json_holds_the_proposal(ledger: Ledger) -> None:
    result = said(waiting(ledger), "--json")

    assert f'"digest": "{"a" * 64}"' in result.output


def test_a_pinned_bundle_beside_the_leading_one_travels_through_the_door(ledger: Ledger) -> None:
    pins = replace(PINS, others=(PinnedBundle("clinical", MODEL.reference),))
    (case_id,) = ledger.intake.submit("study", a_study(), ("ln_pcr",), NOW)
    for due in ledger.collecting.due(NOW):
        ledger.collecting.pin(due, pins, NOW)

    assert ledger.attempts.claim("claim", case_id, 1, "worker", NOW).pins.others == pins.others
