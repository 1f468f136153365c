"""A region may wait for a person; a finding names every model whose number it shows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and the table."""
    op.add_column("ledger_case", sa.Column("proposal", sa.Text, nullable=True))
    op.create_table(
        "ledger_finding_model",
        sa.Column("finding_id", sa.String(64), sa.ForeignKey("ledger_finding.finding_id"), primary_key=True),
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("bundle_id", sa.String(128), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
    )
    op.create_index("ledger_finding_model_id", "ledger_finding_model", ["bundle_id"])


def downgrade() -> None:
    """Take them away: a case that waits for a person is answered at its deadline by the variant without images."""
    op.drop_table("ledger_finding_model")
    op.drop_column("ledger_case", "proposal")
