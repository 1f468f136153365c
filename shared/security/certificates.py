"""A site's private certificate authority: ECDSA P-256, one certificate and key per service and per person.

Profile after RFC 5280: the authority signs nothing but end entities (path length 0); services may serve and call,
people only call; whom a certificate stands for is its URI, and a server's own name is ``<service>.oncorelay.internal``.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from shared.security.parties import Party
from shared.security.tls_files import server_name

AUTHORITY_DAYS = 3650
VALID_DAYS = 397
"""Longest life of a certificate, in days; renewed long before."""
WARN_DAYS = 30
"""Renewal is asked for when less than this is left, in days."""
_BACKDATED = timedelta(minutes=5)
"""Clocks of one site differ by less."""
_SHORTEST_SERIAL = 16


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes


def make_authority(site_id: str, now: datetime) -> Issued:
    """Return a new authority for one site."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"OncoRelay {site_id}"[:64])])
    usage = _key_usage(signs_certificates=True)
    built = (
        _builder(name, name, key.public_key(), now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Issued(built.public_bytes(serialization.Encoding.PEM), _key_pem(key))


def issue(authority: Issued, party: Party, now: datetime, hosts: Iterable[str] = ()) -> Issued:
    """Return a new certificate and key for ``party``; services also answer under ``hosts`` (DNS names, addresses)."""
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    signer = serialization.load_pem_private_key(authority.key, password=None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise TypeError("the authority's key is not an elliptic curve key")
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, party.name)])
    built = (
        _builder(subject, issuer.subject, key.public_key(), now, VALID_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(_purposes(party)), critical=False)
        .add_extension(x509.SubjectAlternativeName(_names(party, hosts)), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return Issued(built.public_bytes(serialization.Encoding.PEM), _key_pem(key))


def party_of(certificate: bytes) -> Party:
    """Return whom a certificate (PEM) stands for.

    Raises:
        ValueError: If it names nobody of ours, or more than one.
    """
    uris = _alternative(certificate).get_values_for_type(x509.UniformResourceIdentifier)
    if len(uris) != 1:
        raise ValueError("the certificate names not exactly one party of this site")
    return Party.from_uri(uris[0])


def hosts_of(certificate: bytes) -> tuple[str, ...]:
    """Return the DNS names and addresses of a certificate (PEM)."""
    names = _alternative(certificate)
    addresses = names.get_values_for_type(x509.IPAddress)
    return (*names.get_values_for_type(x509.DNSName), *(str(address) for address in addresses))


def days_left(certificate: bytes, now: datetime) -> float:
    """Return how many days a certificate (PEM) is still good for; negative when it is over."""
    return (x509.load_pem_x509_certificate(certificate).not_valid_after_utc - now) / timedelta(days=1)


def serial_of(certificate: bytes) -> str:
    """Return the serial number of a certificate (PEM), hexadecimal."""
    return f"{x509.load_pem_x509_certificate(certificate).serial_number:x}"


def end_of(certificate: bytes) -> datetime:
    """Return when a certificate (PEM) ends."""
    return x509.load_pem_x509_certificate(certificate).not_valid_after_utc


def normalised(serial: str) -> str:
    """Return a serial number as ``serial_of`` writes it, however a tool printed it (capitals, colons, 0x, zeros).

    Empty where it is none: fewer than 16 hexadecimal digits are a name rather than a serial number of ours.
    """
    digits = serial.strip().lower().replace(":", "").removeprefix("0x")
    if len(digits) < _SHORTEST_SERIAL or set(digits) - set("0123456789abcdef"):
        return ""
    return digits.lstrip("0")


def is_signed_by(certificate: bytes, authority: bytes) -> bool:
    """Tell whether an authority's key signed a certificate (both PEM)."""
    try:
        issuer = x509.load_pem_x509_certificate(authority)
        x509.load_pem_x509_certificate(certificate).verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _alternative(certificate: bytes) -> x509.SubjectAlternativeName:
    loaded = x509.load_pem_x509_certificate(certificate)
    try:
        return loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        raise ValueError("the certificate names nobody") from None


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    start = now.astimezone(UTC) - _BACKDATED
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates, key_cert_sign=signs_certificates, crl_sign=signs_certificates,
        content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _purposes(party: Party) -> list[x509.ObjectIdentifier]:
    calls = [ExtendedKeyUsageOID.CLIENT_AUTH]
    return calls if party.role is not None else [ExtendedKeyUsageOID.SERVER_AUTH, *calls]


def _names(party: Party, hosts: Iterable[str]) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(party.uri)]
    if party.role is None:
        names += [_host(host) for host in dict.fromkeys((server_name(party.name), *hosts))]
    return names


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
