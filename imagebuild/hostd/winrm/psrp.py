# SPDX-License-Identifier: Apache-2.0
"""PowerShell's remoting protocol as far as a carrier needs it: fragments, and the packets of ``pwsh -s``.

WS-Management and ``-s`` carry the same fragments (MS-PSRP 2.2.4): here in base64 in an envelope, there in base64 in a
line of XML. A message is cut into fragments; which one a fragment belongs to, and what the message is, stands at its
beginning.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...errors import FormatError
from .envelope import xml

POOL = "00000000-0000-0000-0000-000000000000"
"""The identifier that stands for the runspace pool itself in packets of ``-s``."""
SESSION_CAPABILITY = 0x00010002
INIT_RUNSPACEPOOL = 0x00010004
RUNSPACEPOOL_STATE = 0x00021005
RUNSPACEPOOL_INIT_DATA = 0x0002100B
CONNECT_RUNSPACEPOOL = 0x00010008
CREATE_PIPELINE = 0x00021006
PIPELINE_STATE = 0x00041006

_FRAGMENT = struct.Struct(">QQBI")
_MESSAGE = struct.Struct("<II16s16s")
_START, _END = 1, 2
_STATE = re.compile(rb'<I32 N="PipelineState">(\d{1,2})</I32>')
_OVER = frozenset((3, 4, 5))  # stopped, completed, failed
LARGEST = 64 << 20
"""Bytes of a message that is put together here (states and capabilities: small ones)."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """A part of a message, with the bytes it was read from."""

    object: int
    number: int
    start: bool
    end: bool
    data: bytes
    raw: bytes


def fragments(data: bytes) -> Iterator[Fragment]:
    """Yield the fragments that lie one after the other; FormatError for what is cut."""
    at = 0
    while at < len(data):
        if len(data) - at < _FRAGMENT.size:
            raise FormatError("a PSRP fragment is cut", offset=at)
        identity, number, flags, size = _FRAGMENT.unpack_from(data, at)
        end = at + _FRAGMENT.size + size
        if end > len(data):
            raise FormatError("a PSRP fragment is cut", offset=at, why=f"it says {size} bytes, "
                              f"{len(data) - at - _FRAGMENT.size} are there")
        yield Fragment(identity, number, bool(flags & _START), bool(flags & _END), data[at + _FRAGMENT.size:end],
                       data[at:end])
        at = end


@dataclass(frozen=True, slots=True)
class Message:
    """A whole message: its type (MS-PSRP 2.2.1), pool and pipeline identifiers, data, and its fragments' bytes."""

    type: int
    pool: bytes
    pipeline: bytes
    data: bytes
    raw: bytes


@dataclass(slots=True)
class Assembler:
    """Puts messages of some types together as their fragments pass, and lets all others go by."""

    wanted: frozenset[int]
    _parts: dict[int, list[Fragment]] = field(default_factory=dict)

    def feed(self, fragment: Fragment) -> Message | None:
        """Take a fragment; return the message that it ends, if that is one of the wanted."""
        if fragment.start:
            self._parts.pop(fragment.object, None)
            if len(fragment.data) < _MESSAGE.size or _MESSAGE.unpack_from(fragment.data)[1] not in self.wanted:
                return None
            self._parts[fragment.object] = []
        parts = self._parts.get(fragment.object)
        if parts is None:
            return None
        parts.append(fragment)
        if sum(len(part.data) for part in parts) > LARGEST:
            del self._parts[fragment.object]
            return None
        if not fragment.end:
            return None
        del self._parts[fragment.object]
        whole = b"".join(part.data for part in parts)
        _unused, kind, pool, pipeline = _MESSAGE.unpack_from(whole)
        return Message(kind, pool, pipeline, whole[int(_MESSAGE.size):], b"".join(part.raw for part in parts))


def fragment(identity: int, message: bytes) -> bytes:
    """Return a message as one fragment."""
    return _FRAGMENT.pack(identity, 0, _START | _END, len(message)) + message


def message(kind: int, pool: bytes, data: bytes, pipeline: bytes = bytes(16)) -> bytes:
    """Return a message to the client (destination 1)."""
    return _MESSAGE.pack(1, kind, pool, pipeline) + data


def request(kind: int, pool: bytes, data: bytes, pipeline: bytes = bytes(16)) -> bytes:
    """Return a message to the server (destination 2)."""
    return _MESSAGE.pack(2, kind, pool, pipeline) + data


def is_over(state: Message) -> bool:
    """Return whether a PIPELINE_STATE says that the pipeline has ended."""
    found = _STATE.search(state.data[:1 << 16])
    return found is not None and int(found[1]) in _OVER


@dataclass(frozen=True, slots=True)
class Packet:
    """A line of ``-s``: its name (Data, DataAck, Command, CommandAck, Close, CloseAck, Signal, SignalAck), the pipeline
    it is for in upper case (:data:`POOL` for the pool), the stream (Default or PromptResponse) and its fragments."""

    name: str
    pipeline: str
    stream: str = ""
    data: bytes = b""

    def line(self) -> bytes:
        """Return it as ``-s`` reads it, with the line's end."""
        stream = f" Stream='{self.stream}'" if self.stream else ""
        head = f"<{self.name}{stream} PSGuid='{self.pipeline.lower()}'"
        body = f">{base64.b64encode(self.data).decode()}</{self.name}>\n" if self.data else " />\n"
        return (head + body).encode()


def packet(line: bytes) -> Packet:
    """Read a line that ``-s`` has written; FormatError for any other line."""
    read = xml.parse(line)
    try:
        data = base64.b64decode(read.text.strip(), validate=True)
    except binascii.Error:
        raise FormatError("a packet's data is not base64", source=read.name[1]) from None
    return Packet(read.name[1], read.attributes.get(("", "PSGuid"), "").upper(),
                  read.attributes.get(("", "Stream"), ""), data)
