"""The site's acceptance of a bundle."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ACCEPTANCE = sa.Table(
    "ledger_acceptance",
    sa.MetaData(),
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("bundle_id", sa.String(128), nullable=False),
    sa.Column("version", sa.String(64), nullable=False),
    sa.Column("report_sha256", sa.String(64), nullable=False),
    sa.Column("accepted_by", sa.String(128), nullable=False),
    sa.Column("actor", sa.String(128), nullable=False),
    sa.Column("created_time", sa.BigInteger, nullable=False),
)


def upgrade() -> None:
    """Add the table."""
    _ACCEPTANCE.create(op.get_bind())


def downgrade() -> None:
    """Take it away; the audit keeps who accepted what."""
    _ACCEPTANCE.drop(op.get_bind())
