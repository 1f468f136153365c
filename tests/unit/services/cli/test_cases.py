"""Values are shown as they are, and what the lab consumer refused stands beside the cases."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from services.cli import cases
from services.cli.demo.summary import to_rows
from shared.domain.case import (
    CaseDetail,
    CaseSummary,
    Currency,
    FindingKind,
    FindingSummary,
    InferenceState,
    ReviewState,
)
from tests.panels import MADE, ONLY_FIVE, Panels

REASON = "unknown table [[identity]] in [results] closes [/x] :warning:"


def shown(*things: Any) -> str:
    out = StringIO()
    console = Console(file=out, width=300, markup=False, emoji=False, highlight=False)
    for thing in things:
        thing(console)
    return out.getvalue()


def test_a_reason_that_looks_like_markup_is_shown_verbatim() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    row = CaseSummary(
        case_id="a" * 64, predictor="ln_pcr", study_instance_uid="1.2.3", state=InferenceState.FAILED,
        review=ReviewState.NOT_REQUIRED, reason=REASON, revision=1, attempts=1, deadline_time=None, updated_time=now,
    )  # fmt: skip
    loose = StringIO()
    cases._show_cases((row,), Console(file=loose, width=300))

    assert REASON in loose.getvalue()


def test_refusals_are_listed_verbatim() -> None:
    row = {"source": "Observation/1", "element": "value", "reason": REASON, "time": "2026-01-01T10:00:00Z"}

    assert REASON in shown(lambda console: cases._show_refusals([row], "", console))


def test_a_lab_consumer_that_is_down_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONCORELAY_LAB_CONSUMER__GRPC_ADDRESS", "127.0.0.1:1")
    refusals, trouble = cases._refusals()

    assert refusals == []
    assert trouble.startswith("lab_consumer does not answer at 127.0.0.1:1")


def horizons_in_a_finding() -> FindingSummary:
    answer = Panels(horizons=ONLY_FIVE).answer()
    return FindingSummary("f", 1, FindingKind.PREDICTION, Currency.CURRENT, "e5" * 32, MADE, answer)


def test_every_horizon_is_shown_with_interval_or_refusal_and_every_input_with_its_points() -> None:
    text = shown(lambda console: cases._show_finding(horizons_in_a_finding(), console))

    assert "P(Lung metastasis within 5 years) = 0.1234567890123 (95 % interval 0.0810 to 0.1840)" in text
    assert "P(Lung metastasis within 10 years): none, Fewer than 10 patients" in text
    assert "hscrp = 12.4  Observation/hscrp 2026-02-26  41.2 points" in text
    assert "total 99.5 points" in text


def test_the_demonstrations_summary_carries_horizons_and_points() -> None:
    head = CaseSummary(
        case_id="a" * 64, predictor="lung_metastasis", study_instance_uid="2.25.1", state=InferenceState.PREDICTED,
        review=ReviewState.NOT_REQUIRED, reason="", revision=1, attempts=1, deadline_time=None, updated_time=MADE,
    )  # fmt: skip
    (row,) = to_rows([("a panel", CaseDetail(head, (horizons_in_a_finding(),), (), (), "first value"))])

    five, ten = row["prediction"]["horizons"]
    assert (five["years"], five["probability"], five["refused"]) == (5, 0.1234567890123, "")
    assert (ten["years"], ten["probability"]) == (10, None)
    assert row["prediction"]["points"]["hscrp"] == 41.25
