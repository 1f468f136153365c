"""Letters and sinks over gRPC, and as a person sees them on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from services.cli import letters
from services.results.ledger.deliveries import LedgerDeliveries
from services.results.ledger.ledger import Ledger
from services.results.serve.adapters.delivery_server import delivery_registration
from shared.domain.case import DeliveryState
from shared.domain.deliveries import SinkState
from shared.domain.errors import ConflictError, InvalidInputError
from shared.rpc import server
from shared.rpc.delivery_client import DeliveryClient
from shared.testing.ports import free_port
from tests.contract.ledger.test_breaker import opened, owe
from tests.contract.ledger.test_letters import dead

pytestmark = pytest.mark.contract


@pytest.fixture
def address(ledger: Ledger, clock: Any) -> Iterator[str]:
    address = f"127.0.0.1:{free_port()}"
    running = server.start(address, delivery_registration(ledger, clock))
    yield address
    running.stop(grace=1).wait()


@pytest.fixture
def client(address: str) -> Iterator[DeliveryClient]:
    client = DeliveryClient(address)
    yield client
    client.close()


def test_what_the_ledger_says_arrives_whole(client: DeliveryClient, ledger: Ledger, clock: Any) -> None:
    dead(ledger, clock)
    assert client.list_deliveries(DeliveryState.DEAD_LETTER) == ledger.letters.listed(DeliveryState.DEAD_LETTER)
    assert client.list_deliveries(sink="ehr") == ledger.letters.listed(None, "ehr")
    assert client.list_sinks() == ledger.sinks.listed()


def test_an_open_sink_is_shown_with_its_reason(client: DeliveryClient, ledger: Ledger, clock: Any) -> None:
    opened(ledger, clock)
    pacs = next(row for row in client.list_sinks() if row.name == "pacs")
    assert (pacs.state, pacs.due, pacs.reason) == (SinkState.OPEN, 2, "it cannot be reached")
    assert "open since" in letters.why(pacs)


def test_the_form_a_fhir_server_took_last_is_shown(client: DeliveryClient, ledger: Ledger, clock: Any) -> None:
    def ehr() -> str:
        return next(row for row in client.list_sinks() if row.name == "ehr").written_as

    owe(ledger, clock, 1)
    assert ehr() == ""
    deliveries = LedgerDeliveries(ledger.engine)
    due = deliveries.take_due("ehr", clock(), 30, lambda _: "")
    assert due is not None
    deliveries.delivered(due, "DocumentReference/17", "https://ehr/DocumentReference/17", clock())
    assert ehr() == "DocumentReference"
    shown = StringIO()
    letters.show_sinks(client.list_sinks(), Console(file=shown, width=80))
    assert "written as" in shown.getvalue()
    assert "DocumentReference" in shown.getvalue()


def test_a_write_needs_a_name_and_a_reason(client: DeliveryClient, ledger: Ledger, clock: Any) -> None:
    _, delivery_id = dead(ledger, clock)
    for actor, reason in (("", "why"), ("somebody", "")):
        with pytest.raises(InvalidInputError):
            client.resend_delivery(delivery_id, actor, reason)
    assert client.resend_delivery(delivery_id, "somebody", "why") == delivery_id
    with pytest.raises(ConflictError, match="not a dead letter"):
        client.resend_delivery(delivery_id, "somebody", "why")
    with pytest.raises(InvalidInputError, match="no sink nowhere"):
        client.redirect_delivery(delivery_id, "nowhere", "somebody", "why")


def test_a_person_sees_and_resends_all_letters_of_a_sink(
    address: str, ledger: Ledger, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONCORELAY_RESULTS__GRPC_ADDRESS", address)
    _, delivery_id = dead(ledger, clock)
    run = CliRunner()
    listed = run.invoke(letters.letters, ["--json"])
    assert delivery_id in listed.output
    assert "dead" in run.invoke(letters.sinks, []).output

    done = run.invoke(letters.letters, ["resend", "--sink", "pacs", "--reason", "repaired"])
    assert "1 dead letter(s) due again" in done.output
    assert "no dead letters" in run.invoke(letters.letters, []).output
    assert run.invoke(letters.letters, ["resend", "--reason", "x"]).exit_code == 2
