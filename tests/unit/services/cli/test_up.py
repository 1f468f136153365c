"""The embedded set-up: one per data folder, and a Redis that is really ours."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import tomllib
from pathlib import Path

import pytest

from services.cli.demo.site import Ports, write_site_file
from services.cli.site_file import default_tables, make_keys, to_toml
from services.cli.site_lock import locked
from services.cli.supervisor import Supervisor
from services.cli.up import check_redis_port, embedded_redis, redis_process, running
from shared.site.settings import CONFIG_VARIABLE
from shared.testing.ports import free_port


def test_a_second_up_on_the_same_site_ends_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "site.toml").write_text(to_toml(default_tables(tmp_path)))
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "site.toml"))

    with (
        locked(tmp_path),
        pytest.raises(RuntimeError, match=f"in use .*process {os.getpid()}"),
        running(lambda _name, _text: None),
    ):
        pass


def test_a_demo_leaves_a_folder_in_use_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    make_keys(folder)
    (folder / "ledger").write_text("precious")
    program = [sys.executable, "-m", "services.cli", "demo", "--headless", "--data", str(tmp_path)]
    with locked(folder):
        ended = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)

    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "in use" in ended.stderr
    assert (folder / "ledger").read_text() == "precious"


def test_the_lock_is_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path):
            pass


def test_a_taken_port_is_named_with_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(RuntimeError, match=rf"port {port} .* \[up\] redis_port"):
            check_redis_port(port, patience_s=0.0)


def test_the_embedded_redis_answers_with_its_own_process(tmp_path: Path) -> None:
    port = free_port()
    assert redis_process(port, "pass word") == 0
    supervisor = Supervisor(tmp_path, dict(os.environ), lambda _name, _text: None)
    child = supervisor.start(embedded_redis(tmp_path / "redis", port, "pass word"))
    try:
        assert redis_process(port, "pass word") == child.process.pid
        assert redis_process(port, "") == redis_process(port, "another") == 0
        assert (tmp_path / "redis.conf").stat().st_mode & 0o777 == 0o600
    finally:
        supervisor.stop()


def test_who_only_looks_whether_redis_is_there_looks_once() -> None:
    callers: list[socket.socket] = []

    def turn_away() -> None:
        with contextlib.suppress(OSError):
            while True:
                callers.append(server.accept()[0])
                callers[-1].close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=turn_away)
        thread.start()
        assert redis_process(server.getsockname()[1], "pass word") == 0
        server.shutdown(socket.SHUT_RDWR)
        thread.join()

    assert len(callers) == 1


def test_data_and_secrets_are_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    make_keys(folder, tmp_path / "elsewhere" / "site.key")

    assert {oct(path.stat().st_mode & 0o777) for path in (folder, folder / "secrets")} == {"0o700"}
    assert (tmp_path / "elsewhere" / "site.key").exists()
    assert not (folder / "secrets" / "site.key").exists()


def test_a_site_file_read_and_written_again_says_the_same(tmp_path: Path) -> None:
    written = tomllib.loads(write_site_file(tmp_path, Ports.free(), [{"name": "x"}], peers=[{"port": 1}]).read_text())

    assert written["lab_consumer"]["site_code"][0]["analyte"] == "ifn_alpha"
    assert tomllib.loads(to_toml(written)) == written
