"""A risk per horizon in a real FHIR server, in every form the server may take."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.model_factory.formats.graph import cox_graph
from services.model_factory.handlers.seal_bundle import seal
from services.results.config import Settings, SinkSettings
from services.results.deliver.adapters.sinks import build_sink
from services.results.deliver.formats.horizons import rounded
from services.results.deliver.ports import Sent, Sink
from services.results.ledger.findings import Finding
from shared.bundles.catalog import installed_catalog
from shared.domain.case import ReviewState
from shared.domain.errors import PermanentError, TemporaryError
from shared.domain.identity import Demographics, PatientIdentity, Sex
from shared.domain.prediction import BundleReference
from shared.fhir.writing.elements import encode
from shared.testing.cox_model import lung_draft, lung_hazards
from shared.testing.fhir_judges import google_errors
from shared.testing.fhir_server import FhirServer
from tests.findings import left_behind
from tests.integration.deliver.conftest import FHIR_SYSTEM
from tests.panels import BOTH, Panels, answered_by_the_model
from tests.paper import text_of

pytestmark = pytest.mark.integration

KINDS = ("RiskAssessment", "Observation", "DiagnosticReport", "DocumentReference")
FORMS: dict[str, tuple[tuple[str, ...], dict[str, int]]] = {
    "everything": ((), {"RiskAssessment": 1, "Observation": 2, "DiagnosticReport": 1, "DocumentReference": 0}),
    "no RiskAssessment": (
        ("RiskAssessment",),
        {"RiskAssessment": 0, "Observation": 2, "DiagnosticReport": 1, "DocumentReference": 0},
    ),
    "documents only": (
        ("RiskAssessment", "Observation", "DiagnosticReport", "Device", "Provenance"),
        {"RiskAssessment": 0, "Observation": 0, "DiagnosticReport": 0, "DocumentReference": 1},
    ),
    "no transactions": (
        ("transaction",),
        {"RiskAssessment": 0, "Observation": 0, "DiagnosticReport": 0, "DocumentReference": 1},
    ),
}
_NUMBERS = itertools.count(1)


@pytest.fixture(params=FORMS)
def expected(request: pytest.FixtureRequest, ehr: FhirServer) -> Iterator[dict[str, int]]:
    """What one result leaves at a server that withholds some kinds."""
    withheld, counts = FORMS[request.param]
    ehr.withhold(*withheld)
    yield counts
    ehr.withhold()


@pytest.fixture
def bundle(tmp_path: Path) -> BundleReference:
    """The invented model, signed by a key that the site trusts."""
    draft = lung_draft()
    model = lung_hazards()
    ratios, centres = [one.log_hazard_ratio for one in model.columns], [one.centre for one in model.columns]
    baselines = [one.baseline_cumulative_hazard or 0.0 for one in model.given]
    graph = cox_graph(draft["id"], ratios, centres, baselines)
    folder = tmp_path / "bundles" / draft["id"]
    folder.mkdir(parents=True)
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    for name, content in seal(draft, {"model.onnx": graph}, key.sign).items():
        (folder / name).write_bytes(content)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "site.pem").write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return installed_catalog([tmp_path / "bundles"], tmp_path / "keys").find(draft["id"]).reference


@pytest.fixture
def settings(tmp_path: Path, bundle: BundleReference) -> Settings:
    ours = {"bundle_folders": [tmp_path / "bundles"], "trusted_key_folder": tmp_path / "keys"}
    identity = [{"name": "hospital", "fhir_system": FHIR_SYSTEM}]
    return Settings.model_validate({"site": {"data_folder": tmp_path}, "identity": identity, **ours})


@pytest.fixture
def panels(ehr: FhirServer, bundle: BundleReference) -> Panels:
    """A patient of her own, whose chart is at the server."""
    number = next(_NUMBERS)
    identity = PatientIdentity("hospital", f"LUNG-{number:06}")
    ehr.put({
        "resourceType": "Patient", "id": f"lung{number}", "birthDate": "1971-04-05", "gender": "female",
        "identifier": [{"system": FHIR_SYSTEM, "value": identity.identifier}],
    })  # fmt: skip
    return answered_by_the_model(Panels(identity, f"case-lung-{number}", f"{number:064x}", bundle=bundle))


def chart(ehr: FhirServer, panels: Panels) -> dict[str, list[dict[str, Any]]]:
    """Return what of ours is in the patient's chart, also of kinds the server withholds just now."""
    patient = f"Patient/lung{int(panels.identity.identifier[5:])}"
    rows = {kind: ehr.search(f"{kind}?subject={patient}") for kind in KINDS if offered(ehr, kind)}
    return {kind: rows.get(kind, []) for kind in KINDS}


def offered(ehr: FhirServer, kind: str) -> bool:
    return any(row["type"] == kind for row in ehr.get("metadata")["rest"][0]["resource"])


def current(ehr: FhirServer, panels: Panels) -> dict[str, int]:
    rows = chart(ehr, panels)
    return {kind: sum(row["status"] != "entered-in-error" for row in rows[kind]) for kind in KINDS}


def deliver(sink: Sink, finding: Finding, before: Finding | None = None, left: Sent | None = None) -> Sent:
    return sink.deliver(finding, (left_behind(before, left.object_id),) if before and left else ())


def test_the_result_is_there_in_the_best_form_the_server_takes(
    to_ehr: Sink, ehr: FhirServer, panels: Panels, expected: dict[str, int]
) -> None:
    sent = deliver(to_ehr, panels.prediction())
    assert current(ehr, panels) == expected
    best = next(kind for kind in (KINDS[0], KINDS[2], KINDS[3]) if expected[kind])
    assert sent.object_id.startswith(f"{best}/")
    assert sent.location == f"{ehr.url}/{sent.object_id}"


def test_a_repeat_makes_nothing_new(to_ehr: Sink, ehr: FhirServer, panels: Panels, expected: dict[str, int]) -> None:
    first = deliver(to_ehr, panels.prediction())
    before = chart(ehr, panels)
    assert deliver(to_ehr, panels.prediction()) == first
    assert chart(ehr, panels) == before
    assert current(ehr, panels) == expected


def test_a_corrected_value_leaves_exactly_one_current_result(
    to_ehr: Sink, ehr: FhirServer, panels: Panels, expected: dict[str, int]
) -> None:
    first = replace(panels.prediction(), review=ReviewState.ACCEPTED)
    left = deliver(to_ehr, first)
    later = deliver(to_ehr, panels.later(first), first, left)
    assert later.object_id != left.object_id
    assert current(ehr, panels) == expected
    kind, key = later.object_id.split("/")
    (said,) = [row for row in chart(ehr, panels)[kind] if row["id"] == key]
    assert said["docStatus" if kind == "DocumentReference" else "status"] == "amended"


def test_a_withdrawal_leaves_no_number_to_read(
    to_ehr: Sink, ehr: FhirServer, panels: Panels, expected: dict[str, int]
) -> None:
    first = panels.prediction()
    left = deliver(to_ehr, first)
    gone = panels.withdrawal(first)
    assert deliver(to_ehr, gone, first, left).object_id == left.object_id
    assert current(ehr, panels) == dict.fromkeys(KINDS, 0)
    rows = [row for kind in KINDS for row in chart(ehr, panels)[kind]]
    assert len(rows) == sum(expected.values())
    number = rounded(panels.horizons[0].probability or 0.0)
    for row in rows:
        assert number not in row["text"]["div"]
        assert number not in row.get("conclusion", "") + row.get("description", "")
        assert "presentedForm" not in row
        pages = [base64.b64decode(one["attachment"]["data"]) for one in row.get("content", [])]
        assert all(b"The laboratory cancelled its values." in page for page in pages)
    deliver(to_ehr, gone, first, left)


def test_not_analysed_is_told_in_every_form(
    to_ehr: Sink, ehr: FhirServer, panels: Panels, expected: dict[str, int]
) -> None:
    deliver(to_ehr, panels.not_analysed())
    rows = [row for kind in KINDS for row in chart(ehr, panels)[kind]]
    assert len(rows) == sum(1 for number in expected.values() if number)
    assert all(row["meta"]["tag"][0]["code"] == "not_one_draw" for row in rows)
    assert all("are not of one draw" in row["text"]["div"] for row in rows)
    assert b"valueQuantity" not in encode({"rows": rows})


def test_the_second_judge_accepts_what_the_server_holds(
    to_ehr: Sink, ehr: FhirServer, panels: Panels, expected: dict[str, int], tmp_path: Path
) -> None:
    first = panels.prediction()
    left = deliver(to_ehr, first)
    deliver(to_ehr, panels.later(first), first, left)
    rows = {f"{kind}-{row['id']}": encode(row) for kind in KINDS for row in chart(ehr, panels)[kind]}
    assert len(rows) == 2 * sum(expected.values())
    assert google_errors(tmp_path, rows) == {}


def test_both_horizons_are_predictions_with_a_period(to_ehr: Sink, ehr: FhirServer, panels: Panels) -> None:
    deliver(to_ehr, panels.prediction())
    (risk,) = chart(ehr, panels)["RiskAssessment"]
    five, ten = (row.probability or 0.0 for row in panels.horizons)
    assert [(row["probabilityDecimal"], row["whenPeriod"]["end"][:10]) for row in risk["prediction"]] == [
        (five, "2031-02-26"), (ten, "2036-02-26"),
    ]  # fmt: skip
    twins = chart(ehr, panels)["Observation"]
    assert sorted(row["valueQuantity"]["value"] for row in twins) == pytest.approx([100 * five, 100 * ten])


def test_a_chart_that_contradicts_what_the_record_said_gets_nothing(
    to_ehr: Sink, ehr: FhirServer, panels: Panels
) -> None:
    """A panel has no images that say who it is about: what the record said was pinned with its values."""
    finding = panels.prediction()
    assert finding.pins is not None
    silent = replace(finding.study, demographics=Demographics())
    recorded = replace(finding.pins, demographics=Demographics(date(1959, 12, 31), Sex.FEMALE))
    conflict = "identity conflict: the record the values came from and ehr differ in birth date"
    with pytest.raises(PermanentError, match=conflict):
        deliver(to_ehr, replace(finding, study=silent, pins=recorded))
    assert chart(ehr, panels) == {kind: [] for kind in KINDS}
    agreed = replace(finding.pins, demographics=Demographics(date(1971, 4, 5), Sex.FEMALE))
    deliver(to_ehr, replace(finding, study=silent, pins=agreed))
    assert current(ehr, panels) == FORMS["everything"][1]


def test_the_report_in_the_chart_opens_as_pages_with_the_nomogram(
    to_ehr: Sink, ehr: FhirServer, panels: Panels, tmp_path: Path
) -> None:
    deliver(to_ehr, panels.prediction())
    (report,) = chart(ehr, panels)["DiagnosticReport"]
    (tmp_path / "page.pdf").write_bytes(base64.b64decode(report["presentedForm"][0]["data"]))
    shown = text_of(tmp_path / "page.pdf")
    assert "Risk within 5 years" in shown
    assert f"Patient {panels.identity.identifier} (hospital), born 1971-04-05" in shown
    assert "DEMONSTRATION - NOT FOR CLINICAL USE" in shown
    assert f"case {panels.case_id}, revision 1" in shown


def test_a_bundle_that_is_gone_makes_no_page_without_its_nomogram(
    to_ehr: Sink, ehr: FhirServer, panels: Panels
) -> None:
    other = replace(panels, bundle=replace(panels.bundle, digest="0" * 64))
    with pytest.raises(PermanentError, match="its nomogram cannot be drawn: the bundle lung-test"):
        deliver(to_ehr, other.prediction())
    assert current(ehr, panels) == dict.fromkeys(KINDS, 0)


def test_a_nomogram_that_contradicts_the_numbers_is_not_sent(to_ehr: Sink, ehr: FhirServer, panels: Panels) -> None:
    with pytest.raises(PermanentError, match="would not say what its numbers say"):
        deliver(to_ehr, replace(panels, horizons=BOTH).prediction())
    assert current(ehr, panels) == dict.fromkeys(KINDS, 0)


def test_a_result_in_an_older_form_is_replaced_by_a_better_one(
    to_ehr: Sink, settings: Settings, ehr: FhirServer, opened: ExitStack, panels: Panels
) -> None:
    """The server was upgraded between two revisions."""
    ehr.withhold("RiskAssessment", "Observation", "DiagnosticReport")
    first = panels.prediction()
    left = deliver(to_ehr, first)
    ehr.withhold()
    started_again = build_sink(settings, SinkSettings(name="ehr", kind="fhir", url=ehr.url), opened)
    deliver(started_again, panels.later(first), first, left)
    assert current(ehr, panels) == FORMS["everything"][1]
    assert [row["status"] for row in chart(ehr, panels)["DocumentReference"]] == ["entered-in-error"]


def test_the_server_is_asked_once_and_again_after_a_failure(to_ehr: Sink, ehr: FhirServer, panels: Panels) -> None:
    asked = ehr.asked().count("GET /fhir/metadata")
    first = panels.prediction()
    deliver(to_ehr, first)
    deliver(to_ehr, first)
    assert ehr.asked().count("GET /fhir/metadata") == asked + 1
    ehr.withhold("RiskAssessment")
    with pytest.raises(PermanentError, match="404"):
        deliver(to_ehr, panels.later(first))
    deliver(to_ehr, panels.later(first))
    ehr.withhold()
    assert len(chart(ehr, panels)["DiagnosticReport"]) == 2


def test_a_server_that_cannot_be_asked_gets_nothing_yet(to_ehr: Sink, ehr: FhirServer, panels: Panels) -> None:
    ehr.fail_next(503)
    with pytest.raises(TemporaryError, match="capabilities"):
        deliver(to_ehr, panels.prediction())
    assert current(ehr, panels) == dict.fromkeys(KINDS, 0)


def test_a_server_that_takes_nothing_of_ours_is_said_so(to_ehr: Sink, ehr: FhirServer, panels: Panels) -> None:
    ehr.withhold("RiskAssessment", "DiagnosticReport", "DocumentReference")
    with pytest.raises(PermanentError, match="offers to create none of"):
        deliver(to_ehr, panels.prediction())
    ehr.withhold()
