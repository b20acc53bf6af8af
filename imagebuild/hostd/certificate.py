# SPDX-License-Identifier: Apache-2.0
"""A host's certificate for HTTPS and CredSSP: signed by itself, as ``winrm quickconfig -transport:https`` has it."""

from __future__ import annotations

import datetime
import ipaddress
import os
import ssl
from pathlib import Path

from ..errors import DependencyError, ToolError

YEARS = 10


_UPN = "1.3.6.1.4.1.311.20.2.3"


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


def server_context(certificate: Path, key: Path, authority: Path | None = None) -> ssl.SSLContext:
    """Return the TLS context of a listener, which takes clients' certificates that an ``authority`` (PEM) has signed.
    ToolError where its file cannot be read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(os.fspath(certificate), os.fspath(key))
    if authority is not None:
        try:
            context.load_verify_locations(authority)
        except OSError as error:  # ssl.SSLError is one
            raise ToolError(f"cannot read the authority of clients' certificates, {authority}", program="wcow host",
                            why=error.strerror or str(error), hint="--client-ca takes a certificate as PEM") from error
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def certificate_user(certificate: bytes) -> str:
    """Return the account that a client's certificate (DER) is for: its user principal name without the domain, as
    Windows maps it, or else its common name; empty where it has neither."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    read = x509.load_der_x509_certificate(certificate)
    try:
        others = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
            x509.OtherName)
    except x509.ExtensionNotFound:
        others = []
    for one in others:
        if one.type_id.dotted_string == _UPN:  # a UTF8String (0x0c) with a length of one byte
            return one.value[2:].decode("utf-8", "replace").partition("@")[0] if one.value[:1] == b"\x0c" else ""
    names = read.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""
