"""The whole ledger, opened once per process: every part over one engine, one set of keys, one policy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from services.results.config import Settings
from services.results.ledger.acceptances import Acceptances
from services.results.ledger.attempts import Attempts
from services.results.ledger.collecting import Collecting
from services.results.ledger.database import open_engine
from services.results.ledger.erasures import Erasures
from services.results.ledger.exclusions import Exclusions
from services.results.ledger.intake import Intake
from services.results.ledger.keys import Keys
from services.results.ledger.letters import Letters
from services.results.ledger.orders import Orders
from services.results.ledger.overdue import Overdue
from services.results.ledger.patients import Patients
from services.results.ledger.people import People
from services.results.ledger.policy import Policy, SinkPolicy
from services.results.ledger.proposals import Proposals
from services.results.ledger.queries import Queries
from services.results.ledger.recalls import Recalls
from services.results.ledger.retention import Retention
from services.results.ledger.sinks import Sinks
from services.results.ledger.trail import Trail
from shared.site.site_secret import read_secret


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything that may be done to the ledger, by topic."""

    engine: sa.Engine
    intake: Intake
    collecting: Collecting
    orders: Orders
    attempts: Attempts
    people: People
    overdue: Overdue
    queries: Queries
    trail: Trail
    recalls: Recalls
    acceptances: Acceptances
    patients: Patients
    erasures: Erasures
    retention: Retention
    letters: Letters
    sinks: Sinks
    proposals: Proposals
    exclusions: Exclusions


def open_ledger(settings: Settings) -> Ledger:
    """Return the ledger the settings name.

    Raises:
        InvalidInputError: If the site's secret is missing or too short; says how to make one.
    """
    keys = Keys(settings.site.site_id, read_secret(settings.site.secret_file))
    return assemble(open_engine(settings.ledger_url), keys, policy_of(settings))


def assemble(engine: sa.Engine, keys: Keys, policy: Policy) -> Ledger:
    """Return the ledger over its parts."""
    return Ledger(
        engine, Intake(engine, keys, policy), Collecting(engine, keys, policy), Orders(engine, policy),
        Attempts(engine, keys, policy), People(engine, keys, policy), Overdue(engine, policy), Queries(engine),
        Trail(engine, keys), Recalls(engine, keys, policy), Acceptances(engine), Patients(engine, keys, policy),
        Erasures(engine, keys, policy), Retention(engine, policy), Letters(engine, policy), Sinks(engine, policy),
        Proposals(engine), Exclusions(engine, policy),
    )  # fmt: skip


def policy_of(settings: Settings) -> Policy:
    """Return the ledger's view of the settings."""
    return Policy(
        sinks=tuple(
            SinkPolicy(sink.name, sink.kind, sink.hold_until_reviewed, sink.images_only, sink.slides_only)
            for sink in settings.sinks
        ),
        collect=timedelta(seconds=settings.collect_s),
        state_deadline=timedelta(seconds=settings.state_deadline_s),
        lease=timedelta(seconds=settings.attempt_lease_s),
        max_attempts=settings.max_attempts,
        redispatch=timedelta(seconds=settings.redispatch_s),
        review_required=settings.review_required,
        keep_findings=_days(settings.retention.findings_days),
        keep_requests=_days(settings.retention.requests_days),
        keep_notices=_days(settings.retention.notices_days),
        sink_patience=timedelta(seconds=settings.sink_patience_s),
    )


def _days(days: int | None) -> timedelta | None:
    return None if days is None else timedelta(days=days)
