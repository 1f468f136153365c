"""The site's acceptance of a bundle on both databases: once per build, in the audit, asked by what delivers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from services.results.ledger.cases import Step
from services.results.ledger.deliveries import LedgerDeliveries
from services.results.ledger.ledger import Ledger
from shared.domain.audit import faults
from shared.domain.errors import InvalidInputError
from shared.domain.governance import Acceptance
from shared.domain.prediction import BundleReference, IntendedUse

pytestmark = pytest.mark.contract

OURS = BundleReference("lung_metastasis-ours", "1.0.0", "a" * 64, IntendedUse.CLINICAL)
REPORT = "b" * 64


def accept(ledger: Ledger, clock: Any, request_id: str = "one", by: str = "tumour board") -> Acceptance:
    step = Step("dr-test", clock(), "validated here")
    bundle = (OURS.bundle_id, OURS.version, OURS.digest)
    return ledger.acceptances.accept(request_id, bundle, REPORT, by, step)


def test_only_the_accepted_build_under_its_own_name_is_accepted(ledger: Ledger, clock: Any) -> None:
    deliveries = LedgerDeliveries(ledger.engine)
    assert not deliveries.accepted(OURS)
    made = accept(ledger, clock)
    assert (made.accepted_by, made.actor, made.report_sha256) == ("tumour board", "dr-test", REPORT)
    assert deliveries.accepted(OURS)
    for other in (replace(OURS, digest="c" * 64), replace(OURS, bundle_id="other"), replace(OURS, version="1.0.1")):
        assert not deliveries.accepted(other)


def test_an_acceptance_is_a_row_of_the_audit_with_the_report(ledger: Ledger, clock: Any) -> None:
    accept(ledger, clock)
    rows = ledger.trail.rows(page_size=5000)
    row = next(one for one in rows if one.act == "acceptance")
    assert (row.actor, row.subject) == ("dr-test", OURS.digest)
    assert REPORT in row.detail
    assert "tumour board" in row.detail
    assert not faults(rows, ())


def test_the_first_acceptance_of_a_build_stays(ledger: Ledger, clock: Any) -> None:
    first = accept(ledger, clock)
    assert accept(ledger, clock, "two", "somebody else") == first
    assert ledger.acceptances.all() == (first,)


def test_an_acceptance_without_a_report_or_a_name_is_refused(ledger: Ledger, clock: Any) -> None:
    step = Step("dr-test", clock(), "why")
    with pytest.raises(InvalidInputError, match="report_sha256"):
        ledger.acceptances.accept("x", (OURS.bundle_id, "1.0.0", OURS.digest), "", "board", step)
    with pytest.raises(InvalidInputError, match="accepted_by"):
        ledger.acceptances.accept("x", (OURS.bundle_id, "1.0.0", OURS.digest), REPORT, " ", step)
    assert ledger.acceptances.all() == ()
