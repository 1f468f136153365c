"""One line for each file that fails; the rest is still sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from services.cli.__main__ import oncorelay
from shared.site.settings import CONFIG_VARIABLE
from shared.testing.ports import free_port


@pytest.fixture(autouse=True)
def _nobody_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(f'[site]\ndata_folder = "{tmp_path / "data"}"\n')
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "site.toml"))
    monkeypatch.setenv("ONCORELAY_LAB_CONSUMER__HTTP_PORT", str(free_port()))
    monkeypatch.setenv("ONCORELAY_DICOM_LISTENER__PORT", str(free_port()))


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Take everything that is posted; remember the paths."""
    paths: list[str] = []

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            paths.append(self.path)
            self.send_response(201 if self.path == "/fhir/Patient" else 400)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("ONCORELAY_LAB_CONSUMER__HTTP_PORT", str(server.server_port))
    yield paths
    server.shutdown()
    server.server_close()


BAD = {
    "a_wrong.json": b"{", "b_list.json": b"[1]", "c_empty.json": b"", "d_latin.json": b'{"a": "\xe9"}',
    "e_odd.json": b'{"resourceType": "../x"}',
}  # fmt: skip


def test_unreadable_json_is_posted_as_it_is_and_the_rest_is_sent(tmp_path: Path, door: list[str]) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for name, content in BAD.items():
        (folder / name).write_bytes(content)
    (folder / "z.json").write_text('{"resourceType": "Patient"}')
    shown = CliRunner().invoke(oncorelay, ["send", str(folder)])

    assert shown.exit_code == 1
    assert door == ["/fhir"] * len(BAD) + ["/fhir/Patient"]
    assert [line.split()[:2] for line in shown.output.splitlines()[:-1]] == [
        *(["400", name] for name in BAD), ["201", "z.json"],
    ]  # fmt: skip


def test_a_lab_consumer_that_is_down_is_one_line_per_file(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text("{}")
    shown = CliRunner().invoke(oncorelay, ["send", str(tmp_path / "a.json"), str(tmp_path / "b.json")])

    assert shown.exit_code == 1
    assert [line.split(":")[0] for line in shown.output.splitlines()[:2]] == ["failed a.json", "failed b.json"]
    assert "is `oncorelay up` running?" in shown.output
    assert "2 of 2 files failed" in shown.output


def test_a_named_file_that_is_not_dicom_failed(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    shown = CliRunner().invoke(oncorelay, ["send", str(tmp_path / "notes.txt")])

    assert shown.exit_code == 1
    assert "failed notes.txt: not a DICOM file" in shown.output


def test_what_is_not_dicom_in_a_folder_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes.txt").write_text("x")
    shown = CliRunner().invoke(oncorelay, ["send", str(tmp_path / "folder")])

    assert shown.exit_code == 0
    assert "skipped notes.txt: not a DICOM file" in shown.output
