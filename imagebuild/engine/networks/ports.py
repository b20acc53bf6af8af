# SPDX-License-Identifier: Apache-2.0
"""Ports as clients write them: ``80/tcp`` in a container, ``8080`` or ``8000-8010`` on this machine."""

from __future__ import annotations

DEFAULT_PROTOCOL = "tcp"


def is_number(text: str) -> bool:
    """Whether a text is the number of a port, from 0 to 65535, in ASCII digits: Python's ``isdigit`` and ``int`` know
    more digits than Go does, and not the same ones."""
    return text.isascii() and text.isdigit() and len(text) < 20 and int(text) < 1 << 16


def container_port(text: str) -> tuple[int, str] | None:
    """Number and protocol of ``80/tcp``, ``80`` or ``80/udp``; ``None`` for what has no number that a port can have."""
    number, _unused, protocol = text.partition("/")
    return (int(number), protocol or DEFAULT_PROTOCOL) if is_number(number) else None


def host_range(text: str) -> tuple[int, int] | None:
    """First and last of ``8000-8010``, twice the same of ``8080``; (0, 0) of nothing, which is any free port. A
    protocol behind it is passed over (go-connections ``nat.SplitProtoPort``). ``None`` for what is none of these."""
    text = text.partition("/")[0]
    if not text:
        return 0, 0
    first, dash, last = text.partition("-")
    last = last if dash else first
    if not (is_number(first) and is_number(last)) or int(first) > int(last):
        return None
    return int(first), int(last)
