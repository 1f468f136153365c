"""``oncorelay slides``: every slide that came, where it stands, and what a person says of its resolution."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import click
from rich.text import Text

from services.cli.answering_client import answering_client
from services.cli.cases import print_json, screen, tree
from services.cli.listing import show_list
from services.cli.person import person_name
from services.slide_ingestion.config import Settings
from shared.domain.errors import NotFoundError
from shared.domain.slide_registry import SlideState, SlideSummary
from shared.domain.slides import Resolution
from shared.rpc.slide_ingestion_client import SlideIngestionClient
from shared.slides.resolution import COARSEST_UM, FINEST_UM

DEADLINE_S = 10.0
_STATES = [state.value for state in SlideState]
_STYLE = {"submitted": "green", "held": "yellow", "refused": "red"}
_SHORT = 8
_PAGE, _MOST = 100, 1000
_AS_JSON = click.option("--json", "as_json", is_flag=True, help="One line of JSON.")


def slides_client() -> AbstractContextManager[SlideIngestionClient]:
    """Give a client of slide ingestion.

    Raises:
        UnavailableError: If it does not answer; says where it was looked for, and what to run.
    """
    settings = Settings()
    return answering_client(SlideIngestionClient, settings.grpc_address, settings.site, DEADLINE_S)


def _named(_context: click.Context, _parameter: click.Parameter, slide_id: str) -> str:
    if len(slide_id) < _SHORT:
        raise click.BadParameter(
            "a slide is named by at least the first eight digits of its id, see `oncorelay slides`"
        )
    return slide_id


@click.group("slides", invoke_without_command=True)
@click.pass_context
def slides(context: click.Context) -> None:
    """Whole-slide images: what came, where it stands and why.

    \b
    Examples:
      oncorelay slides
      oncorelay slides list --state held
      oncorelay slides list --file CMU-1.svs
      oncorelay slides show 1f0c22ab
      oncorelay slides set-resolution 1f0c22ab 0.25 --reason "scanner's service report"
    """
    if context.invoked_subcommand is None:
        context.invoke(list_slides)


@slides.command("list")
@click.option("--state", type=click.Choice(_STATES), help="Only those in this state.")
@click.option("--file", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Only the slide this file belongs to, by its content: file names are not told.")  # fmt: skip
@_AS_JSON
def list_slides(state: str | None = None, file: Path | None = None, *, as_json: bool = False) -> None:
    """List slides, newest first."""
    with slides_client() as client:
        found = client.list_slides(SlideState(state) if state else None, page_size=_MOST if file else _PAGE)
    if file:
        found = _of(found, file)
    if as_json:
        print_json([tree(one) for one in found])
    elif found:
        _show_all(found)
    elif file:
        click.echo(
            f"none of the newest {_MOST} slides has this content: has the file stood still for 30 s "
            "(slide_ingestion.settle_s), and may the service read it?"
        )
    else:
        click.echo("no slides yet: put one, with its manifest, into a folder of [site] slide_folders")


@slides.command("show")
@click.argument("slide_id", callback=_named)
@_AS_JSON
def show(slide_id: str, *, as_json: bool) -> None:
    """Show one slide; the first eight digits of its id name it."""
    with slides_client() as client:
        one = _one(client.list_slides(page_size=_MOST), slide_id)
    if as_json:
        print_json(tree(one))
        return
    resolution = one.resolution
    said = f"{resolution.x:g} x {resolution.y:g} um/px ({resolution.source.value})" if resolution else "not stated"
    by = f", by {resolution.stated_by}" if resolution and resolution.stated_by else ""
    for name, value in (
        ("slide", one.slide_id), ("state", one.state.value), ("why", one.reason or "-"), ("door", one.door),
        ("format", one.format or "-"), ("pixels", f"{one.width} x {one.height}" if one.width else "-"),
        ("resolution", said + by), ("seen", f"{one.seen_time:%Y-%m-%d %H:%M:%S %Z}"),
        ("cases", ", ".join(case[:_SHORT] for case in one.case_ids) or "-"),
    ):  # fmt: skip
        click.echo(f"{name:11} {value}")
    for step in _next_steps(one):
        click.echo(f"{'next':11} {step}")


@slides.command("set-resolution")
@click.argument("slide_id", callback=_named)
@click.argument("microns_per_pixel", type=float)
@click.option("--reason", required=True, help="How you know, in one sentence; it is kept with your name.")
def set_resolution(slide_id: str, microns_per_pixel: float, reason: str) -> None:
    """State the resolution of a slide whose file states none: micrometres per pixel of level 0."""
    with slides_client() as client:
        state = client.set_resolution(slide_id, microns_per_pixel, person_name(), reason)
    click.echo(f"recorded under {person_name()}; the slide is {state.value} now")


def _of(found: tuple[SlideSummary, ...], file: Path) -> tuple[SlideSummary, ...]:
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return tuple(one for one in found if digest in one.file_sha256)


def _one(found: tuple[SlideSummary, ...], slide_id: str) -> SlideSummary:
    mine = [one for one in found if one.slide_id.startswith(slide_id)]
    if len(mine) != 1:
        raise NotFoundError("slide", slide_id)
    return mine[0]


def _next_steps(one: SlideSummary) -> Iterator[str]:
    """Yield what a person can do about a slide that is not scored, or where its result is."""
    short = one.slide_id[:_SHORT]
    if one.state is SlideState.HELD:
        yield "send its order, or put NAME.manifest.json beside the file (services/slide_ingestion/README.md)"
    if one.width and not _is_plausible(one.resolution):
        yield f'oncorelay slides set-resolution {short} MICROMETRES --reason "how you know"'
    for case in one.case_ids:
        yield f"oncorelay case {case[:_SHORT]}"


def _is_plausible(stated: Resolution | None) -> bool:
    return stated is not None and all(FINEST_UM <= um <= COARSEST_UM for um in (stated.x, stated.y))


def _show_all(found: tuple[SlideSummary, ...]) -> None:
    rows = []
    for one in found:
        state = Text(one.state.value, style=_STYLE.get(one.state.value, ""))
        cases = ", ".join(case[:_SHORT] for case in one.case_ids)
        since = f"{one.state_time:%Y-%m-%d %H:%M}"
        rows.append(((one.slide_id[:_SHORT], state, since, one.door, one.format, cases), one.reason))
    show_list(screen(), ("slide", "state", "since", "door", "format", "case"), rows)
