"""One version back: services of the previous version beside services of this one, through a whole case."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.domain.case import Currency, DeliveryState
from tests.conftest import NO_HISTORY
from tests.patients import Someone, require_peers
from tests.previous import ROOT, NoHistoryError, Previous, build_previous, running_from, write_older
from tests.system import System, start_system

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

LEDGER = frozenset({"results.serve", "results.dispatch", "results.deliver"})
MIXTURES = {
    "old worker, new results": frozenset({"inference"}),
    # A range of a segment as an image's URI came with this version: old results cannot read what its listener stores,
    # so results is upgraded before dicom_listener (deploy/README.md).
    "new worker, old results": LEDGER | {"dicom_listener"},
    # Neither door speaks with the other: one system asks both.
    "old doors": frozenset({"lab_consumer", "dicom_listener"}),
}
"""Each is started once, and everything is asked of it: starting is what takes long."""


@pytest.fixture(scope="module")
def previous() -> Previous:
    require_peers()
    try:
        return build_previous()
    except NoHistoryError as error:
        pytest.skip(f"{NO_HISTORY}: {error}")


@contextmanager
def mixed(previous: Previous, names: frozenset[str], folder: Path) -> Iterator[System]:
    """The system with some services of the previous version, which read a site file of their own."""
    old_site = folder / "previous.toml"
    with (
        running_from(previous, names, old_site),
        start_system(folder, prepare=_older_site(previous, old_site)) as system,
    ):
        yield system


@pytest.fixture(scope="module", params=list(MIXTURES.values()), ids=list(MIXTURES))
def mixture(
    request: pytest.FixtureRequest, previous: Previous, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    with mixed(previous, request.param, tmp_path_factory.mktemp("mixture")) as running:
        yield running


def test_a_case_goes_through_and_is_corrected_and_withdrawn(mixture: System, someone: Someone) -> None:
    mixture.record(*someone.facts())
    mixture.send(someone.images())
    first = mixture.settled(someone.study_uid, "predicted", timeout_s=90)
    assert {d.state for d in first.deliveries} == {DeliveryState.DELIVERED}

    mixture.record({**someone.ehr.estrogen_receptor("negative", "2026-01-10"), "status": "corrected"})
    second = mixture.settled(someone.study_uid, "predicted", findings=2, timeout_s=90)
    assert [f.currency for f in second.findings] == [Currency.SUPERSEDED, Currency.CURRENT]

    mixture.results.withdraw_case(second.case.case_id, "test", "the two versions disagree about nothing")
    mixture.until(lambda: _withdrawn(mixture, someone), "the withdrawal to arrive everywhere", timeout_s=90)
    assert [a for a in mixture.current_risk_assessments() if someone.ehr.patient_id in str(a["subject"])] == []


def _older_site(previous: Previous, target: Path) -> Callable[[Path], None]:
    return lambda site: write_older(previous, site, target)


def _withdrawn(system: System, someone: Someone) -> bool:
    (detail,) = system.details(someone.study_uid)
    settled = all(d.state is DeliveryState.DELIVERED for d in detail.deliveries)
    return settled and Currency.CURRENT not in {f.currency for f in detail.findings if f.prediction}


def test_the_wire_contract_of_the_ledger_reads_the_same_from_both_versions(previous: Previous, mixture: System) -> None:
    address = f"127.0.0.1:{mixture.ports.results}"
    ours, theirs = _contract(None, address), _contract(previous, address)

    assert len(ours) == 14
    assert ours == theirs


def _contract(previous: Previous | None, address: str) -> list[str]:
    """Run the contract as a client of this version, or of the previous one, from its own environment."""
    script = str(ROOT / "tests" / "e2e" / "wire_contract.py")
    if previous is None:
        command, folder = [sys.executable, script, address], ROOT
    else:
        command, folder = [str(previous.python), script, address], previous.folder / "source"
    environment = os.environ | {"PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, env=environment, check=True)
    return list(json.loads(done.stdout.splitlines()[-1]))
