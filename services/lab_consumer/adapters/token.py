"""The bearer token of the FHIR door, from a file."""

from __future__ import annotations

from pathlib import Path

from shared.domain.errors import ForbiddenError

MIN_BYTES = 16
_HOW = "make one with:  umask 077; mkdir -p '{folder}'; openssl rand -hex 32 > '{path}'"


def read_token(path: Path) -> bytes:
    """Return the token.

    Raises:
        ForbiddenError: If there is none, or it is short enough to be guessed; says how to make one.
    """
    how = _HOW.format(folder=path.parent, path=path)
    try:
        token = path.read_bytes().strip()
    except OSError:
        raise ForbiddenError(f"the FHIR door needs a bearer token and {path} cannot be read: {how}") from None
    if len(token) < MIN_BYTES:
        raise ForbiddenError(f"the bearer token in {path} is shorter than {MIN_BYTES} bytes: {how}")
    return token
