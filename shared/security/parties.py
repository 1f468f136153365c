"""Who somebody is, as a certificate says it: one of our services, or a person with a role."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SERVICE = "oncorelay:service:"
_ROLE = "oncorelay:role:"


class Role(IntEnum):
    """What a person may do; each role may do all that the smaller ones may."""

    READER = 1
    """Sees cases, notices and refusals."""
    OPERATOR = 2
    """Tries again, resends, reviews, withdraws one result."""
    ADMINISTRATOR = 3
    """Changes what the site is: recalls models, erases, accepts bundles."""

    @classmethod
    def named(cls, name: str) -> Role:
        """Return the role of this name (small letters).

        Raises:
            ValueError: If there is none.
        """
        try:
            return cls[name.upper()]
        except KeyError:
            raise ValueError(f"no role {name}: reader, operator or administrator") from None


@dataclass(frozen=True, slots=True)
class Party:
    """A service (no role), or a person with a role."""

    name: str
    role: Role | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError("a name is 1 to 64 letters, digits, dots, dashes and underscores, a letter or digit first")

    @property
    def uri(self) -> str:
        """Return the name a certificate carries (subjectAltName URI, RFC 5280 4.2.1.6)."""
        return f"{_SERVICE}{self.name}" if self.role is None else f"{_ROLE}{self.role.name.lower()}:{self.name}"

    @classmethod
    def from_uri(cls, uri: str) -> Party:
        """Return whom a certificate names.

        Raises:
            ValueError: If the URI is none of ours.
        """
        if uri.startswith(_SERVICE):
            return cls(uri.removeprefix(_SERVICE))
        if not uri.startswith(_ROLE):
            raise ValueError("not a name of this site's certificates")
        role, _, name = uri.removeprefix(_ROLE).partition(":")
        return cls(name, Role.named(role))
