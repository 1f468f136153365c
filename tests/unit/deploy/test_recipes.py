"""Compose file and site file agree with the code: no engine is needed to find a setting nobody knows."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from services.cli.__main__ import oncorelay
from services.dicom_listener.config import Settings as ListenerSettings
from services.inference.config import Settings as InferenceSettings
from services.lab_consumer.config import Settings as LabSettings
from services.results.config import Settings as ResultsSettings
from services.results.config import sink_names
from shared.domain.errors import InvalidInputError
from shared.security.tls_folder import SERVICES
from shared.site.settings import CONFIG_VARIABLE

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"


@pytest.fixture
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return loaded


def ours(compose: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in compose["services"].items() if one["image"] == "oncorelay"}


@pytest.mark.parametrize("settings", [ListenerSettings, LabSettings, ResultsSettings, InferenceSettings])
def test_the_example_site_file_is_understood_by_every_service(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONFIG_VARIABLE, str(DEPLOY / "site.example.toml"))

    assert settings().site.site_id == "my-hospital"


def test_an_unknown_key_in_the_site_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (DEPLOY / "site.example.toml").read_text().replace("review_required", "reveiw_required")
    (tmp_path / "site.toml").write_text(text)
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "site.toml"))

    with pytest.raises(InvalidInputError, match=r"\[results\] reveiw_required: unknown key"):
        ResultsSettings()


def test_the_example_sinks_have_different_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONFIG_VARIABLE, str(DEPLOY / "site.example.toml"))

    assert sink_names(ResultsSettings().sinks) == ("pacs", "ehr")


def test_every_command_of_compose_is_a_module_of_ours(compose: dict[str, Any]) -> None:
    for name, one in ours(compose).items():
        if name == "cli":
            assert one["entrypoint"] == ["oncorelay"]
            assert one["command"][0] in oncorelay.commands
            continue
        module = one["command"][0]
        assert importlib.util.find_spec(f"{module}.__main__"), f"{name} runs {module}"


def test_compose_names_only_what_it_defines(compose: dict[str, Any]) -> None:
    for name, one in compose["services"].items():
        assert set(one.get("depends_on", {})) <= set(compose["services"]), name
        assert set(one.get("networks", [])) <= set(compose["networks"]), name
        assert set(one.get("secrets", [])) <= set(compose["secrets"]), name


def wanted_secrets() -> dict[str, set[str]]:
    """Return what each of our services reads, by the site file: its own tables, and the ledger's secrets."""
    site = tomllib.loads((DEPLOY / "site.example.toml").read_text())

    def named(table: Any) -> set[str]:
        return set(re.findall(r"/run/secrets/(\w+)", str(table)))

    ledger = named(site["site"]) | {"pgpass"}
    return {
        "results-serve": ledger,
        "results-dispatch": ledger | named(site["results"]),
        "results-deliver": ledger | named(site["sinks"]),
        "lab-consumer": named(site["lab_consumer"]),
        "dicom-listener": named(site["dicom_listener"]),
        "slide-ingestion": named(site["slide_ingestion"]),
        "inference": named(site["inference"]),
        "inference-explain": set(),
        "cli": set(),
    }


def test_every_service_has_the_secrets_it_reads_and_no_other(compose: dict[str, Any]) -> None:
    assert {name: set(one.get("secrets", [])) for name, one in ours(compose).items()} == wanted_secrets()
    assert set(wanted_secrets()["inference"]) == {"redis_password"}
    for name, one in compose["services"].items():
        assert set(re.findall(r"/run/secrets/(\w+)", yaml.safe_dump(one))) <= set(one.get("secrets", [])), name


def test_every_service_has_the_folders_it_needs_and_no_other(compose: dict[str, Any]) -> None:
    wanted = {
        "results-serve": {"audit:/audit"},
        "results-dispatch": {"blobs:/data/blobs"},
        "results-deliver": {"blobs:/data/blobs:ro"},
        "lab-consumer": {"facts:/data/lab_consumer"},
        "dicom-listener": {"journal:/data/dicom", "blobs:/data/blobs"},
        "slide-ingestion": {"slides:/data/slide_ingestion", "fetched:/data/slides", "blobs:/data/blobs:ro"},
        "inference": {"blobs:/data/blobs", "fetched:/data/slides:ro"},
        "inference-explain": set(),
        "cli": {"audit:/audit:ro"},
    }
    recipe = (DEPLOY / "Containerfile").read_text()
    for name, one in ours(compose).items():
        folders = {row for row in one["volumes"] if not row.startswith(".")}
        assert folders == wanted[name], name
        assert {row.split(":")[0] for row in folders} <= set(compose["volumes"])
        # A named volume takes its owner from the folder of the image.
        assert all(row.split(":")[1] in recipe for row in folders), name


def test_the_image_compiles_radiomics_as_the_installation_does_and_leaves_the_compiler_behind() -> None:
    root = DEPLOY.parent
    build, image = re.split(r"(?m)^FROM ", (DEPLOY / "Containerfile").read_text())[1:]
    extras = tomllib.loads((root / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    recipe = re.compile(r"--no-build-isolation --no-deps (pyradiomics==[\d.]+)")

    assert recipe.findall(build) == recipe.findall((root / "run").read_text())
    assert set(re.findall(r"(?m)^ARG EXTRAS=(.*)$", build)) == {"radiomics"}
    assert {"radiomics", "openvino", "train"} <= set(extras)
    assert "gcc" in build
    assert "gcc" not in image


def test_the_anchors_lie_on_a_volume_that_serve_may_write(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONFIG_VARIABLE, str(DEPLOY / "site.example.toml"))

    assert f"audit:{ResultsSettings().anchor_file.parent}" in ours(compose)["results-serve"]["volumes"]


def test_every_secret_is_read_by_somebody_and_the_readme_says_how_to_make_it(compose: dict[str, Any]) -> None:
    recipe = (DEPLOY / "README.md").read_text()
    mounted = {secret for one in compose["services"].values() for secret in one.get("secrets", [])}
    assert set(compose["secrets"]) == mounted
    for secret in compose["secrets"].values():
        assert secret["file"].removeprefix("../") in recipe


def test_the_password_of_the_database_is_given_in_the_format_of_libpq(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONFIG_VARIABLE, str(DEPLOY / "site.example.toml"))
    url = sa.make_url(ResultsSettings().database_url)
    line = re.search(r'echo "(.*)" > secrets/pgpass', (DEPLOY / "README.md").read_text())

    assert line is not None
    assert line[1].split(":")[:4] == [url.host, str(url.port or 5432), url.database, url.username]
    assert ours(compose)["results-serve"]["environment"]["PGPASSFILE"] == "/run/secrets/pgpass"


def test_hosts_in_the_site_file_are_services_of_compose(compose: dict[str, Any]) -> None:
    site = tomllib.loads((DEPLOY / "site.example.toml").read_text())
    addresses = [
        site["dicom_listener"]["results_address"],
        site["lab_consumer"]["results_address"],
        site["results"]["lab_consumer_address"],
        site["inference"]["results_address"],
        site["slide_ingestion"]["results_address"],
        site["dicom_listener"]["slide_ingestion_address"],
    ]

    assert {address.split(":")[0] for address in addresses} <= set(compose["services"])


def mounts(one: dict[str, Any]) -> dict[str, str]:
    """Return target and source of every file mounted from the host."""
    return {row.split(":")[1]: row.split(":")[0] for row in one.get("volumes", []) if row.startswith(".")}


def test_every_service_sees_its_own_key_and_no_other(compose: dict[str, Any]) -> None:
    folder = tomllib.loads((DEPLOY / "site.example.toml").read_text())["site"]["tls_folder"]
    for name, one in ours(compose).items():
        seen = {target for target in mounts(one) if target.startswith(folder)}
        party = re.sub(r"_(serve|dispatch|deliver|explain)$", "", name.replace("-", "_"))
        # deliver speaks to no service of ours, but to PostgreSQL; whoever calls or serves sees who is revoked
        wanted = {f"{folder}/{file}" for file in ("ca.pem", "revoked", f"{party}.pem", f"{party}.key")}
        others = {
            "results-deliver": {f"{folder}/ca.pem"},
            "cli": {f"{folder}/{f}" for f in ("ca.pem", "revoked", "people")},
        }
        assert seen == others.get(name, wanted), name
        assert party in SERVICES or name == "cli"
    assert not [one for one in compose["services"].values() if "../tls/ca.key" in mounts(one).values()]


def test_every_host_of_compose_that_serves_is_named_in_its_certificate(compose: dict[str, Any]) -> None:
    hosts = {host for names in SERVICES.values() for host in names}
    calling = ("results-dispatch", "results-deliver", "cli")
    serving = [name for name in compose["services"] if name not in calling]

    assert set(serving) <= hosts


def test_the_database_is_reached_by_tls_with_the_certificate_that_is_made_for_it(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONFIG_VARIABLE, str(DEPLOY / "site.example.toml"))
    url, server = sa.make_url(ResultsSettings().ledger_url), compose["services"]["postgres"]

    assert url.query["sslmode"] == "verify-full"
    assert url.query["sslrootcert"] == "/tls/ca.pem"
    assert url.host in SERVICES["postgres"]
    assert {"/tls/postgres.pem", "/tls/postgres.key"} <= set(mounts(server))
    assert {"ssl=on", "ssl_cert_file=/tls/postgres.pem", "ssl_key_file=/tls/postgres.key"} <= set(server["command"])


def test_what_is_open_to_the_hospital_speaks_tls_or_dicom(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONFIG_VARIABLE, str(DEPLOY / "site.example.toml"))
    lab, door = LabSettings(), ours(compose)["lab-consumer"]

    assert door["ports"] == [f"{lab.http_port}:{lab.http_port}"]
    assert str(lab.http_tls_certificate) in mounts(door)
    assert str(lab.http_tls_key).removeprefix("/run/secrets/") in door["secrets"]
    assert [name for name, one in compose["services"].items() if one.get("ports")] == ["lab-consumer", "dicom-listener"]


def test_no_password_stands_in_a_recipe_or_on_a_command_line(compose: dict[str, Any]) -> None:
    for name, one in compose["services"].items():
        command = " ".join(one.get("command", []))
        assert not re.search(r"requirepass|password", command), name
        for key, value in one.get("environment", {}).items():
            if re.search("PASS|TOKEN|SECRET|KEY", key):
                assert value.startswith("/run/secrets/"), f"{name} {key}"


def test_redis_is_reached_by_tls_with_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONFIG_VARIABLE, str(DEPLOY / "site.example.toml"))

    for settings in (ResultsSettings(), InferenceSettings()):
        assert settings.redis_url.startswith("rediss://")
        assert settings.redis_password_file is not None
        assert not sa.make_url(settings.redis_url).password


def test_no_container_of_ours_may_write_or_gain_rights(compose: dict[str, Any]) -> None:
    for one in ours(compose).values():
        assert one["read_only"] is True
        assert one["cap_drop"] == ["ALL"]


def test_every_hazard_names_a_test_or_says_that_it_is_open() -> None:
    rows = [line for line in (DEPLOY / "hazards.md").read_text().splitlines() if line.startswith("| H")]
    root = DEPLOY.parent
    assert len(rows) >= 10
    for row in rows:
        guards = row.split("|")[-2]
        paths = [part.split("`")[0].split("::")[0] for part in guards.split("`tests/")[1:]]
        assert paths or "open" in guards, row
        for path in paths:
            assert (root / "tests" / path).exists(), path
