"""The ledger's tables. Migrations create them (``migrations/versions``); a contract test holds the two together."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa


class AwareTime(sa.types.TypeDecorator[datetime]):
    """An aware moment, stored as microseconds since 1970 UTC: equal on every database, and sortable."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:  # noqa: ARG002
        """Refuse naive times."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time needs its zone")
        delta = value.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
        return (delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:  # noqa: ARG002
        """Return the moment in UTC."""
        if value is None:
            return None
        seconds, micros = divmod(int(value), 1_000_000)
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros)


METADATA = sa.MetaData()

CASE = sa.Table(
    "ledger_case",
    METADATA,
    sa.Column("case_id", sa.String(64), primary_key=True),
    sa.Column("site_id", sa.String(64), nullable=False),
    sa.Column("predictor", sa.String(64), nullable=False),
    sa.Column("authority", sa.String(128), nullable=False, comment="empty: issuer not in the site's map"),
    sa.Column("identifier", sa.String(128), nullable=False),
    sa.Column("study_instance_uid", sa.String(64), nullable=False),
    sa.Column("study", sa.Text, nullable=False, comment="shared.domain.study.Study as JSON"),
    sa.Column("study_version", sa.String(64), nullable=False, comment="digest of instances and identity"),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("review", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False, comment="of the pinned inputs, from 1; 0 before the first pin"),
    sa.Column("pins", sa.Text, nullable=True, comment="shared.domain.case.Pins as JSON"),
    sa.Column("pin_digest", sa.String(64), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, comment="of this revision"),
    sa.Column("evaluate_time", AwareTime, nullable=True, comment="look at the inputs again from then on"),
    sa.Column("collect_until", AwareTime, nullable=False),
    sa.Column("deadline_time", AwareTime, nullable=True),
    sa.Column("told", sa.Boolean, nullable=False, comment="a person was told that the deadline passed"),
    sa.Column("closed", sa.Boolean, nullable=False, comment="withdrawn: only new images, or a person, ask again"),
    sa.Column("created_time", AwareTime, nullable=False),
    sa.Column("updated_time", AwareTime, nullable=False),
    sa.Column("patient", sa.String(64), nullable=False, comment="HMAC of the identity: the audit's name for it"),
    sa.Column("sent_authority", sa.String(128), nullable=False, comment="as the images have it, where it was merged"),
    sa.Column("sent_identifier", sa.String(128), nullable=False),
    sa.Column("proposal", sa.Text, nullable=True, comment="services.results.ledger.proposals.Proposal as JSON"),
    sa.Column("exclusions", sa.Text, nullable=True, comment="services.results.ledger.exclusions.LeftOut as JSON"),
    sa.Index("ledger_case_patient", "authority", "identifier"),
    sa.Index("ledger_case_study", "study_instance_uid"),
    sa.Index("ledger_case_evaluate", "evaluate_time"),
    sa.Index("ledger_case_state", "state"),
)

ATTEMPT = sa.Table(
    "ledger_attempt",
    METADATA,
    sa.Column("case_id", sa.String(64), sa.ForeignKey("ledger_case.case_id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, comment="from 1, over all revisions"),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("worker", sa.String(128), nullable=False),
    sa.Column("state", sa.String(16), nullable=False, comment="running, answered, failed, lost"),
    sa.Column("lease_until", AwareTime, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("created_time", AwareTime, nullable=False),
    sa.Index("ledger_attempt_lease", "state", "lease_until"),
)

FINDING = sa.Table(
    "ledger_finding",
    METADATA,
    sa.Column("finding_id", sa.String(64), primary_key=True),
    sa.Column("case_id", sa.String(64), sa.ForeignKey("ledger_case.case_id"), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("currency", sa.String(16), nullable=False),
    sa.Column("result_key", sa.String(64), nullable=False),
    sa.Column("body", sa.Text, nullable=False, comment="services.results.ledger.findings.Finding as JSON; or erased"),
    sa.Column("created_time", AwareTime, nullable=False),
    sa.Column("bundle_id", sa.String(128), nullable=False, comment="which model answered; empty: none did"),
    sa.Column("bundle_version", sa.String(64), nullable=False),
    sa.Column("bundle_digest", sa.String(64), nullable=False),
    sa.Index("ledger_finding_bundle", "bundle_id", "currency"),
    sa.UniqueConstraint("case_id", "revision"),
)

FINDING_MODEL = sa.Table(
    "ledger_finding_model",
    METADATA,
    sa.Column("finding_id", sa.String(64), sa.ForeignKey("ledger_finding.finding_id"), primary_key=True),
    sa.Column("digest", sa.String(64), primary_key=True, comment="a model whose number stands beside the answer"),
    sa.Column("bundle_id", sa.String(128), nullable=False),
    sa.Column("version", sa.String(64), nullable=False),
    sa.Index("ledger_finding_model_id", "bundle_id"),
)

DELIVERY = sa.Table(
    "ledger_delivery",
    METADATA,
    sa.Column("delivery_id", sa.String(64), primary_key=True),
    sa.Column("finding_id", sa.String(64), sa.ForeignKey("ledger_finding.finding_id"), nullable=False),
    sa.Column("case_id", sa.String(64), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("sink", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("token", sa.Integer, nullable=False),
    sa.Column("next_time", AwareTime, nullable=False),
    sa.Column("lease_until", AwareTime, nullable=True),
    sa.Column("object_id", sa.Text, nullable=False),
    sa.Column("location", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("replaced", sa.Boolean, nullable=False, comment="a later revision took its place at this sink"),
    sa.Column("deadline_time", AwareTime, nullable=True),
    sa.Column("told", sa.Boolean, nullable=False),
    sa.Column("created_time", AwareTime, nullable=False),
    sa.Column("maybe_there", sa.Integer, nullable=False, default=0, comment="tries that may have left something there"),
    sa.Column("other_ids", sa.Text, nullable=False, default="", comment="earlier names of the object, by spaces"),
    sa.Column("from_sink", sa.String(64), nullable=False, default="", comment="the sink it was redirected from"),
    sa.Column("moved", sa.Boolean, nullable=False, default=False, comment="redirected: another sink has it now"),
    sa.UniqueConstraint("finding_id", "sink"),
    sa.Index("ledger_delivery_due", "sink", "state", "next_time"),
    sa.Index("ledger_delivery_case", "case_id"),
)

SINK = sa.Table(
    "ledger_sink",
    METADATA,
    sa.Column("sink", sa.String(64), primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False, comment="in a row; of the sink, not of a delivery"),
    sa.Column("open_since", AwareTime, nullable=True, comment="empty: deliveries flow"),
    sa.Column("probe_time", AwareTime, nullable=True, comment="one delivery may try from then on"),
    sa.Column("success_time", AwareTime, nullable=True, comment="when it last answered"),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("told_time", AwareTime, nullable=True, comment="when a person was told that it is open"),
)

TRANSITION = sa.Table(
    "ledger_transition",
    METADATA,
    sa.Column("transition_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("case_id", sa.String(64), nullable=False),
    sa.Column("machine", sa.String(16), nullable=False),
    sa.Column("subject", sa.String(96), nullable=False),
    sa.Column("from_state", sa.String(16), nullable=False),
    sa.Column("to_state", sa.String(16), nullable=False),
    sa.Column("time", AwareTime, nullable=False),
    sa.Column("actor", sa.String(128), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Index("ledger_transition_case", "case_id"),
)

ORDER = sa.Table(
    "ledger_order",
    METADATA,
    sa.Column("case_id", sa.String(64), sa.ForeignKey("ledger_case.case_id"), primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),
    sa.Column("created_time", AwareTime, nullable=False),
    sa.Column("next_time", AwareTime, nullable=True, comment="send from then on; empty: nothing to send"),
    sa.Column("sent_time", AwareTime, nullable=True),
    sa.Column("sends", sa.Integer, nullable=False),
    sa.Index("ledger_order_next", "next_time"),
)

REQUEST = sa.Table(
    "ledger_request",
    METADATA,
    sa.Column("request_id", sa.String(128), primary_key=True),
    sa.Column("method", sa.String(64), nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("created_time", AwareTime, nullable=False),
)

NOTICE = sa.Table(
    "ledger_notice",
    METADATA,
    sa.Column("notice_id", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("case_id", sa.String(64), nullable=False),
    sa.Column("time", AwareTime, nullable=False),
    sa.Index("ledger_notice_time", "time"),
)
