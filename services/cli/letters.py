"""``oncorelay sinks | letters | letters resend | letters redirect``: what did not arrive, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager

import click
from rich.console import Console
from rich.text import Text

from services.cli.cases import DEADLINE_S, print_json, screen, tree
from services.cli.ledger_client import ledger_client
from services.cli.listing import Cell, show_list
from services.cli.person import person_name
from shared.domain.case import DeliveryState
from shared.domain.deliveries import Letter, SinkState, SinkSummary
from shared.domain.errors import OncoRelayError, UnavailableError
from shared.rpc.delivery_client import DeliveryClient

MOST_LETTERS = 1000
COLOURS = {SinkState.CLOSED: "green", SinkState.HALF_OPEN: "yellow", SinkState.OPEN: "red"}


def delivery_client() -> AbstractContextManager[DeliveryClient]:
    """Give a client of the ledger this site names, see ``ledger_client``."""
    return ledger_client(DeliveryClient, DEADLINE_S)


@click.command("sinks")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
def sinks(*, as_json: bool) -> None:
    """Show every sink: whether deliveries flow, since when not and why, and what is owed to it."""
    with delivery_client() as client:
        found = client.list_sinks()
    if as_json:
        print_json([tree(row) for row in found])
    elif found:
        show_sinks(found, screen())
    else:
        click.echo("no [[sinks]] table: no result would reach anybody")


@click.group("letters", invoke_without_command=True)
@click.option("--sink", default="", help="Only those of this sink.")
@click.option("--all", "every", is_flag=True, help="Deliveries in every state, not dead letters alone.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
@click.pass_context
def letters(context: click.Context, sink: str, *, every: bool, as_json: bool) -> None:
    """List dead letters: results that could not be delivered, and why.

    \b
    Examples:
      oncorelay letters
      oncorelay letters resend 1f3a52c8 --reason "the PACS knows our AE title now"
      oncorelay letters resend --sink pacs --reason "disk of the PACS was full"
      oncorelay letters redirect 1f3a52c8 --to pacs2 --reason "the old PACS is gone"
    """
    if context.invoked_subcommand:
        return
    with delivery_client() as client:
        state = None if every else DeliveryState.DEAD_LETTER
        found = client.list_deliveries(state, sink=sink, page_size=MOST_LETTERS)
    if as_json:
        print_json([tree(row) for row in found])
    elif found:
        show_letters(found, screen())
    else:
        click.echo("no dead letters: nothing waits for a person")


@letters.command("resend")
@click.argument("delivery_id", default="")
@click.option("--sink", default="", help="Instead of one delivery: every dead letter of this sink.")
@click.option("--reason", required=True, help="One sentence that says why.")
def resend(delivery_id: str, sink: str, reason: str) -> None:
    """Send a dead letter again, or all of one sink; DELIVERY_ID may be shortened to its first eight digits."""
    if bool(delivery_id) == bool(sink):
        raise click.UsageError("name one delivery, or a sink with --sink")
    with delivery_client() as client:
        if delivery_id:
            click.echo(f"delivery {client.resend_delivery(delivery_id, person_name(), reason)[:12]}: due again")
            return
        done, trouble = _resend_all(client, sink, reason)
    for sentence in trouble:
        click.echo(sentence, err=True)
    click.echo(f"sink {sink}: {done} dead letter(s) due again")


@letters.command("redirect")
@click.argument("delivery_id")
@click.option("--to", "to_sink", required=True, help="Name of the sink that shall get it.")
@click.option("--reason", required=True, help="One sentence that says why.")
def redirect(delivery_id: str, to_sink: str, reason: str) -> None:
    """Send a dead letter to another sink that takes the same objects; its history stays."""
    with delivery_client() as client:
        made = client.redirect_delivery(delivery_id, to_sink, person_name(), reason)
    click.echo(f"delivery {made[:12]}: due at {to_sink}")


def show_sinks(found: tuple[SinkSummary, ...], console: Console) -> None:
    """Print the sinks, and beneath each what is wrong with it."""
    rows = list[tuple[list[Cell], str]]()
    for row in found:
        state = Text(row.state.replace("_", " "), style=COLOURS[row.state])
        numbers = [str(number) for number in (row.held, row.due, row.sending, row.dead_letters)]
        rows.append(([row.name, row.kind, row.written_as, state, *numbers], why(row)))
    header = ("sink", "kind", "written as", "state", "held", "due", "sending", "dead letters")
    show_list(console, header, rows)


def why(row: SinkSummary) -> str:
    """Return what is wrong with a sink and what to do, in one line; empty where nothing is."""
    said = []
    if not row.configured:
        said.append("no longer in the site file: put it back, or `oncorelay letters redirect`")
    if row.open_since:
        since = f"open since {row.open_since:%Y-%m-%d %H:%M} UTC after {row.failures} failures: {row.reason}"
        said.append(since + (f"; next try {row.probe_time:%H:%M:%S}" if row.probe_time else ""))
    if row.dead_letters:
        said.append("look at `oncorelay letters`")
    return "; ".join(said)


def show_letters(found: tuple[Letter, ...], console: Console) -> None:
    """Print deliveries, and beneath each why it stands where it stands."""
    rows = []
    for row in found:
        there = "yes" if row.maybe_there else "no"
        state = row.state.replace("_", " ") + ("" if row.currency == "current" else f" ({row.currency})")
        cells = (row.delivery_id[:12], row.case_id[:12], str(row.revision), row.sink, state, str(row.tries), there)
        rows.append((cells, row.reason))
    show_list(console, ("delivery", "case", "revision", "sink", "state", "tries", "may be there"), rows)


def _resend_all(client: DeliveryClient, sink: str, reason: str) -> tuple[int, list[str]]:
    """Return how many are due again, and a sentence for each that could not be."""
    done, trouble = 0, list[str]()
    for row in _dead_letters(client, sink):
        try:
            client.resend_delivery(row.delivery_id, person_name(), reason)
            done += 1
        except UnavailableError:
            raise
        except OncoRelayError as error:  # superseded, or resent by somebody else, since the list was made
            trouble.append(f"delivery {row.delivery_id[:12]}: {error}")
    return done, trouble


def _dead_letters(client: DeliveryClient, sink: str) -> Iterator[Letter]:
    """Yield each dead letter of a sink once, page after page: what was resent has left the list by the next one."""
    seen: set[str] = set()
    while True:
        page = client.list_deliveries(DeliveryState.DEAD_LETTER, sink=sink, page_size=MOST_LETTERS)
        fresh = [row for row in page if row.delivery_id not in seen]
        seen |= {row.delivery_id for row in fresh}
        yield from fresh
        if len(page) < MOST_LETTERS or not fresh:
            return
