"""The command line: help with examples, one sentence for every error, JSON on the last line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from services.cli.__main__ import main, oncorelay
from services.cli.site_file import default_tables, make_keys, to_toml
from shared.site.settings import CONFIG_VARIABLE, read_document

RESULTS_DOWN = "results does not answer at 127.0.0.1:1: is `oncorelay up` running?"


@pytest.fixture(autouse=True)
def _own_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "site.toml").write_text(to_toml(default_tables(tmp_path)))
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "site.toml"))


@pytest.mark.parametrize(
    "command",
    [
        "demo", "send", "cases", "case", "predict", "validate", "simulate-cohort", "train", "report", "bundle",
        "stability",
    ],
)  # fmt: skip
def test_help_shows_an_example(command: str) -> None:
    shown = CliRunner().invoke(oncorelay, [command, "--help"])

    assert shown.exit_code == 0
    assert f"  oncorelay {command}" in shown.output


def test_predict_prints_one_line_of_json_last() -> None:
    shown = CliRunner().invoke(
        oncorelay, ["predict", "ln_pcr-clinical-published", "er=positive", "her2=0", "t=3", "--json"]
    )
    answer = json.loads(shown.output.splitlines()[-1])

    assert answer["positive_class"] == "axillary_pcr"
    assert 0 < answer["probability"] < 1
    assert answer["probability"] + answer["complement"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["predict", "no-such-bundle", "er=positive"], "no installed bundle no-such-bundle"),
        (["predict", "ln_pcr-clinical-published", "er=positive", "her2=0", "t=9"], "t"),
        (["predict", "ln_pcr-clinical-published", "er=positive", "her2=0"], "t"),
        (["cases"], RESULTS_DOWN),
        (["case", "0123456789ab"], RESULTS_DOWN),
        (["retry", "0123456789ab"], RESULTS_DOWN),
        (["withdraw", "0123456789ab", "--reason", "wrong"], RESULTS_DOWN),
        (["review", "0123456789ab", "accepted"], RESULTS_DOWN),
        (["validate", "ln_pcr-clinical-published", "--cohort", "nowhere=x.xlsx"], "duke"),
    ],
)
def test_an_error_is_one_sentence_and_exit_status_one(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ONCORELAY_RESULTS__GRPC_ADDRESS", "127.0.0.1:1")
    monkeypatch.setattr("sys.argv", ["oncorelay", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()

    shown = capsys.readouterr().err
    assert ended.value.code == 1
    assert said in shown
    assert "Traceback" not in shown


def test_models_are_listed_and_verified() -> None:
    listed = CliRunner().invoke(oncorelay, ["models", "list", "--json"])
    verified = CliRunner().invoke(oncorelay, ["models", "verify", "ln_pcr-clinical-published"])

    of_images = [f"ln_pcr-{family}-demonstration" for family in ("clinical_dlr", "clinical_radiomics")]
    shipped = [
        "her2-tl_pa-demonstration",
        "ln_pcr-clinical-demonstration",
        "ln_pcr-clinical-published",
        *of_images,
        "lung_metastasis-demonstration",
    ]
    assert [row["bundle"] for row in json.loads(listed.output)["installed"]] == shipped
    assert {row["accepted"] for row in json.loads(listed.output)["installed"]} == {"demonstration: cannot be"}
    assert verified.exit_code == 0
    assert "golden" in verified.output


def test_doctor_names_what_to_do_when_nothing_runs() -> None:
    shown = CliRunner().invoke(oncorelay, ["doctor", "--json"])
    found = {row["name"]: row for row in json.loads(shown.output.splitlines()[-1])}

    assert shown.exit_code == 1
    assert found["bundles"]["passed"]
    assert not found["results"]["passed"]
    assert "oncorelay up" in found["results"]["detail"]


def test_the_default_site_file_says_the_same_after_a_round_trip(tmp_path: Path) -> None:
    tables = default_tables(tmp_path)

    assert read_document(str(tmp_path / "site.toml")) == json.loads(json.dumps(tables))


def test_secrets_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    make_keys(tmp_path)
    first = (tmp_path / "secrets" / "site.key").read_text()
    make_keys(tmp_path)

    assert (tmp_path / "secrets" / "site.key").read_text() == first
    assert {oct(path.stat().st_mode & 0o777) for path in (tmp_path / "secrets").iterdir()} == {"0o600"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["case", "abc"], "a case is named by at least its first eight digits"),
        (["predict", "ln_pcr-clinical-published", "er=positive", "er=negative"], "er is given twice"),
        (["validate", "ln_pcr-clinical-published", "--cohort", "duke"], "NAME=PATH"),
        (["case", "01234567", "save-region"], "save-region and --out FILE belong together"),
        (["case", "01234567", "--reject"], "belongs to confirm-region"),
        (["train", "ln_pcr", "--cohort", __file__, "--out", "images", "--bootstraps", "3"], "not to ln_pcr"),
    ],
)
def test_a_wrong_argument_is_a_usage_error(arguments: list[str], said: str) -> None:
    shown = CliRunner().invoke(oncorelay, arguments)

    assert shown.exit_code == 2
    assert said in shown.output


def test_what_an_extra_lacks_is_said_with_the_way_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lacks() -> None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr("services.cli.__main__.oncorelay", lacks)
    with pytest.raises(SystemExit):
        main()

    assert "torch is not installed; ./run install train,radiomics brings it" in capsys.readouterr().err


def test_a_demonstration_bundle_cannot_be_accepted(tmp_path: Path) -> None:
    (tmp_path / "validation.json").write_text("{}")
    asked = ["models", "accept", "ln_pcr-clinical-published", "--report", str(tmp_path / "validation.json")]
    answer = CliRunner().invoke(oncorelay, [*asked, "--by", "tumour board"])
    assert answer.exit_code != 0
    assert "is a demonstration" in str(answer.exception)
