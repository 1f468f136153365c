"""``oncorelay doctor``: is this site able to work, and what to change where it is not."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path

import click
import httpx
import redis
import sqlalchemy as sa
from rich.table import Table
from rich.text import Text

from services.cli import doctor_security
from services.cli.cases import print_json, screen
from services.cli.dicom_echo import STORAGE_COMMITMENT, Node
from services.cli.doctor_doors import door_looks
from services.cli.doctor_images import variants_served
from services.cli.doctor_serving import serving
from services.cli.doctor_slides import slide_looks
from services.cli.letters import why
from services.cli.models import site_catalog
from services.cli.person import person_tls
from services.cli.up import Settings as UpSettings
from services.dicom_listener.config import Settings as ListenerSettings
from services.inference.config import Settings as InferenceSettings
from services.lab_consumer.config import Settings as LabSettings
from services.results.config import Settings as ResultsSettings
from services.results.config import SinkSettings, sink_names
from services.results.deliver.adapters.mllp_client import MllpClient
from services.results.deliver.adapters.proof import credentials, tls_of
from services.results.deliver.formats.form import choose
from services.results.deliver.ports import NotReachedError
from services.results.ledger.database import check_schema, open_engine
from services.slide_ingestion.config import Settings as SlideSettings
from shared.domain.errors import OncoRelayError
from shared.domain.identity import AssigningAuthority
from shared.rpc.clients import LabConsumerClient, ResultsClient
from shared.rpc.delivery_client import DeliveryClient
from shared.site.site_secret import read_secret

TIMEOUT_S = 3.0
MAX_CLOCK_DIFFERENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Examination:
    """One thing looked at."""

    name: str
    passed: bool
    detail: str
    """What was found; where it failed, what to change."""


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
@click.pass_context
def doctor(context: click.Context, *, as_json: bool) -> None:
    """Check configuration, secrets, disk, Redis, ledger, bundles, services and every peer, in both directions."""
    found = list(examine())
    if as_json:
        print_json([{"name": one.name, "passed": one.passed, "detail": one.detail} for one in found])
    else:
        table = Table("", "what", "found")
        for one in found:
            mark = Text("ok", style="green") if one.passed else Text("no", style="red")
            table.add_row(mark, Text(one.name), Text(one.detail, overflow="fold"))
        screen().print(table)
    context.exit(0 if all(one.passed for one in found) else 1)


def examine() -> Iterator[Examination]:
    """Yield every examination; one that fails stops no other."""
    configuration = _try("configuration", _configuration)
    yield configuration
    if not configuration.passed:
        return
    results, listener, lab = ResultsSettings(), ListenerSettings(), LabSettings()
    yield _try("identity map", lambda: _identity(results))
    yield _try("secret", lambda: f"{len(read_secret(results.site.secret_file))} bytes")
    yield _try("draw of blood", lambda: _draw(results, lab))
    yield _try("disk", lambda: _disk(results, listener.min_free_mb))
    yield _try("certificates", lambda: doctor_security.certificates(results.site))
    yield _try("secrets", lambda: doctor_security.secret_files(results, lab))
    yield _try("FHIR door", lambda: doctor_security.fhir_door(lab))
    yield _try("STOW door", lambda: doctor_security.stow_door(listener))
    yield _try("MLLP door", lambda: doctor_security.mllp_door(lab))
    yield _try("redis", lambda: doctor_security.redis_access(results))
    yield _try("ledger schema", lambda: _schema(results))
    yield _try("bundles", _bundles)
    yield _try("image variants", lambda: variants_served(site_catalog()))
    yield _try(
        "results",
        lambda: serving(ResultsClient(results.grpc_address, tls=person_tls(results.site), deadline_s=TIMEOUT_S)),
    )
    yield _try(
        "lab_consumer",
        lambda: serving(LabConsumerClient(lab.grpc_address, tls=person_tls(lab.site), deadline_s=TIMEOUT_S)),
    )
    if lab.fhir_server:
        from services.cli.doctor_fhir import fhir_server  # brings what takes facts apart

        yield _try("FHIR server", partial(fhir_server, lab.fhir_server))
    for name, look in slide_looks(SlideSettings()):
        yield _try(name, look)
    yield from _services(results, listener, lab)
    yield from _peers(results, listener)


def _configuration() -> str:
    """Read every table of the site file, as each service would."""
    for settings in (UpSettings, ListenerSettings, LabSettings, InferenceSettings, SlideSettings):
        settings()
    results = ResultsSettings()
    sink_names(results.sinks)
    return f"site {results.site.site_id}, data in {results.site.data_folder}"


def _peers(results: ResultsSettings, listener: ListenerSettings) -> Iterator[Examination]:
    yield _try("dicom_listener", lambda: _listener(listener))
    for name, look in door_looks(listener):
        yield _try(name, look)
    for peer in listener.peers:
        node = Node(peer.host, peer.port, peer.ae_title, listener.ae_title, TIMEOUT_S)
        yield _try(f"sender {peer.ae_title}", partial(_echo, node))
    if not results.sinks:
        missing = "no [[sinks]] table: no result would reach anybody; add one to site.toml"
        yield Examination("sinks", passed=False, detail=missing)
    yield _try("deliveries", lambda: _deliveries(results))
    for sink in results.sinks:
        yield _try(f"sink {sink.name}", partial(_sink, sink))
        if sink.kind == "dicom-cstore":
            yield _try(f"storage commitment {sink.name}", partial(_commitment, sink))


def _try(name: str, look: Callable[[], str]) -> Examination:
    try:
        return Examination(name, passed=True, detail=look())
    except (OncoRelayError, OSError, ValueError, redis.RedisError, httpx.HTTPError, sa.exc.SQLAlchemyError) as error:
        return Examination(name, passed=False, detail=str(error) or type(error).__name__)


def _draw(results: ResultsSettings, lab: LabSettings) -> str:
    """Compare what lab_consumer groups with what results takes for one draw."""
    if lab.draw_days > results.draw_days:
        raise ValueError(
            f"[lab_consumer] groups values {lab.draw_days} days apart, [results] takes at most {results.draw_days} for "
            "one draw: set draw_days of both alike, or such panels end as not analysed"
        )
    return f"values at most {results.draw_days} days apart, at most {results.oldest_days} days old"


def _identity(settings: ResultsSettings) -> str:
    rows = settings.identity_map.authorities
    if not rows:
        raise ValueError("no [[identity]] table: every study would end as an unknown identity; add one to site.toml")
    return ", ".join(f"{row.name}: issuer {_issuer(row)} = {row.fhir_system or '(no FHIR)'}" for row in rows)


def _issuer(row: AssigningAuthority) -> str:
    return "(no DICOM)" if row.dicom_issuer is None else row.dicom_issuer or "(sent without)"


def _disk(settings: ResultsSettings, min_free_mb: int) -> str:
    folder = settings.site.data_folder
    free = shutil.disk_usage(folder if folder.exists() else folder.parent).free // 2**20
    if free < min_free_mb:
        raise ValueError(f"{free} MiB free, the listener refuses below {min_free_mb}: make room or lower min_free_mb")
    return f"{free} MiB free"


def _schema(settings: ResultsSettings) -> str:
    url = sa.make_url(settings.ledger_url)
    # Opening an SQLite file makes it: looking must leave nothing behind.
    if url.get_backend_name() == "sqlite" and not (url.database and Path(url.database).exists()):
        raise ValueError("no ledger yet: `oncorelay up` makes it")
    engine = open_engine(settings.ledger_url)
    try:
        check_schema(engine)
        return f"current ({engine.dialect.name})"
    finally:
        engine.dispose()


def _bundles() -> str:
    catalog = site_catalog()
    if catalog.problems:
        first = catalog.problems[0]
        raise ValueError(f"{first.bundle}: {first.reason}; {first.remedy}")
    return ", ".join(f"{one.reference.bundle_id} ({one.reference.intended_use})" for one in catalog.installed)


def _services(results: ResultsSettings, listener: ListenerSettings, lab: LabSettings) -> Iterator[Examination]:
    """Ask every process that has an ops address what it finds wrong itself."""
    addresses = {
        "dicom_listener": listener.ops_address,
        "lab_consumer": lab.ops_address,
        "slide_ingestion": SlideSettings().ops_address,
        "results.serve": results.ops_address,
        "results.dispatch": results.dispatch_ops_address,
        "results.deliver": results.deliver_ops_address,
        "inference": InferenceSettings().ops_address,
        "inference.explain": InferenceSettings().explain_ops_address,
    }
    for name, address in addresses.items():
        if address:
            yield _try(f"health of {name}", partial(_ready, address))


def _ready(address: str) -> str:
    url = f"http://{address}/health/ready"
    try:
        answer = httpx.get(url, timeout=TIMEOUT_S)
    except httpx.HTTPError as error:
        raise ValueError(f"no answer at {url}: start it with `oncorelay up`, or look into its log") from error
    found = answer.json()
    if answer.is_error:
        raise ValueError("; ".join(f"{name}: {text}" for name, text in found["problems"].items()))
    return ", ".join(found["checked"])


def _listener(settings: ListenerSettings) -> str:
    """Echo our own door under every title that may call, as each sender would."""
    if not settings.calling_ae_titles:
        raise ValueError("[dicom_listener] calling_ae_titles is empty: every sender is rejected")
    if settings.port is None:
        return "no port without TLS to echo at; the health of dicom_listener tells whether its doors are open"
    for calling in settings.calling_ae_titles:
        Node(settings.host, settings.port, settings.ae_title, calling, TIMEOUT_S).echo()
    titles = ", ".join(settings.calling_ae_titles)
    return f"echo ok at {settings.host}:{settings.port}; {titles} may call {settings.ae_title}"


def _echo(node: Node) -> str:
    return f"{node.echo()}; we call {node.called} as {node.calling}"


def _deliveries(results: ResultsSettings) -> str:
    """Read the sinks' circuit breakers, dead letters, and what is owed to sinks that are gone."""
    client = DeliveryClient(results.grpc_address, tls=person_tls(results.site), deadline_s=TIMEOUT_S)
    try:
        sinks = client.list_sinks()
    finally:
        client.close()
    wrong = [f"{row.name}: {why(row)}" for row in sinks if why(row)]
    if wrong:
        raise ValueError("; ".join(wrong))
    waiting = sum(row.due + row.sending for row in sinks)
    return f"all sinks closed (deliveries flow), {waiting} on their way, no dead letters"


def _node(sink: SinkSettings) -> Node:
    return Node(sink.host, sink.port, sink.ae_title, sink.calling_ae_title, TIMEOUT_S)


def _commitment(sink: SinkSettings) -> str:
    """Compare what the peer offers with what is configured (storage commitment push model, PS3.4 annex J)."""
    offered = _node(sink).accepts(STORAGE_COMMITMENT)
    if sink.storage_commitment and not offered:
        raise ValueError(f"storage_commitment = true, but {sink.ae_title} does not accept it: enable it there or unset")
    if sink.storage_commitment:
        return f"{sink.ae_title} accepts it, and it is configured (reports awaited on port {sink.commitment_port})"
    accepts = "accepts it" if offered else "does not accept it"
    return f"{sink.ae_title} {accepts}; not configured (storage_commitment = false): a query confirms what was stored"


def _sink(sink: SinkSettings) -> str:
    if sink.kind == "dicom-cstore":
        return _echo(_node(sink))
    if sink.kind == "folder":
        return _folder(sink)
    if sink.kind == "hl7-mllp":
        return _laboratory(sink)
    headers = credentials(sink).headers()
    path, accept = (
        ("/metadata", "application/fhir+json")
        if sink.kind == "fhir"
        else ("/studies?limit=1", "application/dicom+json")
    )
    answer = httpx.get(sink.url.rstrip("/") + path, headers={**headers, "Accept": accept}, timeout=TIMEOUT_S)
    if answer.is_error:
        raise ValueError(f"{sink.url}{path} answered {answer.status_code}: URL, token?")
    return f"{sink.url} answers{_clock(answer)}" + (f"; {_form(answer)}" if sink.kind == "fhir" else "")


def _laboratory(sink: SinkSettings) -> str:
    """Open a connection and close it: MLLP has no question that is not a message."""
    try:
        MllpClient(sink.name, sink.host, sink.port, TIMEOUT_S, tls_of(sink)).reach()
    except NotReachedError as error:
        raise ValueError(f"{error}: start the LIS's interface, or correct host and port") from error
    said = "with TLS" if sink.tls else "without TLS"
    to = sink.receiving_application or "(receiving_application not set)"
    return f"{sink.host}:{sink.port} takes connections {said}; messages are for {to}"


def _form(answer: httpx.Response) -> str:
    """Say in which resources results are written there, and why not in better ones."""
    try:
        statement = answer.json()
    except ValueError:
        statement = None
    return choose(statement).sentence


def _folder(sink: SinkSettings) -> str:
    if sink.folder is None:
        raise ValueError("a folder sink needs folder = ...")
    return f"{sink.folder}" + ("" if sink.folder.exists() else " (will be made)")


def _clock(answer: httpx.Response) -> str:
    if "date" not in answer.headers:
        return ""
    difference = abs((datetime.now(UTC) - parsedate_to_datetime(answer.headers["date"])).total_seconds())
    if difference > MAX_CLOCK_DIFFERENCE_S:
        raise ValueError(f"its clock and ours differ by {difference:.0f} s: synchronise them")
    return f", clocks within {MAX_CLOCK_DIFFERENCE_S:.0f} s"
