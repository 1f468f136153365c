"""What any client may rely on at the ledger's door, said line by line; runs under either version's interpreter.

Usage: python wire_contract.py ADDRESS: prints one JSON list; the same list, whichever side is the older one.
"""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Callable

from shared.domain.case import ReviewState
from shared.domain.errors import OncoRelayError
from shared.rpc.clients import ResultsClient
from shared.testing.cases import PATIENT, a_prediction, a_study


def outcome(call: Callable[[], object]) -> str:
    """Return what a call gave: its value, or the name of its error."""
    try:
        return str(call())
    except OncoRelayError as error:
        return type(error).__name__


def contract(client: ResultsClient) -> list[str]:
    """Return one line per promise; identifiers that differ from run to run are left out."""
    salt = uuid.uuid4().hex
    study = a_study(study_instance_uid=f"2.25.{int(salt[:20], 16)}")
    first = client.submit_case(f"submit-{salt}", study)
    again = client.submit_case(f"submit-{salt}", study)
    other = client.submit_case(f"other-{salt}", study)
    notice = client.report_notice(f"notice-{salt}", "skew", "Two versions speak to each other.")
    detail = client.get_case(first[0])
    return [
        f"a study becomes {len(first)} case",
        f"the same request again: {again == first}; the same study again: {other == first}",
        f"the case: {detail.case.state.value}, {detail.case.predictor}, {detail.completeness}",
        f"it is listed: {first[0] in {row.case_id for row in client.list_cases(page_size=1000)}}",
        f"and by study: {len(client.list_cases(study_instance_uid=study.study_instance_uid))}",
        f"transitions: {[(step.machine, step.from_state, step.to_state) for step in detail.transitions]}",
        f"the notice is listed: {notice in {row.notice_id for row in client.list_notices(page_size=1000)}}",
        f"announced facts look at: {outcome(lambda: client.announce_facts(f'facts-{salt}', PATIENT) > 0)}",
        f"claim before it is queued: {outcome(lambda: client.claim_attempt(f'claim-{salt}', first[0], 1, 'worker'))}",
        f"lease of nobody: {outcome(lambda: client.renew_lease(first[0], 7))}",
        f"late answer: {outcome(lambda: client.report_prediction(f'report-{salt}', first[0], 7, a_prediction()))}",
        f"late failure: {outcome(lambda: client.report_prediction(f'fail-{salt}', first[0], 7, 'it failed'))}",
        f"review of nothing: {outcome(lambda: client.review_case(first[0], 'p', ReviewState.ACCEPTED, 'fine'))}",
        f"unknown case: {outcome(lambda: client.get_case('nobody'))}",
    ]


if __name__ == "__main__":
    ledger = ResultsClient(sys.argv[1])
    sys.stdout.write(json.dumps(contract(ledger)) + "\n")
    ledger.close()
