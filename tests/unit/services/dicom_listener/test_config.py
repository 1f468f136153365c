"""Settings of the listener are refused where they cannot be meant."""

from __future__ import annotations

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
