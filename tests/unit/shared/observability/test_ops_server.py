"""The operator's door of a process: three paths, in bounds, and silent about everything else."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx
import pytest

from shared.domain.errors import InvalidInputError
from shared.observability import ops_server
from shared.observability.health import Health
from shared.observability.operations import Operations, watched
from shared.observability.ops_server import MOST_CONNECTIONS, OpsServer, split
from shared.testing.ports import free_port, wait_until


@pytest.fixture
def trouble() -> dict[str, str]:
    return {}


@pytest.fixture
def server(trouble: dict[str, str]) -> Iterator[OpsServer]:
    health = Health({"disk": lambda: trouble.get("disk", "")}, keep_s=0.0)
    one = OpsServer("dicom_listener", "127.0.0.1:0", health)
    one.start()
    yield one
    one.stop()


def get(server: OpsServer, path: str, accept: str = "*/*") -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{server.port}{path}", headers={"Accept": accept}, timeout=10)


def test_ready_says_what_is_wrong_and_how_to_mend_it(server: OpsServer, trouble: dict[str, str]) -> None:
    assert get(server, "/health/ready").json() == {
        "service": "dicom_listener", "ready": True, "checked": ["disk"], "problems": {},
    }  # fmt: skip
    trouble["disk"] = "3 MiB free: make room"
    answer = get(server, "/health/ready")

    assert answer.status_code == 503
    assert answer.json()["problems"] == {"disk": "3 MiB free: make room"}
    assert get(server, "/health/live").status_code == 200


def test_metrics_come_in_both_formats_and_show_this_service_only(server: OpsServer) -> None:
    plain = get(server, "/metrics")
    openmetrics = get(server, "/metrics", "application/openmetrics-text; version=1.0.0")

    assert plain.headers["content-type"].startswith("text/plain")
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
    assert openmetrics.text.endswith("# EOF\n")
    assert "oncorelay_dicom_listener_objects_total" in plain.text
    assert "oncorelay_deliver" not in plain.text


@pytest.mark.parametrize("path", ["/", "/metrics?name=x", "/metrics/", "/health", "/../etc/passwd"])
def test_anything_else_is_not_there_and_not_repeated(server: OpsServer, path: str) -> None:
    answer = get(server, path)

    assert answer.status_code == 404
    assert "passwd" not in answer.text


def test_nobody_can_change_anything(server: OpsServer) -> None:
    assert httpx.post(f"http://127.0.0.1:{server.port}/metrics", content=b"x", timeout=10).status_code == 501


def test_connections_that_say_nothing_do_not_keep_others_out_for_ever(
    server: OpsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ops_server._Handler, "timeout", 0.2)
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(MOST_CONNECTIONS)]

    def answers() -> bool:
        try:
            return get(server, "/health/live").status_code == 200
        except httpx.HTTPError:
            return False

    wait_until(answers, "a place")
    for one in silent:
        one.close()


def test_a_request_that_dribbles_is_cut_however_busily_it_does(
    server: OpsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ops_server, "LONGEST_S", 0.3)
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as dribbling:
        dribbling.sendall(b"GET /health/live HTTP/1.1\r\n")
        dribbling.settimeout(0.05)

        def is_cut() -> bool:
            try:
                dribbling.sendall(b"X: y\r\n")
                return dribbling.recv(1) == b""
            except TimeoutError:
                return False
            except OSError:
                return True

        wait_until(is_cut, "the connection to be cut", timeout_s=4.0)


def test_a_taken_port_is_told_with_the_setting_to_change(server: OpsServer) -> None:
    with pytest.raises(OSError, match=r"change ops_address in site\.toml"):
        OpsServer("inference", f"127.0.0.1:{server.port}", Health({}))


@pytest.mark.parametrize("address", ["9000", "127.0.0.1:", "127.0.0.1:abc", "127.0.0.1:70000"])
def test_an_address_is_host_and_port(address: str) -> None:
    with pytest.raises(InvalidInputError, match="ops_address"):
        split(address)


def test_without_an_address_nothing_listens_and_with_one_it_does_while_the_block_runs() -> None:
    with watched(Operations("inference", "")):
        pass
    port = free_port()
    looks: list[int] = []
    with watched(Operations("inference", f"127.0.0.1:{port}", sample=lambda: looks.append(1))):
        assert httpx.get(f"http://127.0.0.1:{port}/health/live", timeout=10).status_code == 200
        wait_until(lambda: bool(looks), "the first look")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/health/live", timeout=10)
