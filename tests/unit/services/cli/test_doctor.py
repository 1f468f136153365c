"""What doctor says of a site that is wrong or not yet there, and that it leaves nothing behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from pydicom.uid import UID
from pynetdicom import AE

from services.cli import doctor
from services.cli.__main__ import oncorelay
from services.cli.dicom_echo import STORAGE_COMMITMENT, VERIFICATION, Node
from services.cli.site_file import default_tables, to_toml
from shared.observability.health import Health
from shared.observability.ops_server import OpsServer
from shared.site.settings import CONFIG_VARIABLE
from shared.testing.ports import free_port


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, Any]:
    ports = {name: f"127.0.0.1:{free_port()}" for name in ("results", "lab_consumer")}
    found: dict[str, Any] = dict(default_tables(tmp_path / "data"))
    found["results"] = {**found["results"], "grpc_address": ports["results"]}
    found["lab_consumer"] = {"grpc_address": ports["lab_consumer"]}
    found["dicom_listener"] = {"port": free_port(), "calling_ae_titles": ["PACS"]}
    return found


def examine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> dict[str, Any]:
    (tmp_path / "site.toml").write_text(text)
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "site.toml"))
    shown = CliRunner().invoke(oncorelay, ["doctor", "--json"])
    assert shown.exit_code == 1
    return {row["name"]: row for row in json.loads(shown.output.splitlines()[-1])}


def test_a_bad_site_file_is_one_failed_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = examine(tmp_path, monkeypatch, "[results]\ncollect_z = 3")

    assert list(found) == ["configuration"]
    assert found["configuration"]["detail"] == "[results] collect_z: unknown key"


def test_a_heading_in_brackets_is_shown_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "site.toml").write_text("[results]\ncollect_z = 3")
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "site.toml"))

    assert "[results] collect_z" in CliRunner().invoke(oncorelay, ["doctor"]).output


def test_no_sink_is_a_failed_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tables: dict[str, Any]) -> None:
    del tables["sinks"]
    found = examine(tmp_path, monkeypatch, to_toml(tables))

    assert not found["sinks"]["passed"]
    assert "[[sinks]]" in found["sinks"]["detail"]


def test_looking_for_the_ledger_makes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tables: dict[str, Any]
) -> None:
    found = examine(tmp_path, monkeypatch, to_toml(tables))

    assert found["ledger schema"]["detail"] == "no ledger yet: `oncorelay up` makes it"
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("offered", "configured", "passed", "said"),
    [
        (True, True, True, "accepts it, and it is configured"),
        (True, False, True, "PACS accepts it; not configured"),
        (False, False, True, "PACS does not accept it; not configured"),
        (False, True, False, "does not accept it: enable it there"),
    ],
)
def test_storage_commitment_compares_peer_and_site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tables: dict[str, Any],
    offered: bool, configured: bool, passed: bool, said: str,
) -> None:  # fmt: skip
    with peer(VERIFICATION, *([STORAGE_COMMITMENT] if offered else [])) as port:
        sink = {"name": "pacs", "kind": "dicom-cstore", "port": port, "ae_title": "PACS"}
        tables["sinks"] = [{**sink, "storage_commitment": configured, "commitment_port": 11113}]
        found = examine(tmp_path, monkeypatch, to_toml(tables))

    assert found["sink pacs"]["passed"]
    assert found["storage commitment pacs"]["passed"] is passed
    assert said in found["storage commitment pacs"]["detail"]


def test_a_rejection_names_both_titles() -> None:
    with peer(VERIFICATION) as port, pytest.raises(ValueError, match="rejects calling AE 'US' to called AE 'NOBODY'"):
        Node("127.0.0.1", port, "NOBODY", "US").echo()


@contextmanager
def peer(*syntaxes: str) -> Iterator[int]:
    entity, port = AE(ae_title="PACS"), free_port()
    entity.require_called_aet = True
    for syntax in syntaxes:
        entity.add_supported_context(UID(syntax))
    server = entity.start_server(("127.0.0.1", port), block=False)
    assert server is not None
    try:
        yield port
    finally:
        server.shutdown()


def test_what_a_service_finds_wrong_itself_is_shown_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tables: dict[str, Any]
) -> None:
    health = Health({"disk": lambda: "3 MiB free: make room", "journal": lambda: ""})
    server = OpsServer("dicom_listener", "127.0.0.1:0", health)
    server.start()
    tables["dicom_listener"] = {**tables["dicom_listener"], "ops_address": f"127.0.0.1:{server.port}"}
    tables["inference"] = {**tables["inference"], "ops_address": f"127.0.0.1:{free_port()}"}
    found = examine(tmp_path, monkeypatch, to_toml(tables))
    server.stop()

    assert found["health of dicom_listener"] == {
        "name": "health of dicom_listener", "passed": False, "detail": "disk: 3 MiB free: make room",
    }  # fmt: skip
    assert "oncorelay up" in found["health of inference"]["detail"]


@pytest.mark.parametrize(("grouped", "passed"), [(7, True), (10, False)])
def test_a_draw_that_one_service_groups_and_the_other_refuses_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tables: dict[str, Any], grouped: int, passed: bool
) -> None:
    tables["lab_consumer"] = {**tables["lab_consumer"], "draw_days": grouped}

    found = examine(tmp_path, monkeypatch, to_toml(tables))["draw of blood"]

    assert found["passed"] is passed
    assert passed or "set draw_days of both alike" in found["detail"]


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        (("RiskAssessment", "Observation"), "results are written as RiskAssessment"),
        (("DocumentReference",), "results are written as DocumentReference (the server does not offer to create"),
    ],
)
def test_the_form_a_fhir_server_takes_is_said_with_its_reason(kinds: tuple[str, ...], said: str) -> None:
    rows = [{"type": kind, "interaction": [{"code": "create"}]} for kind in kinds]
    rest = {"mode": "server", "interaction": [{"code": "transaction"}], "resource": rows}
    answer = httpx.Response(200, json={"resourceType": "CapabilityStatement", "rest": [rest]})
    assert doctor._form(answer).startswith(said)
    assert "states nothing" in doctor._form(httpx.Response(200, content=b"<html>"))
