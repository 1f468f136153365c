"""Panels: laboratory values of one draw, on their way to results.

What panels are made of is filled in from the facts that hold, so that what comes next joins what is there. Panels are
not made here: they are named with the site's key, and history opens none.

Revision ID: 0005
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ANALYTES = ("hscrp", "il6", "ifn_alpha", "tnf_alpha")
"""The analytes of every predictor that took panels when this revision was written."""
_AT_ONCE = 500


def _text(name: str, length: int, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.String(length), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "panel", sa.Column("uid", sa.String(64), primary_key=True), _text("authority", 256), _text("identifier", 256),
        _text("analytes", 512), _text("first_date", 10), _text("last_date", 10),
        sa.Column("facts", sa.Text, nullable=False), _text("opened_time", 32), _text("taken_back", 256),
        _text("request_id", 36), sa.Column("tries", sa.Integer, nullable=False), _text("due_time", 32),
        _text("submitted_time", 32, nullable=True),
    )  # fmt: skip
    op.create_index("panel_identity", "panel", ["authority", "identifier"])
    op.create_index("panel_open", "panel", ["submitted_time", "due_time"])
    panel_value = op.create_table(
        "panel_value", sa.Column("authority", sa.String(256), primary_key=True),
        sa.Column("identifier", sa.String(256), primary_key=True),
        sa.Column("fact_id", sa.String(256), primary_key=True),
        _text("name", 64), _text("effective_date", 10),
    )  # fmt: skip
    op.create_index("panel_value_date", "panel_value", ["authority", "identifier", "effective_date"])
    _fill(op.get_bind(), panel_value)


def _fill(connection: sa.Connection, panel_value: sa.Table) -> None:
    """Copy the facts that hold: of each key the last statement, unless it says that it holds no longer."""
    names = ("sequence", "authority", "identifier", "kind", "key", "source", "value")
    statement = sa.table("statement", *map(sa.column, names))
    later = statement.alias()
    same = [later.c[name] == statement.c[name] for name in ("authority", "identifier", "source", "kind", "key")]
    replaced = sa.exists().where(*same, later.c.sequence > statement.c.sequence)
    mine = sa.or_(*(statement.c.key.endswith(f"#{name}", autoescape=True) for name in _ANALYTES))
    query = sa.select(statement).where(statement.c.kind == "fact", mine, statement.c.value.is_not(None), ~replaced)
    last = 0
    while rows := connection.execute(
        query.where(statement.c.sequence > last).order_by(statement.c.sequence).limit(_AT_ONCE)
    ).all():
        connection.execute(panel_value.insert(), [_value(row) for row in rows])
        last = rows[-1].sequence


def _value(row: sa.Row) -> dict[str, str]:
    fact = json.loads(row.value)
    return {
        "authority": row.authority, "identifier": row.identifier, "fact_id": row.key, "name": fact["name"],
        "effective_date": fact["effective_date"],
    }  # fmt: skip


def downgrade() -> None:
    op.drop_table("panel_value")
    op.drop_table("panel")
