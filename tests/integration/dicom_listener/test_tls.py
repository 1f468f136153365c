"""DICOM TLS (PS3.15 B.9): with and without client certificates; DCMTK and OpenSSL are the clients."""

from __future__ import annotations

import socket
import ssl
import subprocess
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.dicom_listener.handlers.admission import Bond
from shared.security.door_tls import server_context
from shared.testing.authority import Authority, Identity
from shared.testing.dicom import save_series, small_series
from tests.doors import Standing, permissive, stand

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not Path("/usr/bin/storescu").exists(), reason="dcmtk is not installed"),
]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    found = Authority(tmp_path_factory.mktemp("certificates"), "authority")
    found.identity("authority")
    return found


@pytest.fixture(scope="module")
def server(authority: Authority) -> Identity:
    return authority.identity("server", authority)


@pytest.fixture(params=["own", "pynetdicom"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_to_all(kind: str, server: Identity, tmp_path: Path) -> Iterator[Standing]:
    standing = stand(kind, tmp_path, tls=server_context(server.certificate, server.key, None), acse_timeout_s=2.0)
    yield standing
    standing.door.stop()


@pytest.fixture
def mutual(kind: str, server: Identity, authority: Authority, tmp_path: Path) -> Iterator[Standing]:
    context = server_context(server.certificate, server.key, authority.certificate)
    standing = stand(kind, tmp_path, tls=context, acse_timeout_s=2.0)
    yield standing
    standing.door.stop()


def _storescu(standing: Standing, path: Path, *tls: str) -> int:
    command = ["/usr/bin/storescu", "-aec", "ONCORELAY", *tls, "127.0.0.1", str(standing.door.tls_port), str(path)]
    return subprocess.run(command, capture_output=True, timeout=30).returncode


def _image(tmp_path: Path) -> Path:
    (image,) = small_series(1)
    image.PixelData = bytes(3 << 20)
    return save_series([image], tmp_path / "out")[0]


def test_an_object_arrives_over_tls_without_a_client_certificate(
    open_to_all: Standing, authority: Authority, tmp_path: Path
) -> None:
    path = _image(tmp_path)

    assert _storescu(open_to_all, path, "+tla", "+cf", str(authority.certificate)) == 0
    assert open_to_all.ended() == [True]
    (stored,) = open_to_all.arrivals.objects()
    assert stored.end > 3 << 20


def test_an_object_arrives_over_tls_with_a_client_certificate(
    mutual: Standing, authority: Authority, tmp_path: Path
) -> None:
    client = authority.identity("client", authority)
    trust = ("+cf", str(authority.certificate))

    assert _storescu(mutual, _image(tmp_path), "+tls", str(client.key), str(client.certificate), *trust) == 0
    assert len(mutual.arrivals.objects()) == 1


def test_no_client_certificate_no_association(mutual: Standing, authority: Authority, tmp_path: Path) -> None:
    assert _storescu(mutual, _image(tmp_path), "+tla", "+cf", str(authority.certificate)) != 0
    assert mutual.arrivals.calls == []


def test_a_client_certificate_of_somebody_else_is_not_let_in(
    mutual: Standing, authority: Authority, tmp_path: Path
) -> None:
    stranger = authority.identity("stranger")
    trust = ("+cf", str(authority.certificate))

    assert _storescu(mutual, _image(tmp_path), "+tls", str(stranger.key), str(stranger.certificate), *trust) != 0
    assert mutual.arrivals.calls == []


def test_plain_dicom_on_the_tls_port_is_nothing(open_to_all: Standing, tmp_path: Path) -> None:
    assert _storescu(open_to_all, _image(tmp_path)) != 0
    assert open_to_all.arrivals.calls == []


def _handshake(standing: Standing, version: ssl.TLSVersion, ciphers: str = "DEFAULT@SECLEVEL=0") -> str:
    """Return the version that was agreed on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions, on purpose
        context.minimum_version = context.maximum_version = version
    context.set_ciphers(ciphers)
    address = ("127.0.0.1", standing.door.tls_port)
    with socket.create_connection(address, timeout=5) as raw, context.wrap_socket(raw) as spoken:
        return str(spoken.version())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions_are_not_spoken(version: ssl.TLSVersion, open_to_all: Standing) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        _handshake(open_to_all, version)


def test_current_versions_are_spoken(open_to_all: Standing) -> None:
    assert _handshake(open_to_all, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    assert _handshake(open_to_all, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"


def test_ciphers_without_authenticated_encryption_are_not_spoken(open_to_all: Standing) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        _handshake(open_to_all, ssl.TLSVersion.TLSv1_2, "ECDHE+AES:!AESGCM:!AESCCM")


def test_a_client_that_never_finishes_its_handshake_is_let_go(server: Identity, tmp_path: Path) -> None:
    context = server_context(server.certificate, server.key, None)
    standing = stand("own", tmp_path, tls=context, acse_timeout_s=1.0)
    try:
        with socket.create_connection(("127.0.0.1", standing.door.tls_port), timeout=10) as silent:
            assert silent.recv(1) == b""
    finally:
        standing.door.stop()


def test_there_is_no_way_around_the_client_certificate_where_the_plain_port_is_off(
    kind: str, server: Identity, authority: Authority, tmp_path: Path
) -> None:
    context = server_context(server.certificate, server.key, authority.certificate)
    standing = stand(kind, tmp_path, tls=context, port=None)
    try:
        assert standing.door.port == 0
        client = authority.identity("only-client", authority)
        trust = ("+cf", str(authority.certificate))
        assert _storescu(standing, _image(tmp_path), "+tls", str(client.key), str(client.certificate), *trust) == 0
    finally:
        standing.door.stop()


def test_a_title_bound_to_a_certificate_comes_in_with_that_certificate_only(
    kind: str, server: Identity, authority: Authority, tmp_path: Path
) -> None:
    rules = replace(permissive(), bonds={"STORESCU": Bond(certificate_name="the-sender")})
    context = server_context(server.certificate, server.key, authority.certificate)
    standing = stand(kind, tmp_path, tls=context, rules=rules)
    trust = ("+cf", str(authority.certificate))
    right, wrong = authority.identity("the-sender", authority), authority.identity("another-sender", authority)
    try:
        path = _image(tmp_path)
        assert _storescu(standing, path, "+tls", str(wrong.key), str(wrong.certificate), *trust) != 0
        assert standing.arrivals.objects() == []
        plain = ["/usr/bin/storescu", "-aec", "ONCORELAY", "127.0.0.1", str(standing.port), str(path)]
        assert subprocess.run(plain, capture_output=True, timeout=30).returncode != 0
        assert standing.arrivals.objects() == []
        assert _storescu(standing, path, "+tls", str(right.key), str(right.certificate), *trust) == 0
    finally:
        standing.door.stop()


def test_a_certificate_that_cannot_be_read_is_told_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"tls_certificate .*absent\.pem and tls_key .*absent\.key"):
        server_context(tmp_path / "absent.pem", tmp_path / "absent.key", None)
