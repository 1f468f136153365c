"""Of a slide, a person may leave regions out of the score."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("ledger_case", sa.Column("exclusions", sa.Text, nullable=True))


def downgrade() -> None:
    """Take it away: what was left out counts again when the case is asked again."""
    op.drop_column("ledger_case", "exclusions")
