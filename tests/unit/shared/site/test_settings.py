"""What stands wrongly in the site file is refused in one sentence that names table and key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.lab_consumer.config import Settings as LabSettings
from services.results.config import Settings as ResultsSettings
from services.results.config import SinkSettings
from shared.domain.errors import InvalidInputError
from shared.site.settings import CONFIG_VARIABLE, ServiceSettings, Site


class Settings(ResultsSettings):
    """The table most sites write most into."""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Settings]:
    def read(text: str) -> Settings:
        path = tmp_path / "site.toml"
        path.write_text(text)
        monkeypatch.setenv(CONFIG_VARIABLE, str(path))
        return Settings()

    return read


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[results]\ncollect_z = 3", "[results] collect_z: unknown key"),
        ('[results]\ncollect_s = "soon"', "[results] collect_s: input should be a valid number"),
        ('[site]\nslide_folders = "/scans"', "[site] slide_folders: must be a list, written [...]"),
        ("[site]\nsite_idd = 3", "[site] site_idd: unknown key"),
        ('[[sinks]]\nname = "a"\nkind = "folder"\n[[sinks]]\nname = "b"\nkind = "fax"', "[[sinks]] number 2 kind: "),
        ("[[identity]]\nnamee = 3", "[[identity]] number 1 name: missing"),
        ("[resultz]\ncollect_s = 3", "[resultz]: unknown table; known are site, identity, sinks, up"),
        ('[[sink]]\nname = "a"', "[[sink]]: unknown table"),
        ("results = 3", "results: must be written [results]"),
        ("[sinks]\na = 3", "[sinks]: must be written [[sinks]]"),
        ("[[site]]\na = 3", "[[site]]: must be written [site]"),
        ("[results", "not valid TOML"),
    ],
)
def test_what_nobody_understands_is_refused_by_table_and_key(
    site: Callable[[str], Settings], text: str, said: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        site(text)

    assert said in str(refused.value)


def test_every_wrong_key_is_named(site: Callable[[str], Settings]) -> None:
    with pytest.raises(InvalidInputError) as refused:
        site('[results]\ncollect_z = 3\npoll_s = "x"')

    assert "[results] collect_z" in str(refused.value)
    assert "[results] poll_s" in str(refused.value)


def test_a_refused_value_is_not_repeated(site: Callable[[str], Settings]) -> None:
    with pytest.raises(InvalidInputError) as refused:
        site('[results]\ndatabase_ulr = "postgresql://us:hush@host/db"')

    assert "hush" not in str(refused.value)


def test_an_environment_variable_nobody_knows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONCORELAY_RESULTS__COLLECT_Z", "3")

    with pytest.raises(InvalidInputError, match=r"\[results\] collect_z: unknown key"):
        Settings()


def test_the_secret_lies_in_the_data_folder_unless_the_site_says_where(
    site: Callable[[str], Settings], tmp_path: Path
) -> None:
    assert Site(data_folder=tmp_path).secret_file == tmp_path / "secrets" / "site.key"
    assert site('[site]\nsecret_file = "/run/secrets/site_key"').site.secret_file == Path("/run/secrets/site_key")
    assert site(f'[site]\ndata_folder = "{tmp_path}"').site.secret_file == tmp_path / "secrets" / "site.key"


def test_a_wrong_data_folder_is_one_sentence(site: Callable[[str], Settings]) -> None:
    with pytest.raises(InvalidInputError, match=r"\[site\] data_folder"):
        site("[site]\ndata_folder = 3")


def test_what_the_code_passes_comes_first() -> None:
    assert ServiceSettings(site=Site(site_id="mine")).site.site_id == "mine"
    assert Settings(sinks=(SinkSettings(name="a", kind="folder"),)).sinks[0].name == "a"


@pytest.mark.parametrize(("settings", "values", "remedy"), [
    (LabSettings, {"http_host": "0.0.0.0"}, "http_tls_certificate"),
    (LabSettings, {"http_host": "::"}, "behind_proxy"),
    (LabSettings, {"http_tls_key": "x"}, "belong together"),
    (ResultsSettings, {"redis_url": "redis://redis.hospital.example.org:6379/0"}, "redis_password_file"),
    (ResultsSettings, {"sinks": [{"name": "ehr", "kind": "fhir", "url": "http://ehr.hospital.example.org/fhir",
                                  "token_file": "x"}]}, "https://"),
])  # fmt: skip
def test_what_would_travel_in_the_clear_is_refused_with_a_remedy(
    settings: Any, values: dict[str, Any], remedy: str
) -> None:
    with pytest.raises(ValidationError, match=remedy):
        settings(**values)


@pytest.mark.parametrize(("settings", "values"), [
    (LabSettings, {"http_host": "0.0.0.0", "behind_proxy": True}),
    (LabSettings, {"http_host": "0.0.0.0", "http_tls_certificate": "x", "http_tls_key": "y"}),
    (LabSettings, {"http_host": "localhost"}),
    (ResultsSettings, {"redis_url": "redis://127.0.0.1:6379/0"}),
    (ResultsSettings, {"redis_url": "rediss://redis:6379/0", "redis_password_file": "x"}),
    (ResultsSettings, {"sinks": [{"name": "ehr", "kind": "fhir", "url": "http://127.0.0.1:1/fhir",
                                  "token_file": "x"}]}),
])  # fmt: skip
def test_what_stays_on_the_machine_or_is_secured_is_accepted(settings: Any, values: dict[str, Any]) -> None:
    settings(**values)
