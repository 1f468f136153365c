"""Settings of the listener are refused where they cannot be meant."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.dicom_listener.config import Settings


@pytest.fixture(autouse=True)
def _no_site(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONCORELAY_CONFIG", raising=False)


def test_nobody_may_send_unless_listed() -> None:
    assert Settings().calling_ae_titles == ()


def test_the_environment_lists_senders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONCORELAY_DICOM_LISTENER__CALLING_AE_TITLES", "PACS, MODALITY 1")

    assert Settings().calling_ae_titles == ("PACS", "MODALITY 1")


def test_the_file_names_peers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site.toml"
    site.write_text('[[dicom_listener.peers]]\nae_title = "PACS"\nhost = "h"\nport = 104\nask_instance_count = true\n')
    monkeypatch.setenv("ONCORELAY_CONFIG", str(site))

    (peer,) = Settings().peers

    assert (peer.ae_title, peer.host, peer.port, peer.ask_instance_count) == ("PACS", "h", 104, True)


@pytest.mark.parametrize("title", ["", "    ", "SEVENTEEN LETTERS", "back\\slash", "umläut"])
def test_what_is_no_ae_title_is_refused(title: str) -> None:
    with pytest.raises(ValidationError):
        Settings(ae_title=title)


def test_objects_lie_below_the_blob_store() -> None:
    settings = Settings()

    assert settings.object_folder.is_relative_to(settings.site.blob_folder)


def test_senders_come_from_this_machine_unless_networks_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(network.is_loopback for network in Settings().allowed_networks)

    monkeypatch.setenv("ONCORELAY_DICOM_LISTENER__ALLOWED_NETWORKS", "10.0.0.0/8, fd00::/8")

    assert Settings().allowed_networks == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def test_a_tls_certificate_needs_its_key(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="belong together"):
        Settings(tls_certificate=tmp_path / "door.pem")


def test_the_plain_port_can_be_switched_off_where_there_is_tls(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="nobody could send"):
        Settings.model_validate({"port": "none"})

    files = {"tls_certificate": tmp_path / "door.pem", "tls_key": tmp_path / "door.key"}
    settings = Settings.model_validate({"port": "none", **files})

    assert settings.port is None
    assert settings.tls_port == 2762


def test_a_peer_bound_to_a_certificate_needs_somebody_who_signs_it() -> None:
    peer = {"ae_title": "PACS", "host": "h", "port": 104, "certificate_name": "pacs"}

    with pytest.raises(ValidationError, match="tls_client_ca"):
        Settings.model_validate({"peers": [peer]})


def test_an_address_in_place_of_its_network_is_told_the_network() -> None:
    with pytest.raises(ValidationError, match=r"10\.0\.0\.1/8 has host bits set; did you mean 10\.0\.0\.0/8"):
        Settings.model_validate({"allowed_networks": ["10.0.0.1/8"]})
