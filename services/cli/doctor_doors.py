"""What ``oncorelay doctor`` looks at beside C-STORE: transfer syntaxes, the STOW-RS door, commitment peers."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import httpx

from services.cli.dicom_echo import STORAGE_COMMITMENT, Node
from services.dicom_listener.config import LOOPBACK, PeerSettings, Settings
from shared.dicom.self_check import Proof, prove, self_check
from shared.security.tokens import read_keys

TIMEOUT_S = 3.0
_WOULD_TAKE = 415
"""What a request without a body of a known kind is answered, once token and room were found good."""
_REMEDIES = {
    401: "it does not know the first key of the key file: restart the listener after changing the file",
    403: "the first key of the key file has not the scope images.write",
    503: "it refuses for now: see disk, results and dicom_listener above",
}

Look = Callable[[], str]


def door_looks(settings: Settings) -> Iterator[tuple[str, Look]]:
    """Yield name and look; a look raises ValueError or OSError with what to change."""
    yield "DICOM TLS", partial(dicom_tls, settings)
    yield "transfer syntaxes", lambda: syntaxes(self_check(prove))
    yield "stow-rs", partial(_stow, settings)
    for peer in settings.peers:
        if peer.storage_commitment:
            yield f"commitment reports to {peer.ae_title}", partial(_reports, peer, settings.ae_title)


def syntaxes(proofs: Sequence[Proof]) -> str:
    """Say what is offered and what is not; that is no fault of the site, only a sender that needs it makes it one."""
    missing = [f"{proof.name} ({proof.doubt})" for proof in proofs if not proof.proven]
    offered = f"{len(proofs) - len(missing)} of {len(proofs)} proven and offered"
    return f"{offered}; not offered: {'; '.join(missing)}" if missing else offered


def dicom_tls(settings: Settings) -> str:
    """Say which ports there are.

    Raises:
        ValueError: If the port without TLS is a way around the certificates that the other one demands.
    """
    if settings.tls_certificate is None:
        return "no TLS port ([dicom_listener] tls_certificate is not set)"
    if settings.port is None:
        return f"TLS on port {settings.tls_port} only"
    if settings.tls_client_ca and settings.host not in LOOPBACK:
        raise ValueError(
            f"port {settings.tls_port} demands certificates and port {settings.port} beside it asks for none: "
            'set port = "none", or host = "127.0.0.1"'
        )
    return f"TLS on port {settings.tls_port}, none on port {settings.port}"


def _stow(settings: Settings) -> str:
    if settings.stow_port is None:
        return "no STOW-RS door ([dicom_listener] stow_port is not set)"
    scheme = "https" if settings.stow_tls_certificate else "http"
    url = f"{scheme}://{settings.stow_host}:{settings.stow_port}/dicomweb/studies"
    key = _first_key(settings)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    answer = httpx.post(url, headers=headers, timeout=TIMEOUT_S, verify=_trust(settings), trust_env=False)
    if answer.status_code == _WOULD_TAKE or (not key and answer.status_code in _REMEDIES):
        return f"answers at {url}"
    raise ValueError(f"{url} answered {answer.status_code}: {_REMEDIES.get(answer.status_code, 'another program?')}")


def _trust(settings: Settings) -> ssl.SSLContext | bool:
    """Trust the very certificate of the site file: its name is the one senders use, not the address we ask here."""
    if settings.stow_tls_certificate is None:
        return True
    context = ssl.create_default_context(cafile=str(settings.stow_tls_certificate))
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.check_hostname = False
    return context


def _first_key(settings: Settings) -> str:
    """Return the first key of the key file; empty where only an OpenID provider's tokens count."""
    path = settings.stow_key_path
    if path is None:
        return ""
    read_keys(path)  # says how to make one where it is missing or too short
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in lines if row and not row[0].startswith("#")]
    return rows[0][1] if len(rows[0]) > 1 else rows[0][0]


def _reports(peer: PeerSettings, ae_title: str) -> str:
    node = Node(peer.host, peer.port, peer.ae_title, ae_title, TIMEOUT_S)
    if node.accepts(STORAGE_COMMITMENT):
        return f"{peer.ae_title} takes reports at {peer.host}:{peer.port}"
    raise ValueError(
        f"{peer.ae_title} does not accept storage commitment from {ae_title}: enable it there, "
        "or set storage_commitment = false for this peer"
    )
