"""Who a DICOM TLS client is."""

from __future__ import annotations

import ssl
from typing import Any


def certificate_names(connection: ssl.SSLSocket) -> frozenset[str]:
    """Return the common names and alternative names (DNS, URI) of a verified client certificate."""
    found: dict[str, Any] = connection.getpeercert() or {}
    common = {value for entry in found.get("subject", ()) for key, value in entry if key == "commonName"}
    return frozenset(common | {value for kind, value in found.get("subjectAltName", ()) if kind in ("DNS", "URI")})
