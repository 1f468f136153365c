"""What several services need, layered: domain at the bottom, testing at the top (see pyproject.toml, contract 2)."""
