# SPDX-License-Identifier: Apache-2.0
"""Containers find each other by name: what a DNS query asks, and what is answered (RFC 1035). Bytes and values only."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass

A, PTR, AAAA, ANY = 1, 12, 28, 255
_IN = 1
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP = 0, 1, 2, 3, 4
TTL = 600
"""As moby's resolver answers (libnetwork/resolver.go)."""
MOST_ADDRESSES = 25
"""So many fit into 512 bytes with the longest of names that one asks for."""


@dataclass(frozen=True, slots=True)
class Query:
    """One question. ``name`` is in lower case without a dot at its end; ``question`` its bytes."""

    number: int
    flags: int
    name: str
    kind: int
    question: bytes


def parse(data: bytes) -> Query | None:
    """A query with one question of the Internet's class; ``None`` for everything else."""
    if len(data) < 17:
        return None
    number, flags, questions = struct.unpack_from("!HHH", data)
    if flags & 0xF800 or questions != 1:  # an answer, or another operation than a query
        return None
    labels, at = [], 12
    while at < len(data) and data[at]:
        size = data[at]
        if size > 63 or at + 1 + size >= len(data) or at > 12 + 255:
            return None
        labels.append(data[at + 1:at + 1 + size])
        at += 1 + size
    if at + 5 > len(data):
        return None
    kind, group = struct.unpack_from("!HH", data, at + 1)
    if group != _IN or not labels:
        return None
    name = b".".join(labels).decode("utf-8", "replace").lower()
    return Query(number, flags, name, kind, data[12:at + 5])


def _head(query: Query, code: int, answers: int) -> bytes:
    answer, recursion, available = 0x8000, query.flags & 0x0100, 0x0080
    flags = answer | recursion | available | code
    return struct.pack("!HHHHHH", query.number, flags, 1, answers, 0, 0) + query.question


def fail(query: Query, code: int) -> bytes:
    """An answer without records: ``NXDOMAIN``, or ``NOERROR`` for a name that is known but not with this kind."""
    return _head(query, code, 0)


def addresses(query: Query, found: Sequence[str]) -> bytes:
    """A records, in an order that changes so that all of a shared alias have their turn."""
    chosen = random.sample(list(found), min(len(found), MOST_ADDRESSES))
    records = [struct.pack("!HHHIH", 0xC00C, A, _IN, TTL, 4) + bytes(map(int, one.split("."))) for one in chosen]
    return _head(query, NOERROR, len(chosen)) + b"".join(records)


def pointer(query: Query, name: str) -> bytes:
    """A PTR record: the name of an address."""
    data = b"".join(bytes([len(label)]) + label for label in name.encode().split(b".") if label) + b"\0"
    return _head(query, NOERROR, 1) + struct.pack("!HHHIH", 0xC00C, PTR, _IN, TTL, len(data)) + data


def reversed_address(name: str) -> str:
    """``2.0.28.172.in-addr.arpa`` → ``172.28.0.2``; empty for other names."""
    address, found, rest = name.partition(".in-addr.arpa")
    parts = address.split(".")
    return ".".join(reversed(parts)) if found and not rest and len(parts) == 4 else ""
