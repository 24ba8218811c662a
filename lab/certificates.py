"""Certificates for doors with TLS: an authority, servers on this machine, clients for mTLS.

Everything is P-256 and lives a day; files are PEM, keys readable by their owner only.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


LOOPBACK = tuple(x509.IPAddress(ipaddress.ip_address(text)) for text in ("127.0.0.1", "::1"))

LIFE = timedelta(days=1)
BACKDATED = timedelta(hours=1)
"Clocks of containers and browsers on one machine differ by less."


@dataclass(frozen=True, slots=True)
class Credential:
    """A certificate and its private key, as files."""

    certificate: Path
    key: Path

    def sha256(self) -> str:
        """Return the SHA-256 of the DER form, lower-case hex, as doors tell clients apart."""
        certificate = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        return certificate.fingerprint(hashes.SHA256()).hex()


class Authority:
    """A certificate authority of the lab; writes what it issues into its directory."""

    def __init__(self, directory: Path, name: str = "lab authority") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _common_name(name)
        builder = _builder(self._name, self._name, self._key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        builder = builder.add_extension(_key_usage(signs_certificates=True), True)
        self._certificate = builder.sign(self._key, hashes.SHA256())
        self.certificate = directory / "authority.pem"
        "For clients, to trust."
        self.certificate.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def issue_server(self, name: str = "server", hosts: Iterable[str] = ()) -> Credential:
        """Issue a certificate for localhost, the loopback addresses and these *hosts*."""
        names = [x509.DNSName(host) for host in ("localhost", *hosts)]
        return self._issue(name, [*names, *LOOPBACK], ExtendedKeyUsageOID.SERVER_AUTH)

    def issue_client(self, name: str) -> Credential:
        """Issue a certificate to a client; *name* is its common name and its DNS name."""
        return self._issue(name, [x509.DNSName(name)], ExtendedKeyUsageOID.CLIENT_AUTH)

    def _issue(
        self, name: str, names: list[x509.GeneralName], purpose: x509.ObjectIdentifier
    ) -> Credential:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_common_name(name), self._name, key.public_key())
        for extension, critical in (
            (x509.SubjectAlternativeName(names), False),
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_key_usage(signs_certificates=False), True),
            (x509.ExtendedKeyUsage([purpose]), False),
            (
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                False,
            ),
        ):
            builder = builder.add_extension(extension, critical)
        credential = Credential(self._directory / f"{name}.pem", self._directory / f"{name}.key")
        signed = builder.sign(self._key, hashes.SHA256())
        credential.certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        credential.key.touch(mode=0o600)
        credential.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return credential


def pin(certificate: Path) -> str:
    """Return the SHA-256 of the public key, in base64 (RFC 7469 2.4)."""
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    der = key.public_bytes(serialization.Encoding.DER, spki)
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + LIFE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
