"""A private certificate authority of one test run, for doors that speak TLS."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Identity:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Authority:
    """A private certificate authority of one test run."""

    folder: Path
    name: str

    def identity(self, common_name: str, issuer: Authority | None = None) -> Identity:
        """Make a certificate; without ``issuer`` signed by itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        signer, issued_by = issuer.signer() if issuer else (key, subject)
        now = dt.datetime.now(dt.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issued_by)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(minutes=1))
            .not_valid_after(now + dt.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
            .sign(signer, hashes.SHA256())
        )
        found = Identity(self.folder / f"{common_name}.pem", self.folder / f"{common_name}.key")
        found.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        pkcs8 = serialization.PrivateFormat.PKCS8
        found.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, plain))
        return found

    def signer(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Name]:
        """Return its key and its name."""
        key = serialization.load_pem_private_key((self.folder / f"{self.name}.key").read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError(self.name)
        return key, x509.load_pem_x509_certificate((self.folder / f"{self.name}.pem").read_bytes()).subject

    @property
    def certificate(self) -> Path:
        """Return its own certificate."""
        return self.folder / f"{self.name}.pem"
