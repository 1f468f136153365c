"""Backup and restore: the same answers on an empty machine, nothing half, nothing changed unseen."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from services.cli.__main__ import oncorelay
from services.cli.backup.databases import copy_sqlite, dump_postgresql, load_postgresql
from services.cli.backup.manifest import NAME, read_manifest
from services.cli.backup.plan import Plan
from services.cli.backup.writing import make_backup
from services.cli.person import make_all
from services.cli.site_file import default_tables, make_keys, to_toml
from services.dicom_listener.adapters.catalogue import open_catalogue
from services.lab_consumer.app import migrate as migrate_facts
from services.lab_consumer.config import Settings as LabSettings
from services.results.config import Settings as ResultsSettings
from services.results.ledger.database import open_engine, upgrade
from services.results.ledger.ledger import open_ledger
from shared.domain.errors import ConflictError, ForbiddenError, OncoRelayError
from shared.site.settings import CONFIG_VARIABLE
from shared.storage.blobs import LocalBlobs
from shared.testing.cases import a_study
from shared.testing.postgresql import postgresql_folder, start_postgresql

pytestmark = pytest.mark.integration
NOT_COPIED = ("logs", "run", "redis", "slides", "reading", "slide-inbox")
PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site with a case in its ledger, a journal, a blob, facts, keys and certificates."""
    data = tmp_path / "data"
    make_keys(data)
    (data / "site.toml").write_text(to_toml(default_tables(data)))
    monkeypatch.setenv(CONFIG_VARIABLE, str(data / "site.toml"))
    make_all(data / "tls", "my-hospital")
    upgrade(open_engine(ResultsSettings().ledger_url))
    migrate_facts(LabSettings())
    submit(1)
    (data / "dicom").mkdir()
    open_catalogue(data / "dicom").close()
    LocalBlobs(data / "blobs").put(b"pixels")
    for left_out in NOT_COPIED:
        (data / left_out).mkdir(exist_ok=True)
        (data / left_out / "x").write_text("x")
    return data


def submit(number: int) -> None:
    ledger = open_ledger(ResultsSettings())
    study = a_study(study_instance_uid=f"1.2.826.0.1.3680043.8.498.3.{number}")
    ledger.intake.submit(f"request-{number}", study, ("ln_pcr",), datetime.now(UTC))
    ledger.engine.dispose()


def answers() -> list[object]:
    """Return what the ledger says about every case, as ``oncorelay cases`` and ``case ID`` are told."""
    ledger, now = open_ledger(ResultsSettings()), datetime(2030, 1, 1, tzinfo=UTC)
    found = ledger.queries.cases(now, 100, "")
    details = [ledger.queries.case(case.case_id, now) for case in found]
    ledger.engine.dispose()
    return [*found, *details]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "sqlite" not in path.name
    }


def invoke(*arguments: str) -> str:
    done = CliRunner().invoke(oncorelay, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_an_empty_machine_gives_the_same_answers_from_the_backup(site: Path, tmp_path: Path) -> None:
    before, files = answers(), contents(site)
    invoke("backup", str(tmp_path / "copy"))
    site.rename(tmp_path / "the machine that burnt")

    invoke("restore", str(tmp_path / "copy"), "--unsealed")

    assert answers() == before
    assert len(before) == 2
    kept = {name: content for name, content in files.items() if not name.startswith(NOT_COPIED)}
    assert contents(site) == kept
    for key in [*site.rglob("*.key"), *(site / "secrets").iterdir()]:
        assert key.stat().st_mode & 0o777 == 0o600
    assert site.stat().st_mode & 0o777 == 0o700


def test_what_the_ledger_refers_to_is_in_the_copy_however_much_arrives_meanwhile(site: Path, tmp_path: Path) -> None:
    order = [(one.place, one.kind) for one in Plan.of_site().sources()]
    at = {Path(place).name: number for number, (place, _) in enumerate(order)}
    blob = next(path for path in (site / "blobs").rglob("*") if path.is_file())

    assert at["facts.sqlite"] < at["ledger.sqlite"] < at[blob.name]
    assert at["index.sqlite"] < at["000001.jsonl"] < at["ledger.sqlite"]
    assert [kind for _, kind in order].count("sqlite") == 3


def test_a_copy_taken_while_others_write_is_whole(site: Path, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        number = 2
        while not stop.is_set():
            blob, _ = LocalBlobs(site / "blobs").put(f"pixels {number}".encode())
            with sqlite3.connect(site / "lab_consumer" / "facts.sqlite", timeout=60) as facts:
                facts.execute("CREATE TABLE IF NOT EXISTS written (uri TEXT)")
                facts.execute("INSERT INTO written VALUES (?)", (blob,))
            submit(number)
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            make_backup(Plan.of_site(), tmp_path / f"copy{number}")
    finally:
        stop.set()
        writer.join()
    site.rename(tmp_path / "gone")
    invoke("restore", str(tmp_path / "copy2"), "--unsealed")

    with sqlite3.connect(site / "lab_consumer" / "facts.sqlite") as facts:
        assert facts.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        named = [row[0] for row in facts.execute("SELECT uri FROM written")]
    assert named
    for uri in named:
        assert LocalBlobs(site / "blobs").path(uri).exists()
    assert len(answers()) >= 2 * len(named)  # the ledger was copied later: what facts wrote before is in it


def test_nothing_that_is_there_is_overwritten(site: Path, tmp_path: Path) -> None:
    invoke("backup", str(tmp_path / "copy"))
    before = contents(site)

    for command in (("restore", "--unsealed"), ("backup",)):
        with pytest.raises(ConflictError):
            invoke(*command, str(tmp_path / "copy"))
    assert contents(site) == before


@pytest.mark.parametrize("damage", ["change", "shorten", "remove"])
def test_a_damaged_copy_is_refused_before_anything_is_written(site: Path, tmp_path: Path, damage: str) -> None:
    invoke("backup", str(tmp_path / "copy"))
    shutil.rmtree(site)
    victim = tmp_path / "copy" / read_manifest(tmp_path / "copy").entries[-1].file
    content = victim.read_bytes()
    if damage == "remove":
        victim.unlink()
    else:
        victim.write_bytes(content[:-1] + (b"" if damage == "shorten" else bytes([content[-1] ^ 1])))

    with pytest.raises(Exception, match="missing or differs"):
        invoke("restore", str(tmp_path / "copy"), "--unsealed")
    assert not site.exists()


def test_a_schema_from_the_future_is_refused(site: Path, tmp_path: Path) -> None:
    invoke("backup", str(tmp_path / "copy"))
    shutil.rmtree(site)
    manifest = json.loads((tmp_path / "copy" / NAME).read_text())
    manifest["schemas"]["ledger"] = "9999"
    (tmp_path / "copy" / NAME).write_text(json.dumps(manifest))

    with pytest.raises(ConflictError, match="9999"):
        invoke("restore", str(tmp_path / "copy"), "--unsealed")
    assert not site.exists()


def test_sealed_keys_open_with_the_passphrase_only(site: Path, tmp_path: Path) -> None:
    for name, text in (("right", PASSPHRASE), ("wrong", "something else entirely")):
        (tmp_path / name).write_text(text + "\n")
    copy = tmp_path / "copy"
    secrets = [path.read_bytes().strip() for path in (site / "secrets").iterdir()]
    keys = [path.read_bytes().splitlines()[1] for path in (site / "tls").rglob("*.key")]
    invoke("backup", str(copy), "--passphrase-file", str(tmp_path / "right"))
    before, files = answers(), contents(site / "tls")
    shutil.rmtree(site)

    held = b"".join(path.read_bytes() for path in copy.rglob("*") if path.is_file())
    assert not [secret for secret in (*secrets, *keys) if secret in held]
    for arguments in ((), ("--passphrase-file", str(tmp_path / "wrong"))):
        with pytest.raises(Exception, match="passphrase"):
            invoke("restore", str(copy), *arguments)
    assert not site.exists()
    invoke("restore", str(copy), "--passphrase-file", str(tmp_path / "right"))
    assert answers() == before
    assert contents(site / "tls") == files


def forged(copy: Path, evil: Path, **changes: object) -> None:
    """Do what somebody who can write the backup would: take the seal off, and add a file of their own."""
    (copy / "0000" / "evil").write_text("* * * * * root evil\n")
    manifest = json.loads((copy / NAME).read_text()) | {"salt": "", "mark": ""} | changes
    manifest["entries"] = [entry for entry in manifest["entries"] if not entry["sealed"]]
    digest = hashlib.sha256((copy / "0000" / "evil").read_bytes()).hexdigest()
    entry = {
        "file": "0000/evil",
        "place": str(evil),
        "kind": "file",
        "sha256": digest,
        "size_bytes": 20,
        "mode": 0o4755,
    }
    manifest["entries"].append(entry)
    (copy / NAME).write_text(json.dumps(manifest))


@pytest.mark.parametrize("data_folder", [None, "/"])
def test_a_replaced_backup_is_refused_and_writes_nothing_outside_its_site(
    site: Path, tmp_path: Path, data_folder: str | None
) -> None:
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    sealed = ("--passphrase-file", str(tmp_path / "passphrase"))
    copy, evil = tmp_path / "copy", tmp_path / "etc" / "cron.d" / "x"
    invoke("backup", str(copy), *sealed)
    shutil.rmtree(site)
    forged(copy, evil, **({"data_folder": data_folder} if data_folder else {}))

    with pytest.raises(ForbiddenError, match="no seal"):
        invoke("restore", str(copy), *sealed)
    with pytest.raises(ForbiddenError, match="--unsealed"):
        invoke("restore", str(copy))
    with pytest.raises(OncoRelayError):
        invoke("restore", str(copy), "--unsealed")
    assert not evil.exists()
    assert not site.exists()


def test_no_file_comes_back_with_more_rights_than_its_owner_needs(site: Path, tmp_path: Path) -> None:
    for path in (site / "blobs").rglob("*"):
        path.chmod(0o777)
    invoke("backup", str(tmp_path / "copy"))
    shutil.rmtree(site)
    invoke("restore", str(tmp_path / "copy"), "--unsealed")

    assert {path.stat().st_mode & 0o7077 for path in site.rglob("*") if path.is_file()} == {0}


def test_keys_anchors_and_bundles_outside_the_data_folder_are_in_the_copy(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "outside"
    (outside / "bundles" / "one").mkdir(parents=True)
    (outside / "trusted").mkdir()
    names = ["anchors.jsonl", "stow.pem", "stow.key", "stow.keys", "dicom.pem", "dicom.key", "dicom_ca.pem"]
    names += ["url", "ehr.token", "bundles/one/model.onnx", "trusted/site.pem"]
    for name in names:
        (outside / name).write_text(f"content of {name}")
    (outside / "url").write_text(f"sqlite:///{site}/ledger/ledger.sqlite")
    at = {
        "RESULTS__AUDIT_ANCHOR_FILE": "anchors.jsonl", "RESULTS__DATABASE_URL_FILE": "url",
        "RESULTS__TRUSTED_KEY_FOLDER": "trusted", "DICOM_LISTENER__STOW_TLS_CERTIFICATE": "stow.pem",
        "DICOM_LISTENER__STOW_TLS_KEY": "stow.key", "DICOM_LISTENER__STOW_TOKEN_FILE": "stow.keys",
        "DICOM_LISTENER__TLS_CERTIFICATE": "dicom.pem", "DICOM_LISTENER__TLS_KEY": "dicom.key",
        "DICOM_LISTENER__TLS_CLIENT_CA": "dicom_ca.pem",
    }  # fmt: skip
    for key, name in at.items():
        monkeypatch.setenv(f"ONCORELAY_{key}", str(outside / name))
    sink = {"name": "ehr", "kind": "fhir", "url": "https://ehr.example.org", "token_file": str(outside / "ehr.token")}
    folders = f'[results]\nbundle_folders = ["{outside}/bundles"]\n'
    tables = (site / "site.toml").read_text().replace("[results]\n", folders)
    (site / "site.toml").write_text(tables + "[[sinks]]\n" + "".join(f'{k} = "{v}"\n' for k, v in sink.items()))
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    sealed = ("--passphrase-file", str(tmp_path / "passphrase"))
    invoke("backup", str(tmp_path / "copy"), *sealed)
    before = contents(outside)
    entries = {entry.place: entry for entry in read_manifest(tmp_path / "copy").entries}
    shutil.rmtree(site)
    shutil.rmtree(outside)
    invoke("restore", str(tmp_path / "copy"), *sealed)

    assert contents(outside) == before
    assert {name for name in names if not entries[str(outside / name)].sealed} == {
        "anchors.jsonl", "bundles/one/model.onnx", "trusted/site.pem",
    }  # fmt: skip


@pytest.mark.skipif(postgresql_folder() is None, reason="PostgreSQL is not installed: apt-get install postgresql")
def test_a_ledger_in_postgresql_comes_back_into_an_empty_database(
    site: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start_postgresql(tmp_path_factory.mktemp("postgresql")) as url:
        with sa.create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
            for name in ("before", "after"):
                connection.execute(sa.text(f"CREATE DATABASE {name}"))
        monkeypatch.setenv("ONCORELAY_RESULTS__DATABASE_URL", url.replace("/postgres", "/before"))
        upgrade(open_engine(ResultsSettings().ledger_url))
        submit(7)
        before = answers()
        invoke("backup", str(tmp_path / "copy"))
        shutil.rmtree(site)
        with pytest.raises(ConflictError, match="not empty"):  # told before a file is put back
            invoke("restore", str(tmp_path / "copy"), "--unsealed")
        assert not site.exists()
        monkeypatch.setenv("ONCORELAY_RESULTS__DATABASE_URL", url.replace("/postgres", "/after"))
        invoke("restore", str(tmp_path / "copy"), "--unsealed")

        assert answers() == before
        assert len(before) == 2
        dump_postgresql(ResultsSettings().ledger_url, tmp_path / "dump")
        with pytest.raises(ConflictError, match="not empty"):
            load_postgresql(ResultsSettings().ledger_url, tmp_path / "dump")


def test_a_copy_of_sqlite_is_one_file_with_what_was_committed(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a") as writing:
        writing.execute("PRAGMA journal_mode=WAL")
        writing.execute("CREATE TABLE t (x)")
        writing.execute("INSERT INTO t VALUES (1)")
        writing.commit()
        writing.execute("INSERT INTO t VALUES (2)")  # not committed
        copy_sqlite(tmp_path / "a", tmp_path / "b")
        writing.rollback()

    assert not list(tmp_path.glob("b-*"))
    assert sqlite3.connect(tmp_path / "b").execute("SELECT x FROM t").fetchall() == [(1,)]
