"""What a site's file says of tokens: whose open our doors, and how we get our own at a FHIR server."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

LONGEST_ASSERTION_S = 300
"""``exp`` lies at most five minutes ahead (SMART)."""
DEFAULT_SCOPE = " ".join(
    f"system/{kind}.rs"
    for kind in (
        "Patient", "Observation", "Condition", "Specimen", "Medication", "MedicationRequest",
        "MedicationAdministration", "MedicationStatement", "Procedure",
    )
)  # fmt: skip


class OidcSettings(BaseModel):
    """An ``oidc`` table: whose access tokens open a door."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str
    """Exactly as the provider writes it into ``iss``; https, or http on this machine."""
    audience: str
    """Who the token must be for: the name of this door at the provider."""
    scope: str = ""
    """Scope a token must have; empty: the door's own name for what it offers."""
    leeway_s: float = Field(default=30.0, ge=0, le=300)
    """How far the provider's clock may be off, in seconds."""
    single_use: bool = False
    """True: every token opens the door once (its ``jti`` is remembered until it ends). The memory is this process's: a
    restart, or a second process behind the same address, would let a token in once more; and at most 100 000 tokens."""
    authority_file: Path | None = None
    """PEM file with the authority of the provider's own certificate; default: the system's."""


class BackendSettings(BaseModel):
    """A ``backend`` table: who we are at a FHIR server's authorization server."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: str
    """As the authorization server registered us."""
    key_file: Path
    """Our private key (PEM), readable by its owner alone; the public half is registered there."""
    key_id: str
    """``kid`` of that public key in the registered JWK Set."""
    algorithm: Literal["RS384", "ES384"] = "ES384"
    scope: str = DEFAULT_SCOPE
    """What we ask for, SMART v2 syntax."""
    token_url: str = ""
    """Token endpoint; empty: as ``.well-known/smart-configuration`` of the FHIR server says."""
    authority_file: Path | None = None
    """PEM file with the authority of the certificates of both servers; default: the system's."""
    lifetime_s: int = Field(default=240, ge=30, le=LONGEST_ASSERTION_S)
    """For how long one signed assertion holds, in seconds."""
