# SPDX-License-Identifier: Apache-2.0
"""A certificate authority that lives as long as its object: the proxy of downloads shows programs certificates of it.

Its key is nowhere but in memory; the keys of hosts are on the disk for the moment in which OpenSSL reads them.
"""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...errors import DependencyError
from ...files import scratch

YEARS = 10
_FIRST = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
"""Certificates are valid from then on: the clock of a build may be set back."""


class Authority:
    """Signs a certificate for each host that is asked for. DependencyError without the package ``cryptography``."""

    def __init__(self, name: str = "wcow downloads") -> None:
        try:
            from cryptography import x509
            from cryptography.hazmat.primitives import serialization
            from cryptography.hazmat.primitives.asymmetric import ec
        except ImportError as error:
            raise DependencyError("cannot read what a RUN downloads by https",
                                  why="the Python package cryptography is missing",
                                  hint="pip install 'wcow[host]'", package="cryptography") from error
        self._lock = threading.Lock()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._host_key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        made = _builder(self._name, self._name, self._key.public_key())
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
        self._certificate = _signed(made, self._key)
        self.pem: bytes = self._certificate.public_bytes(serialization.Encoding.PEM)
        """The authority's certificate, for programs to trust."""

    def context(self, host: str) -> ssl.SSLContext:
        """The TLS context of a server with this name or address, for HTTP."""
        with self._lock:
            if host not in self._contexts:
                self._contexts[host] = self._made(host)
            return self._contexts[host]

    def _made(self, host: str) -> ssl.SSLContext:
        from cryptography import x509
        from cryptography.hazmat.primitives import serialization
        from cryptography.x509.oid import ExtendedKeyUsageOID

        name: Any = x509.DNSName(host)
        with suppress(ValueError):  # a name, and no address
            name = x509.IPAddress(ipaddress.ip_address(host))
        made = _builder(_named(host[:64]), self._name, self._host_key.public_key())
        made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        made = made.add_extension(x509.SubjectAlternativeName([name]), critical=False)
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        made = made.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        certificate = _signed(made, self._key).public_bytes(serialization.Encoding.PEM)
        key = self._host_key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                           serialization.NoEncryption())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        with scratch("wcow-certificate-") as folder:
            path = Path(folder) / "host.pem"
            path.touch(0o600)
            path.write_bytes(key + certificate + self.pem)
            context.load_cert_chain(path)
        return context


def _named(text: str) -> Any:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(subject: Any, issuer: Any, key: Any) -> Any:
    from cryptography import x509

    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=365 * YEARS)
    return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
            .serial_number(x509.random_serial_number()).not_valid_before(_FIRST).not_valid_after(end))


def _signed(builder: Any, key: Any) -> Any:
    from cryptography.hazmat.primitives import hashes

    return builder.sign(key, hashes.SHA256())


__all__ = ["Authority"]
