"""What metrics and health learn of the ledger, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from services.results.ledger.deliveries import LedgerDeliveries
from services.results.ledger.findings import Finding
from services.results.ledger.ledger import Ledger
from services.results.ledger.numbers import Numbers
from shared.domain.errors import UnavailableError
from shared.storage.databases import open_engine
from shared.testing.cases import a_refusal, a_study

pytestmark = pytest.mark.contract


def name_of(finding: Finding) -> str:
    return f"uid-{finding.revision}"


def test_an_empty_ledger_is_reachable_and_has_no_numbers(ledger: Ledger, clock: Any) -> None:
    numbers = Numbers(ledger.engine)

    numbers.reachable()
    assert numbers.cases() == numbers.attempts() == numbers.deliveries() == numbers.oldest_cases(clock()) == {}
    assert (numbers.orders_waiting(clock()), numbers.notices()) == (0, 0)


def test_a_case_counts_where_it_is_and_its_age_is_the_age_of_its_state(ledger: Ledger, clock: Any) -> None:
    numbers = Numbers(ledger.engine)
    ledger.intake.submit("r1", a_study(), ("ln_pcr",), clock())
    clock.forward(seconds=7)
    assert numbers.cases() == {("collecting",): 1.0}
    assert numbers.oldest_cases(clock()) == {("collecting",): 7.0}

    # Looked at once more, it does not become younger.
    (due,) = ledger.collecting.due(clock())
    ledger.collecting.wait(due, ("HER2",), clock())
    assert numbers.oldest_cases(clock.forward(seconds=3)) == {("collecting",): 10.0}


def test_a_settled_case_has_no_age_and_its_deliveries_have(ledger: Ledger, clock: Any) -> None:
    numbers, deliveries = Numbers(ledger.engine), LedgerDeliveries(ledger.engine)
    ledger.intake.submit("r1", a_study(), ("ln_pcr",), clock())
    (due,) = ledger.collecting.due(clock())
    ledger.collecting.refuse(due, a_refusal("missing: HER2"), clock())
    clock.forward(seconds=5)
    assert numbers.oldest_cases(clock()) == {}
    assert numbers.oldest_deliveries(clock()) == {("pacs",): 5.0, ("ehr",): 5.0}

    taken = deliveries.take_due("pacs", clock(), 30, name_of)
    assert taken is not None
    deliveries.delivered(taken, "1.2.3", "http://pacs/1.2.3", clock())
    assert numbers.deliveries() == {("pacs", "delivered"): 1.0, ("ehr", "due"): 1.0}
    assert numbers.oldest_deliveries(clock()) == {("ehr",): 5.0}


def test_a_ledger_that_is_away_is_told_in_our_words() -> None:
    numbers = Numbers(open_engine("postgresql+psycopg://nobody@127.0.0.1:1/nothing"))

    with pytest.raises(UnavailableError, match="ledger"):
        numbers.reachable()
