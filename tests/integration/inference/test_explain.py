"""The process that answers "what if": over mutual TLS, the same numbers as a case, refusals in words, nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from shared.bundles.catalog import Catalog
from shared.bundles.keys import TrustedKeys
from shared.domain.errors import ForbiddenError, InvalidInputError, NotFoundError, UnavailableError
from shared.predictors.lung_metastasis.predictor import LungMetastasis
from shared.rpc.explain_client import ExplainClient
from shared.security import tls_folder
from shared.security.parties import Party, Role
from shared.security.tls_files import files_of
from shared.testing.ports import free_port, wait_until
from tests.nomogram_bundle import BUNDLE, KEY, install, write_site

pytestmark = pytest.mark.integration

VALUES = {"endocrine_therapy_received": "yes", "hscrp": "12", "il6": "9", "ifn_alpha": "2.1", "tnf_alpha": "1.2"}
PORT, OPS = free_port(), free_port()
ADDRESS = f"127.0.0.1:{PORT}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("site")
    install(made)
    tls_folder.make_site(made / "tls", "test", datetime.now(UTC))
    tls_folder.make_person(made / "tls", Party("reader", Role.READER), datetime.now(UTC))
    addresses = f'explain_address = "{ADDRESS}"\nexplain_ops_address = "127.0.0.1:{OPS}"'
    write_site(made, addresses, f'tls_folder = "{made}/tls"')
    return made


@pytest.fixture(scope="module")
def process(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "log").open("wb") as log:
        started = subprocess.Popen(
            [sys.executable, "-m", "services.inference", "explain"],
            env=os.environ | {"ONCORELAY_CONFIG": str(folder / "site.toml")}, stdout=log, stderr=log,
        )  # fmt: skip
    wait_until(lambda: b'"event": "ready"' in (folder / "log").read_bytes(), "the what-if process")
    yield started
    started.send_signal(signal.SIGTERM)
    assert started.wait(20) == 0


def client(folder: Path, name: str) -> ExplainClient:
    return ExplainClient(ADDRESS, tls=files_of(folder / "tls", name), deadline_s=5.0)


@pytest.fixture
def reader(folder: Path, process: subprocess.Popen[bytes]) -> Iterator[ExplainClient]:
    made = client(folder, "people/reader")
    yield made
    made.close()


def test_a_person_gets_the_numbers_a_case_would_get(folder: Path, reader: ExplainClient) -> None:
    model = Catalog.load([folder / "bundles"], TrustedKeys((("test.pem", KEY.public_key()),))).open(BUNDLE)
    expected = LungMetastasis().answer_levels(VALUES, model)

    answer = reader.explain("lung_metastasis", VALUES)

    assert answer.bundle == model.reference
    assert answer.horizons == expected.horizons
    assert answer.points == expected.points
    assert answer.total_points == pytest.approx(sum(one.points for one in expected.points))
    assert answer.flags == expected.flags
    assert answer.refusals == ()


def test_every_value_that_does_not_enter_is_named_and_nothing_is_extrapolated(reader: ExplainClient) -> None:
    answer = reader.explain("lung_metastasis", {**VALUES, "hscrp": "75", "il6": "<4", "tnf_alpha": "much", "age": "50"})

    assert [(one.name, one.reason) for one in answer.refusals] == [
        ("hscrp", "out_of_range"), ("il6", "censored"), ("tnf_alpha", "unreadable"), ("age", "unreadable"),
    ]  # fmt: skip
    assert "outside the range the model has seen (0.1 to 60 mg/L)" in answer.refusals[0].text
    assert answer.horizons == ()
    assert answer.points == ()


def test_a_missing_value_is_named(reader: ExplainClient) -> None:
    answer = reader.explain("lung_metastasis", {name: value for name, value in VALUES.items() if name != "il6"})

    assert [(one.name, one.text) for one in answer.refusals] == [("il6", "is missing")]


def test_a_predictor_without_a_nomogram_says_so(reader: ExplainClient) -> None:
    with pytest.raises(InvalidInputError, match="ln_pcr has no nomogram"):
        reader.explain("ln_pcr", VALUES)


def test_what_is_not_installed_is_not_found(reader: ExplainClient) -> None:
    with pytest.raises(NotFoundError):
        reader.explain("her2", VALUES)
    with pytest.raises(NotFoundError):
        reader.explain("lung_metastasis", VALUES, "another-bundle")


@pytest.mark.parametrize("name", ["dicom_listener", "lab_consumer"])
def test_a_service_without_a_row_in_the_table_of_rights_is_refused(
    folder: Path, process: subprocess.Popen[bytes], name: str
) -> None:
    caller = client(folder, name)

    with pytest.raises(ForbiddenError, match="may not call Explain"):
        caller.explain("lung_metastasis", VALUES)
    caller.close()


def test_the_portal_may_ask_on_behalf_of_people(folder: Path, process: subprocess.Popen[bytes]) -> None:
    caller = client(folder, "portal")

    assert caller.explain("lung_metastasis", VALUES).horizons
    caller.close()


def test_without_a_certificate_there_is_no_connection(process: subprocess.Popen[bytes]) -> None:
    caller = ExplainClient(ADDRESS, deadline_s=2.0)

    with pytest.raises(UnavailableError):
        caller.explain("lung_metastasis", VALUES)
    caller.close()


def test_its_health_names_the_bundles(process: subprocess.Popen[bytes]) -> None:
    answer = httpx.get(f"http://127.0.0.1:{OPS}/health/ready", timeout=5)

    assert answer.status_code == 200
    assert answer.json()["checked"] == ["bundles"]


def test_values_stand_in_no_log(folder: Path, reader: ExplainClient) -> None:
    reader.explain("lung_metastasis", {**VALUES, "hscrp": "17.1234", "il6": "never-logged"})

    said = (folder / "log").read_text()
    assert "17.1234" not in said
    assert "never-logged" not in said


def test_without_an_address_there_is_nothing_to_do_and_it_says_so(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "services.inference", "explain"],
        env=os.environ | {"ONCORELAY_CONFIG": str(write_site(tmp_path))}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert ended.returncode == 0
    assert "explain_address of [inference] is empty" in ended.stdout
