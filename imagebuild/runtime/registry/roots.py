# SPDX-License-Identifier: Apache-2.0
"""The certificates that programs of a box trust: those of this machine, or of a file that was named.

They go into the box as one file, which ``programs/roots.c`` reads, in the form in which Windows keeps certificates in
its registry: under the SHA-1 of each, a value with properties, of which the certificate itself (number 32,
``CERT_CERT_PROP_ID`` in ``wincrypt.h``) is the only one here. Source of that form: Wine's ``dlls/crypt32/serialize.c``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct
from pathlib import Path

from ...errors import UsageError

MACHINE = (Path("/etc/ssl/certs/ca-certificates.crt"), Path("/etc/pki/tls/certs/ca-bundle.crt"))
"""Where Linux distributions keep the roots of a machine: Debian's, Fedora's."""
PACKAGE = "ca-certificates"
GAP = f"no certificate is trusted: this machine has no {MACHINE[0]} (install the Debian package {PACKAGE}, or start " \
      "with --ca FILE)"
MOST = 8 << 20
"""Bytes that launcher.exe reads."""

_PEM = re.compile(rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----([A-Za-z0-9+/=\s]{1,65536})-----END ")
_CERTIFICATE = 32


def of_machine() -> Path | None:
    """The file with this machine's roots; ``None`` where there is none."""
    return next((path for path in MACHINE if path.is_file()), None)


def read(path: Path) -> bytes:
    """The certificates of a PEM file as launcher.exe takes them. UsageError for a file that has none, or too many."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the certificates in {path}", why=error.strerror or str(error)) from error
    packed = pack(data)
    if not packed:
        raise UsageError(f"cannot read the certificates in {path}", why="no certificate is in it",
                         hint="it takes PEM: -----BEGIN CERTIFICATE-----")
    if len(packed) > MOST:
        raise UsageError(f"cannot take the certificates in {path}", why=f"they have {len(packed)} bytes, {MOST} are "
                         "possible")
    return packed


def pack(pem: bytes) -> bytes:
    """Each certificate of a text once, in its order; what is no base64 is passed over."""
    out: dict[str, bytes] = {}
    for found in _PEM.finditer(pem):
        try:
            certificate = base64.b64decode(b"".join(found[1].split()), validate=True)
        except binascii.Error:
            continue
        value = struct.pack("<III", _CERTIFICATE, 1, len(certificate)) + certificate
        name = hashlib.sha1(certificate, usedforsecurity=False).hexdigest().upper()
        out.setdefault(name, f"{name}{len(value):08X}".encode() + value)
    return b"".join(out.values())
