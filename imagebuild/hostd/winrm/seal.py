# SPDX-License-Identifier: Apache-2.0
"""Encrypted messages over HTTP (MS-WSMV 2.2.9.1): ``multipart/encrypted`` around what NTLM and its sisters seal."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from ...errors import FormatError

BOUNDARY = "Encrypted Boundary"
PROTOCOLS = {"negotiate": "application/HTTP-SPNEGO-session-encrypted",
             "kerberos": "application/HTTP-Kerberos-session-encrypted",
             "credssp": "application/HTTP-CredSSP-session-encrypted"}
#: CredSSP seals by TLS records, which hold 16 KiB.
CREDSSP_PART = 16384

Unseal = Callable[[bytes, bytes], bytes]
"""(signature, sealed) to plain."""
Seal = Callable[[bytes], tuple[bytes, bytes]]
"""plain to (signature, sealed)."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A body that was encrypted: its type, by which the answer is made, and the bytes that came out of it."""

    content_type: str
    plain: bytes


def is_sealed(content_type: str) -> bool:
    """Return whether a body with that Content-Type is encrypted."""
    return content_type.lower().lstrip().startswith(("multipart/encrypted", "multipart/x-multi-encrypted"))


def unseal(body: bytes, unseal_part: Unseal) -> bytes:
    """Return the plain text of a body; FormatError for one that is laid out in another way. Errors of ``unseal_part``
    pass through."""
    marker = f"--{BOUNDARY}".encode()
    parts = body.split(marker + b"\r\n")
    if len(parts) < 3 or parts[0].strip() or len(parts) % 2 == 0:
        raise FormatError("not an encrypted message", why="its parts do not come in pairs")
    out = []
    for head, data in zip(parts[1::2], parts[2::2], strict=True):
        length = _length(head)
        _unused, separator, sealed = data.partition(b"application/octet-stream\r\n")
        if not separator:
            raise FormatError("not an encrypted message", why="a part has no data")
        sealed = sealed.removesuffix(marker + b"--\r\n").removesuffix(marker + b"--")
        if len(sealed) < 4:
            raise FormatError("not an encrypted message", why="a part is cut")
        size = struct.unpack_from("<I", sealed)[0]
        if size > len(sealed) - 4:
            raise FormatError("not an encrypted message", why="a signature is longer than its part")
        plain = unseal_part(sealed[4:4 + size], sealed[4 + size:])
        if len(plain) != length:
            raise FormatError("not an encrypted message", why=f"a part says {length} bytes and has {len(plain)}")
        out.append(plain)
    return b"".join(out)


def seal(plain: bytes, protocol: str, seal_part: Seal) -> tuple[str, bytes]:
    """Return the Content-Type and the body of an encrypted answer; ``protocol`` is a key of :data:`PROTOCOLS`."""
    kind = PROTOCOLS[protocol]
    size = CREDSSP_PART if protocol == "credssp" else max(len(plain), 1)
    pieces = [plain[at:at + size] for at in range(0, len(plain), size)]
    out = bytearray()
    for piece in pieces:
        signature, sealed = seal_part(piece)
        out += (f"--{BOUNDARY}\r\n\tContent-Type: {kind}\r\n\tOriginalContent: type=application/soap+xml;charset=UTF-8;"
                f"Length={len(piece)}\r\n--{BOUNDARY}\r\n\tContent-Type: application/octet-stream\r\n").encode()
        out += struct.pack("<I", len(signature)) + signature + sealed
    out += f"--{BOUNDARY}--\r\n".encode()
    several = "multipart/x-multi-encrypted" if len(pieces) > 1 else "multipart/encrypted"
    return f'{several};protocol="{kind}";boundary="{BOUNDARY}"', bytes(out)


def _length(head: bytes) -> int:
    """Return what ``OriginalContent: …;Length=N`` says."""
    for line in head.split(b"\r\n"):
        _unused, separator, number = line.partition(b"Length=")
        if separator and number.strip().isdigit() and len(number) < 12:
            return int(number)
    raise FormatError("not an encrypted message", why="a part does not say its length")
