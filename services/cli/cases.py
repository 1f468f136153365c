"""``oncorelay cases | case | retry | review | withdraw | notices``: what happened to every study, and why."""

from __future__ import annotations

import getpass
import json
from typing import Any

import click
from pydantic import TypeAdapter
from rich.console import Console
from rich.table import Table

from services.results.config import Settings
from shared.domain.case import CaseDetail, CaseSummary, FindingSummary, ReviewState
from shared.rpc.clients import ResultsClient

STYLE = {"predicted": "green", "not_analysed": "yellow", "failed": "red", "delivered": "green", "dead_letter": "red"}


def results_client() -> ResultsClient:
    """Return a client of the ledger this site names."""
    return ResultsClient(Settings().grpc_address, deadline_s=10.0)


def print_json(value: Any) -> None:
    """Print one line of JSON, last on the screen."""
    click.echo(json.dumps(value, sort_keys=True, ensure_ascii=False))


def tree(value: Any) -> Any:
    """Return a dataclass as JSON-able values."""
    return TypeAdapter(type(value)).dump_python(value, mode="json")


@click.command("cases")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
def cases(*, as_json: bool) -> None:
    """List cases, newest first, with what a person must see.

    \b
    Examples:
      oncorelay cases
      oncorelay cases --json
    """
    client = results_client()
    found, notices = client.list_cases(), client.list_notices()
    if as_json:
        print_json({"cases": [tree(case) for case in found], "notices": [tree(notice) for notice in notices]})
        return
    console = Console()
    console.print(_case_table(found) if found else "no cases yet: send a study with `oncorelay send FOLDER`")
    for notice in notices[:20]:
        where = f" (case {notice.case_id[:12]})" if notice.case_id else ""
        console.print(f"[bold]{notice.time:%Y-%m-%d %H:%M}[/] {notice.kind}: {notice.text}{where}", highlight=False)


@click.command("case")
@click.argument("case_id")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
def case(case_id: str, *, as_json: bool) -> None:
    """Show one case: findings, deliveries, and every step with time, actor and reason.

    CASE_ID may be shortened to its first eight digits.
    """
    detail = results_client().get_case(case_id)
    if as_json:
        print_json(tree(detail))
    else:
        show_case(detail, Console())


@click.command("retry")
@click.argument("case_id")
def retry(case_id: str) -> None:
    """Ask a failed case again and resend its dead letters."""
    client = results_client()
    requeued, letters = client.retry_case(client.get_case(case_id).case.case_id, getpass.getuser())
    asked = "asked again" if requeued else "not failed, so not asked again"
    click.echo(f"case {case_id[:12]}: {asked}; {letters} dead letter(s) due again")


@click.command("withdraw")
@click.argument("case_id")
@click.option("--reason", required=True, help="One sentence that says why; it reaches every sink.")
def withdraw(case_id: str, reason: str) -> None:
    """Take back the result of a case at every sink it reached."""
    client = results_client()
    finding = client.withdraw_case(client.get_case(case_id).case.case_id, getpass.getuser(), reason)
    click.echo(f"case {case_id[:12]}: " + (f"finding {finding[:12]} withdrawn" if finding else "nothing had been said"))


@click.command("review")
@click.argument("case_id")
@click.argument("verdict", type=click.Choice([ReviewState.ACCEPTED, ReviewState.REJECTED, ReviewState.OVERRIDDEN]))
@click.option("--reason", default="", help="One sentence that says why.")
def review(case_id: str, verdict: str, reason: str) -> None:
    """Record a person's verdict on a result that waits for review."""
    client = results_client()
    full = client.get_case(case_id).case.case_id
    finding = client.review_case(full, getpass.getuser(), ReviewState(verdict), reason)
    click.echo(f"case {case_id[:12]}: {verdict} (finding {finding[:12]})")


def show_case(detail: CaseDetail, console: Console) -> None:
    """Print one case for a person."""
    head = detail.case
    console.print(f"[bold]case {head.case_id}[/]  {head.predictor}  {_state(head.state)}", highlight=False)
    console.print(f"study {head.study_instance_uid}  side {detail.side or 'not stated by the images'}", highlight=False)
    console.print(f"complete because {detail.completeness}", highlight=False)
    if head.reason:
        console.print(f"reason: {head.reason}", highlight=False)
    if head.overdue:
        console.print("[red]overdue: the deadline of this state has passed[/]")
    for finding in detail.findings:
        _show_finding(finding, console)
    console.print(_delivery_table(detail))
    console.print(_step_table(detail))


def _show_finding(finding: FindingSummary, console: Console) -> None:
    console.print(f"[bold]finding {finding.revision}[/] ({finding.currency}) {finding.kind}", highlight=False)
    if finding.not_analysed:
        refusal = finding.not_analysed
        console.print(f"  not analysed, because {refusal.text} [{refusal.reason}]", markup=False)
    answer = finding.prediction
    if answer is None:
        return
    outcome = answer.outcome
    console.print(f"  P({outcome.display}) = {answer.probability!r}", highlight=False)
    console.print(f"  P({outcome.complement_display}) = {answer.complement!r}", highlight=False)
    use = answer.bundle.intended_use
    console.print(f"  {answer.bundle.bundle_id} {answer.bundle.version} ({use}), {answer.runtime}, {answer.precision}")
    for used in answer.inputs:
        console.print(f"  {used.name} = {used.value}  {used.source} {used.effective_date}", highlight=False)
    for other in answer.alternatives:
        console.print(f"  {other.label}: {other.probability!r}", highlight=False)
    for flag in answer.flags:
        console.print(f"  {flag.code}: {flag.text}", highlight=False)
    console.print("  decision support: confirm by standard of care", style="italic")


def _case_table(found: tuple[CaseSummary, ...]) -> Table:
    table = Table("case", "predictor", "state", "review", "attempts", "reason", "changed")
    for row in found:
        late = " [red]overdue[/]" if row.overdue else ""
        changed = f"{row.updated_time:%Y-%m-%d %H:%M:%S}"
        head = (row.case_id[:12], row.predictor, _state(row.state) + late)
        table.add_row(*head, row.review, str(row.attempts), row.reason, changed)
    return table


def _delivery_table(detail: CaseDetail) -> Table:
    table = Table("finding", "sink", "kind", "state", "tries", "where", "reason", title="deliveries")
    for row in detail.deliveries:
        cells = (str(row.revision), row.sink, row.kind, _state(row.state), str(row.tries), row.location, row.reason)
        table.add_row(*cells)
    return table


def _step_table(detail: CaseDetail) -> Table:
    table = Table("time", "machine", "what", "from", "to", "actor", "reason", title="steps")
    for step in detail.transitions:
        table.add_row(f"{step.time:%H:%M:%S.%f}"[:-3], step.machine, step.subject[:24], step.from_state, step.to_state,
                      step.actor[:32], step.reason)  # fmt: skip
    return table


def _state(state: str) -> str:
    colour = STYLE.get(str(state))
    return f"[{colour}]{state}[/]" if colour else str(state)
