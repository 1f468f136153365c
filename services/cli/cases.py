"""``oncorelay cases | case | retry | review | withdraw | notices``: what happened to every study, and why."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import click
from pydantic import TypeAdapter
from rich.console import Console
from rich.text import Text

from services.cli.case_images import show_images, show_proposed
from services.cli.case_region import save_region
from services.cli.case_slides import Outline, asked_about_slide, exclude_region, outlines_of, show_slide
from services.cli.ledger_client import ledger_client
from services.cli.listing import show_list
from services.cli.person import person_name, person_tls
from services.lab_consumer.config import Settings as LabSettings
from shared.domain.case import CaseDetail, CaseSummary, FindingSummary, Notice, ReviewState
from shared.domain.errors import OncoRelayError
from shared.domain.prediction import HorizonRisk, Outcome
from shared.rpc.clients import LabConsumerClient, ResultsClient

_NO_CASES = "no cases yet: send a study with `oncorelay send FOLDER`, or laboratory values to the FHIR door"
SHORTEST_CASE_ID = 8
NEWEST_REFUSALS = 10
CONFIRM_REGION, SAVE_REGION, EXCLUDE_REGION = "confirm-region", "save-region", "exclude-region"
ACTIONS = [CONFIRM_REGION, SAVE_REGION, EXCLUDE_REGION]
DEADLINE_S = 10.0
VERDICTS = [state.value for state in (ReviewState.ACCEPTED, ReviewState.REJECTED, ReviewState.OVERRIDDEN)]
STYLE = {"predicted": "green", "not_analysed": "yellow", "failed": "red", "delivered": "green", "dead_letter": "red"}


def results_client() -> AbstractContextManager[ResultsClient]:
    """Give a client of the ledger this site names, see ``ledger_client``."""
    return ledger_client(ResultsClient, DEADLINE_S)


def screen(*, errors: bool = False) -> Console:
    """Return a console that shows every text as it is: reasons and names may contain what looks like markup."""
    return Console(markup=False, emoji=False, stderr=errors)


def _named(_context: click.Context, _parameter: click.Parameter, case_id: str) -> str:
    if len(case_id) < SHORTEST_CASE_ID:
        raise click.BadParameter("a case is named by at least its first eight digits")
    return case_id


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
    with results_client() as client:
        found, notices = client.list_cases(actor=person_name()), client.list_notices()
    refusals, trouble = _refusals()
    if as_json:
        rows = {"cases": [tree(case) for case in found], "notices": [tree(notice) for notice in notices]}
        print_json({**rows, "refusals": None if trouble else refusals})
        return
    console = screen()
    if found:
        _show_cases(found, console)
    else:
        console.print(_NO_CASES)
    _show_notices(notices, console)
    _show_refusals(refusals, trouble, console)


def _refusals() -> tuple[list[dict[str, Any]], str]:
    """Return what the lab consumer refused or parked, newest first; or nothing and why it cannot be asked."""
    address = LabSettings().grpc_address
    client = LabConsumerClient(address, tls=person_tls(LabSettings().site), deadline_s=DEADLINE_S)
    try:
        return list(client.list_refusals(page_size=NEWEST_REFUSALS))[:NEWEST_REFUSALS], ""
    except OncoRelayError:
        return [], f"lab_consumer does not answer at {address}: what it refused is not shown"
    finally:
        client.close()


def _show_notices(notices: tuple[Notice, ...], console: Console) -> None:
    for notice in notices[:20]:
        where = f" (case {notice.case_id[:12]})" if notice.case_id else ""
        time = (f"{notice.time:%Y-%m-%d %H:%M}", "bold")
        console.print(Text.assemble(time, f" {notice.kind}: {notice.text}{where}"))


def _show_refusals(refusals: list[dict[str, Any]], trouble: str, console: Console) -> None:
    if trouble:
        console.print(trouble)
    elif refusals:
        console.print("refused or parked by the lab consumer, newest first:")
    for row in refusals:
        what = f"{row['source'] or 'unreadable'} {row['element']}".strip()
        console.print(Text.assemble((str(row["time"])[:16].replace("T", " "), "bold"), f" {what}: {row['reason']}"))


@click.command("case")
@click.argument("case_id", callback=_named)
@click.argument("action", required=False, type=click.Choice(ACTIONS), metavar="[ACTION]")
@click.option("--reject", is_flag=True, help="confirm-region: it is not the tumour; the clinical variant answers.")
@click.option("--by", default="", metavar="NAME", help="Who looked; else the person who sits here.")
@click.option("--reason", default="", metavar="SENTENCE", help="Why; needed with --reject and for exclude-region.")
@click.option("--polygon", multiple=True, metavar='"X,Y X,Y X,Y"', help="exclude-region: corners in pixels of level 0.")
@click.option("--geojson", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="exclude-region: a file.")
@click.option("--take-back", is_flag=True, help="exclude-region: everything that was left out counts again.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="save-region: the NRRD file.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
def case(
    case_id: str, action: str | None, *, reject: bool, by: str, reason: str, polygon: tuple[str, ...],
    geojson: Path | None, take_back: bool, out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Show one case: findings, images, deliveries, and every step with time, actor and reason.

    CASE_ID may be shortened to its first eight digits. ACTION confirm-region: a person says whether the region that was
    found automatically is the tumour. ACTION save-region: write the region as NRRD, which viewers lay over the series.
    ACTION exclude-region: leave a region of a slide out of its score, which is worked out again in a second.

    \b
    Examples:
      oncorelay case 0123456789ab
      oncorelay case 0123456789ab save-region --out region.nrrd
      oncorelay case 0123456789ab confirm-region
      oncorelay case 0123456789ab confirm-region --reject --reason "it is a vessel"
      oncorelay case 0123456789ab exclude-region --geojson in-situ.geojson --reason "in situ component"
    """
    if reject and action != CONFIRM_REGION:
        raise click.UsageError("--reject belongs to confirm-region")
    if (by or reason) and action not in {CONFIRM_REGION, EXCLUDE_REGION}:
        raise click.UsageError("--by and --reason belong to confirm-region and exclude-region")
    if (polygon or geojson or take_back) and action != EXCLUDE_REGION:
        raise click.UsageError("--polygon, --geojson and --take-back belong to exclude-region")
    if (action == SAVE_REGION) != (out is not None):
        raise click.UsageError("save-region and --out FILE belong together")
    if action == CONFIRM_REGION:
        _confirm_region(case_id, confirmed=not reject, by=by, reason=reason, as_json=as_json)
        return
    if action == EXCLUDE_REGION:
        outlines = outlines_of(polygon, geojson)
        _exclude_region(case_id, outlines, by=by, reason=reason, take_back=take_back, as_json=as_json)
        return
    with results_client() as client:
        detail = client.get_case(case_id, person_name())
    if out:
        click.echo(f"{save_region(detail, out)}: {out}")
    elif as_json:
        print_json(tree(detail))
    else:
        show_case(detail, screen())


def _confirm_region(case_id: str, *, confirmed: bool, by: str, reason: str, as_json: bool) -> None:
    if not confirmed and not reason:
        raise click.UsageError("--reject needs --reason: one sentence that says why it is not the tumour")
    who = by or person_name()
    with results_client() as client:
        detail = client.get_case(case_id, who)
        if detail.proposed is None:
            raise click.ClickException(f"no region of case {case_id[:12]} waits for a person")
        full, region = detail.case.case_id, detail.proposed.artefact.digest
        state = client.confirm_region(full, who, region, confirmed=confirmed, reason=reason)
    verdict = "confirmed" if confirmed else "rejected"
    if as_json:
        print_json({"case_id": full, "region": region, "verdict": verdict, "state": state})
    else:
        click.echo(f"case {full[:12]}: region {verdict}; the case is asked again")


def _exclude_region(
    case_id: str, outlines: tuple[Outline, ...], *, by: str, reason: str, take_back: bool, as_json: bool
) -> None:
    if bool(outlines) == take_back:
        raise click.UsageError("exclude-region needs --polygon or --geojson, or else --take-back")
    if not reason:
        raise click.UsageError("exclude-region needs --reason: one sentence that says why")
    who = by or person_name()
    with results_client() as client:
        detail = client.get_case(case_id, who)
        state = exclude_region(client, detail, who, outlines, reason)
    if as_json:
        print_json({"case_id": detail.case.case_id, "regions": len(outlines), "state": state})
    else:
        what = f"{len(outlines)} region(s) left out" if outlines else "every region counts again"
        click.echo(f"case {detail.case.case_id[:12]}: {what}; the score is worked out again")


@click.command("retry")
@click.argument("case_id", callback=_named)
def retry(case_id: str) -> None:
    """Ask a failed case again and resend its dead letters."""
    with results_client() as client:
        requeued, letters = client.retry_case(client.get_case(case_id).case.case_id, person_name())
    asked = "asked again" if requeued else "not failed, so not asked again"
    click.echo(f"case {case_id[:12]}: {asked}; {letters} dead letter(s) due again")


@click.command("withdraw")
@click.argument("case_id", callback=_named)
@click.option("--reason", required=True, help="One sentence that says why; it reaches every sink.")
def withdraw(case_id: str, reason: str) -> None:
    """Take back the result of a case at every sink it reached."""
    with results_client() as client:
        finding = client.withdraw_case(client.get_case(case_id).case.case_id, person_name(), reason)
    click.echo(f"case {case_id[:12]}: " + (f"finding {finding[:12]} withdrawn" if finding else "nothing had been said"))


@click.command("review")
@click.argument("case_id", callback=_named)
@click.argument("verdict", type=click.Choice(VERDICTS))
@click.option("--reason", default="", help="One sentence that says why.")
def review(case_id: str, verdict: str, reason: str) -> None:
    """Record a person's verdict on a result that waits for review."""
    with results_client() as client:
        full = client.get_case(case_id).case.case_id
        finding = client.review_case(full, person_name(), ReviewState(verdict), reason)
    click.echo(f"case {case_id[:12]}: {verdict} (finding {finding[:12]})")


def show_case(detail: CaseDetail, console: Console) -> None:
    """Print one case for a person."""
    head = detail.case
    console.print(Text.assemble((f"case {head.case_id}", "bold"), f"  {head.predictor}  ", _state(head.state)))
    for line in _asked_about(detail):
        console.print(line)
    if head.reason and head.reason != head.state:
        console.print(f"reason: {head.reason}")
    if head.overdue:
        console.print("overdue: the deadline of this state has passed", style="red")
    show_proposed(detail, console)
    for finding in detail.findings:
        _show_finding(finding, console)
    _show_deliveries(detail, console)
    _show_steps(detail, console)


def _asked_about(detail: CaseDetail) -> tuple[str, str]:
    uid, panel = detail.case.study_instance_uid, detail.panel
    if detail.slide:
        return asked_about_slide(detail, detail.slide), f"complete because {detail.completeness}"
    if panel is None:
        side = detail.side or "not stated by the images"
        return f"study {uid}  side {side}", f"complete because {detail.completeness}"
    first, last = detail.study_date, panel.last_date
    days = f"{first}" if first == last else f"{first} to {last}"
    return f"draw of {days} ({', '.join(panel.analytes)})  panel {uid}", f"opened because {detail.completeness}"


def _show_finding(finding: FindingSummary, console: Console) -> None:
    console.print(Text.assemble((f"finding {finding.revision}", "bold"), f" ({finding.currency}) {finding.kind}"))
    if finding.not_analysed:
        refusal = finding.not_analysed
        console.print(f"  not analysed, because {refusal.text} [{refusal.reason}]")
    answer = finding.prediction
    if answer is None:
        return
    outcome = answer.outcome
    if not answer.horizons:
        console.print(f"  P({outcome.display}) = {answer.probability!r}")
        console.print(f"  P({outcome.complement_display}) = {answer.complement!r}")
    for horizon in answer.horizons:
        console.print(f"  {_risk(outcome, horizon)}")
    use = answer.bundle.intended_use
    console.print(f"  {answer.bundle.bundle_id} {answer.bundle.version} ({use}), {answer.runtime}, {answer.precision}")
    show_slide(answer, console)
    show_images(answer, console)
    points = {one.name: f"  {one.points:.1f} points" for one in answer.points}
    for used in answer.inputs:
        console.print(f"  {used.name} = {used.value}  {used.source} {used.effective_date}{points.get(used.name, '')}")
    if answer.points:
        console.print(f"  total {sum(one.points for one in answer.points):.1f} points")
    for other in answer.alternatives:
        console.print(f"  {other.label}: {other.probability!r}")
    for flag in answer.flags:
        console.print(f"  {flag.code}: {flag.text}")
    console.print("  decision support: confirm by standard of care", style="italic")


def _risk(outcome: Outcome, horizon: HorizonRisk) -> str:
    within = f"P({outcome.display} within {horizon.years} years)"
    if horizon.probability is None:
        return f"{within}: none, {horizon.refused}"
    low_high = horizon.interval
    between = f" (95 % interval {low_high[0]:.4f} to {low_high[1]:.4f})" if low_high else ""
    return f"{within} = {horizon.probability!r}{between}; {outcome.complement_display}: {1.0 - horizon.probability!r}"


def _show_cases(found: tuple[CaseSummary, ...], console: Console) -> None:
    rows = []
    for row in found:
        late = (" overdue", "red") if row.overdue else ""
        review = "-" if row.review == ReviewState.NOT_REQUIRED else row.review
        state, changed = Text.assemble(_state(row.state), late), f"{row.updated_time:%Y-%m-%d %H:%M}"
        reason = "" if row.reason == row.state else row.reason
        rows.append(((row.case_id[:12], row.predictor, state, review, str(row.attempts), changed), reason))
    show_list(console, ("case", "predictor", "state", "review", "tries", "changed"), rows)


def _show_deliveries(detail: CaseDetail, console: Console) -> None:
    console.print("deliveries" if detail.deliveries else "deliveries: none, nothing was sent anywhere", style="bold")
    for row in detail.deliveries:
        tries = f"{row.tries} {'try' if row.tries == 1 else 'tries'}"
        head = Text(f"  finding {row.revision} to {row.sink} ({row.kind}): ")
        console.print(head + _state(row.state) + Text(f", {tries}  {row.reason}"))
        if row.location:
            console.print(f"    {row.location}", soft_wrap=True)


def _show_steps(detail: CaseDetail, console: Console) -> None:
    console.print("steps", style="bold")
    for step in detail.transitions:
        what = step.machine if step.machine == "inference" else f"{step.machine} of {step.subject}"
        change = f"{step.from_state or '(new)'} -> {step.to_state}"
        console.print(f"  {step.time:%Y-%m-%d %H:%M:%S.%f}"[:-3] + f"  {what}: {change}", soft_wrap=True)
        console.print(f"      {step.actor}: {step.reason}")


def _state(state: str) -> Text:
    return Text(str(state), style=STYLE.get(str(state), ""))
