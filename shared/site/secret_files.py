"""Secrets that settings name by file: the file's one line, and never a word of it in an error."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import model_validator

from shared.domain.errors import InvalidInputError
from shared.security.loopback import is_loopback
from shared.site.settings import ServiceSettings


def read_line(path: Path, setting: str) -> str:
    """Return the one line of a secret file, without white space around it.

    Raises:
        InvalidInputError: If the file cannot be read or is empty; names the setting and the file.
    """
    try:
        line = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(setting, f"{path} cannot be read ({type(error).__name__})") from None
    if not line or "\n" in line:
        raise InvalidInputError(setting, f"{path} must hold exactly one line")
    return line


class RedisSettings(ServiceSettings):
    """What a service needs to speak to Redis."""

    redis_url: str = "redis://127.0.0.1:6379/0"
    """Where orders go and come from (``redis://`` or ``rediss://``); its password belongs into ``redis_password_file``,
    or with the whole URL into the environment, never into the site file."""
    redis_password_file: Path | None = None
    """File with the password of Redis."""
    redis_authority_file: Path | None = None
    """PEM file with the authority that signed Redis' certificate (``rediss://`` only); default: the system's."""

    @model_validator(mode="after")
    def _not_open_to_everybody(self) -> RedisSettings:
        parts = urlsplit(self.redis_url)
        closed = bool(parts.password or self.redis_password_file or parts.scheme not in ("redis", "rediss"))
        if not closed and not is_loopback(parts.hostname or "localhost"):
            raise ValueError("redis_url is on another machine, without a password: set one, and redis_password_file")
        return self

    @property
    def broker_url(self) -> str:
        """Return the URL with its password: for connections, never for logs."""
        parts = urlsplit(self.redis_url)
        if self.redis_password_file is not None:
            password = quote(read_line(self.redis_password_file, "redis_password_file"), safe="")
            user, place = parts.username or "", parts.netloc.rsplit("@", 1)[-1]
            parts = parts._replace(netloc=f"{user}:{password}@{place}")
        if parts.scheme == "rediss":
            parts = parts._replace(query="&".join(filter(None, (parts.query, self._verification()))))
        return urlunsplit(parts)

    def _verification(self) -> str:
        authority = f"&ssl_ca_certs={quote(str(self.redis_authority_file))}" if self.redis_authority_file else ""
        return f"ssl_cert_reqs=required&ssl_check_hostname=true{authority}"
