"""The command: surroundings up, system up, cases through, results shown."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from services.cli.cases import screen
from services.cli.demo import summary
from services.cli.demo.cases import SLIDE, DemoCase, answered, play
from services.cli.demo.lis import Lis, start_lis
from services.cli.demo.site import Ports, write_site_file
from services.cli.demo.surroundings import Ehr, Pacs, start_ehr, start_pacs
from services.cli.person import person_tls
from services.cli.site_file import DEFAULT_DATA_FOLDER, SLIDE_INBOX, make_keys
from services.cli.site_lock import LOCK_NAME, locked
from services.cli.up import Settings as UpSettings
from services.cli.up import started, watch
from shared.codes import local
from shared.domain.case import CaseDetail
from shared.domain.prediction import Prediction
from shared.phantoms.modules import derived_uid
from shared.rpc.clients import ResultsClient
from shared.site.settings import CONFIG_VARIABLE

PATIENCE_S = 120.0


@click.command("demo")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Data folder [default: ~/.oncorelay].")
@click.option("--headless", is_flag=True, help="End when the cases are through, instead of staying up to be looked at.")
@click.option("--plain", is_flag=True, help="pynetdicom's qrscp and a folder, even where Orthanc and Node are there.")
def demo(data: Path | None, *, headless: bool, plain: bool) -> None:
    """Bring a PACS, an EHR and the whole system up, take simulated cases through, and show what went where.

    Everything lives below the folder "demo" of the data folder and is made anew each time.

    \b
    Examples:
      oncorelay demo
      oncorelay demo --headless --data /tmp/oncorelay
    """
    folder = (data or Path(os.environ.get("ONCORELAY_SITE__DATA_FOLDER") or DEFAULT_DATA_FOLDER)).absolute() / "demo"
    make_keys(folder)
    with locked(folder):
        _empty(folder)
        make_keys(folder)
        _play_in(folder, screen(), headless=headless, plain=plain)


def _empty(folder: Path) -> None:
    """Remove what an earlier demonstration left, except the lock that is held."""
    for entry in folder.iterdir():
        if entry.name == LOCK_NAME:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _play_in(folder: Path, console: Console, *, headless: bool, plain: bool) -> None:
    token = (folder / "secrets" / "lab_consumer.token").read_text().strip()
    ports = Ports.free()
    with (
        start_pacs(folder / "pacs", ports, plain=plain) as pacs,
        start_ehr(folder / "ehr", ports, token, plain=plain) as ehr,
        start_lis(folder / "lis") as lis,
    ):
        console.print(f"PACS: {pacs.name}    EHR: {ehr.name}    LIS: MLLP at port {lis.port}")
        site = write_site_file(folder, ports, [pacs.sink, ehr.sink, lis.sink, _files(folder)])
        os.environ[CONFIG_VARIABLE] = str(site)
        os.environ.pop("ONCORELAY_SITE__DATA_FOLDER", None)
        with started(lambda name, text: console.print(f"  {name}: {text.removeprefix(name + ': ')}")) as supervisor:
            _run(console, pacs, ehr, lis, ports, folder)
            if not headless:
                console.print("\nEverything is still up; look around, then stop with Ctrl-C.")
                with contextlib.suppress(KeyboardInterrupt):
                    watch(supervisor)


def _run(console: Console, pacs: Pacs, ehr: Ehr, lis: Lis, ports: Ports, folder: Path) -> None:
    client = ResultsClient(f"127.0.0.1:{ports.results}", tls=person_tls(UpSettings().site))
    started = time.monotonic()

    def wait(case: DemoCase, state: str) -> None:
        with console.status(f"case {case.number}: {case.title}"):
            _wait(client, case, state)
        console.print(f"  case {case.number}: {state} ({case.title}) after {time.monotonic() - started:.1f} s")

    console.print(
        "\nSimulated patients; images leave the PACS, receptors, stage and laboratory values the EHR, a slide "
        "the scanner's folder:"
    )
    play(pacs, ehr, folder / SLIDE_INBOX, wait)
    details = [(case.title, detail) for case in answered() for detail in _details(client, case)]
    rows = summary.to_rows(details)
    summary.write(folder / "summary.json", rows)
    _show(console, details, pacs, ehr, folder)
    for detail in _details(client, SLIDE):
        _show_slide(console, detail, lis)
    client.close()


def _details(client: ResultsClient, case: DemoCase) -> list[CaseDetail]:
    if case.predictor == "ln_pcr":
        found = client.list_cases(study_instance_uid=derived_uid(case.study_seed))
    else:
        found = tuple(one for one in client.list_cases() if one.predictor == case.predictor)
    return [client.get_case(one.case_id) for one in found]


def _wait(client: ResultsClient, case: DemoCase, state: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        details = _details(client, case)
        settled = all(d.state in {"delivered", "dead_letter"} for detail in details for d in detail.deliveries)
        if details and settled and all(detail.case.state == state for detail in details):
            return
        time.sleep(0.1)
    now = [f"{d.case.state} ({d.case.reason})" for d in _details(client, case)]
    raise RuntimeError(f"case {case.number} should be {state}, but is {now or 'not there'} after {PATIENCE_S:.0f} s")


def _show(console: Console, details: list[tuple[str, CaseDetail]], pacs: Pacs, ehr: Ehr, folder: Path) -> None:
    console.print()
    for title, detail in details:
        _show_case(console, title, detail)
    console.print("Demonstration bundle, simulated patients: decision support, confirm by standard of care.\n")
    first = details[0][1]
    places = {delivery.sink: delivery.location for delivery in first.deliveries}
    report, assessment = folder / "sr_of_case_1.dcm", folder / "risk_assessment_of_case_1.json"
    report.write_bytes(pacs.file(places["pacs"].rsplit("/", 1)[-1]))
    assessment.write_bytes(ehr.read(places["ehr"]))
    for line in (
        f"what went where        {folder / 'summary.json'}",
        f"the SR in the PACS     {places['pacs']}",
        f"  read back from it    dsrdump {report}",
        f"the result in the EHR  {places['ehr']}",
        f"  read back from it    cat {assessment}",
        f"while it runs          oncorelay --config {folder / 'site.toml'} case {first.case.case_id[:12]}",
    ):
        console.print(line, soft_wrap=True)


def _files(folder: Path) -> dict[str, Any]:
    """Return the ``[[sinks]]`` table of a folder with what a person opens: the page, and patches for QuPath."""
    return {"name": "files", "kind": "folder", "folder": str(folder / "files"), "objects": ["pdf", "geojson", "json"]}


def _show_slide(console: Console, detail: CaseDetail, lis: Lis) -> None:
    places = {delivery.sink: delivery.location for delivery in detail.deliveries}
    page = Path(places["files"])
    for line in (
        f"the LIS heard of it    {lis.message(places['lis'])}",
        f"the slide's page       {page}",
        f"its patches in QuPath  {page.with_suffix('.geojson.gz')}",
    ):
        console.print(line, soft_wrap=True)


def _show_case(console: Console, title: str, detail: CaseDetail) -> None:
    console.print(title, style="bold")
    answer = next((f.prediction for f in detail.findings if f.currency == "current" and f.prediction), None)
    if answer is None:
        console.print(f"    {detail.case.reason}")
    else:
        for line in _numbers(answer):
            console.print(f"    {line}")
    places = ("pacs", "ehr", "lis") if detail.slide else ("pacs", "ehr")
    console.print("    " + "    ".join(f"{sink.upper()}: {_went(detail, sink)}" for sink in places) + "\n")


def _numbers(answer: Prediction) -> Iterator[str]:
    if answer.slide is not None:
        between = "no interval"
        if answer.slide.score_interval is not None:
            between = "{:.3f} to {:.3f}".format(*answer.slide.score_interval)
        said = answer.slide.indeterminate or local.LEVELS[answer.slide.level].display
        yield f"score {answer.slide.score:.3f} ({between}): {said}; confirm by IHC/ISH"
    outcome = answer.outcome
    if not answer.horizons:
        both = ((outcome.display, answer.probability), (outcome.complement_display, answer.complement))
        yield "    ".join(f"P({what}) = {value:.3f}" for what, value in both)
    for one in answer.horizons:
        known = one.refused if one.probability is None else f"{one.probability:.3f}"
        yield f"P({outcome.display} within {one.years} years) = {known}"


def _went(detail: CaseDetail, sink: str) -> str:
    mine = [delivery for delivery in detail.deliveries if delivery.sink == sink]
    return ", ".join(f"result {delivery.revision} {delivery.state}" for delivery in mine) or "nothing sent"
