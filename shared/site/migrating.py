"""The arguments of a service that owns a database: which schema somebody wants."""

from __future__ import annotations

from collections.abc import Sequence

from shared.domain.errors import InvalidInputError


def wanted_revision(arguments: Sequence[str], module: str) -> str:
    """Return the schema to bring the database to before anything else; empty: leave it.

    Raises:
        InvalidInputError: If the arguments mean nothing; says what does.
    """
    match list(arguments):
        case []:
            return ""
        case ["migrate"] | ["--migrate"]:
            return "head"
        case ["migrate", "--to", revision]:
            return revision
    raise InvalidInputError("arguments", f"usage: python -m {module} [--migrate | migrate [--to REVISION]]")
