# SPDX-License-Identifier: Apache-2.0
"""A host's certificate for HTTPS and CredSSP: signed by itself, as ``winrm quickconfig -transport:https`` has it."""

from __future__ import annotations

import datetime
import ipaddress
import os
import ssl
from pathlib import Path

from ..errors import DependencyError

YEARS = 10


def ensure_certificate(certificate: Path, key: Path, name: str) -> None:
    """Make the two PEM files where they are missing; the key is for the user alone. DependencyError without the
    package ``cryptography``."""
    if certificate.is_file() and key.is_file():
        return
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import rsa
        from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
    except ImportError as error:
        raise DependencyError("cannot make a host's certificate", why="the Python package cryptography is missing",
                              hint="pip install 'wcow[host]'") from error
    from ..files import write_whole

    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(made.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365 * YEARS))
        .add_extension(x509.SubjectAlternativeName([
            x509.DNSName(name), x509.DNSName("localhost"), x509.IPAddress(ipaddress.IPv4Address("127.0.0.1")),
            x509.IPAddress(ipaddress.IPv6Address("::1"))]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(made, hashes.SHA256()))
    write_whole(key, made.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                        serialization.NoEncryption()), mode=0o600)
    write_whole(certificate, signed.public_bytes(serialization.Encoding.PEM), mode=0o644)


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return the TLS context of a listener."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(os.fspath(certificate), os.fspath(key))
    return context
