"""The FHIR door and PostgreSQL with the certificates that `oncorelay certs` makes, spoken to by real clients."""

from __future__ import annotations

import shutil
import ssl
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from services.lab_consumer.app import build, migrate
from services.lab_consumer.config import Settings
from shared.security import tls_folder
from shared.site.settings import Site
from shared.testing.ports import free_port
from shared.testing.postgresql import postgresql_folder, start_postgresql

pytestmark = pytest.mark.integration


@pytest.fixture
def tls(tmp_path: Path) -> Path:
    tls_folder.make_site(tmp_path / "tls", "hospital", datetime.now(UTC))
    return tmp_path / "tls"


def test_the_fhir_door_speaks_tls_with_its_certificate(tls: Path, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "lab_consumer.token").write_text("a-token-of-the-hospital-1234")
    settings = Settings(
        site=Site(data_folder=tmp_path), http_port=0, grpc_address=f"127.0.0.1:{free_port()}",
        http_tls_certificate=tls / "lab_consumer.pem", http_tls_key=tls / "lab_consumer.key",
    )  # fmt: skip
    migrate(settings)
    service = build(settings)
    service.start()
    try:
        trust = ssl.create_default_context(cafile=str(tls / "ca.pem"))
        assert httpx.get(f"https://localhost:{service.http_port}/fhir/metadata", verify=trust).status_code == 200
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"http://127.0.0.1:{service.http_port}/fhir/metadata")
    finally:
        service.stop()


@pytest.mark.skipif(postgresql_folder() is None, reason="PostgreSQL is not installed: apt-get install postgresql")
def test_postgresql_proves_itself_with_the_certificate_of_the_site(
    tls: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("postgresql")
    for name in ("postgres.pem", "postgres.key"):
        shutil.copy(tls / name, folder / name)
    options = {"ssl": "on", "ssl_cert_file": str(folder / "postgres.pem"), "ssl_key_file": str(folder / "postgres.key")}
    with start_postgresql(folder, options) as url:
        secured = sa.create_engine(f"{url}?sslmode=verify-full&sslrootcert={tls / 'ca.pem'}")
        with secured.connect() as connection:
            assert connection.execute(sa.text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")).scalar()
        secured.dispose()
        tls_folder.make_site(folder / "other", "other", datetime.now(UTC))
        stranger = sa.create_engine(f"{url}?sslmode=verify-full&sslrootcert={folder / 'other' / 'ca.pem'}")
        with pytest.raises(sa.exc.OperationalError, match="certificate verify failed"):
            stranger.connect()
        stranger.dispose()
