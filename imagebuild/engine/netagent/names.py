# SPDX-License-Identifier: Apache-2.0
"""The networks' DNS servers: one on each bridge, answering what containers of the same networks may know."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from . import dns
from .loop import READ, Loop

PORT = 53
UPSTREAM_SECONDS = 10.0
MOST_WAITING = 4096
_BATCH = 64


@dataclass(frozen=True, slots=True)
class Member:
    """A container in a network: its address there, the names it has, the first of them its own, and ``links``: names
    that only it has for others there, in lower case."""

    container: str
    address: str
    names: tuple[str, ...]
    links: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Waiting:
    server: socket.socket
    client: tuple[str, int]
    number: bytes
    until: float


class Directory:
    """Who is in which network (by the number of its bridge)."""

    def __init__(self) -> None:
        self._networks: dict[int, dict[str, Member]] = {}

    def add(self, network: int, member: Member) -> None:
        """A container joined."""
        self._networks.setdefault(network, {})[member.address] = member

    def remove(self, network: int, address: str) -> None:
        """A container left."""
        self._networks.get(network, {}).pop(address, None)

    def drop(self, network: int) -> None:
        """The network is gone."""
        self._networks.pop(network, None)

    def _visible(self, network: int, asker: str) -> Iterator[tuple[Member | None, list[Member]]]:
        """The networks of the container that asks from an address: it may be in more than the one it asks. Of each what
        it is itself there, and all members."""
        me = self._networks.get(network, {}).get(asker)
        for number, members in self._networks.items():
            mine = next((one for one in members.values() if me and one.container == me.container), None)
            if number == network or mine:
                yield mine, list(members.values())

    def addresses(self, network: int, asker: str, name: str) -> list[str]:
        """Where a name (lower case) is, for a container in ``network`` that asks from an address. A link of its own
        wins over the names that others have."""
        out: list[str] = []
        for mine, members in self._visible(network, asker):
            wanted = mine.links.get(name, name).lower() if mine else name
            out += [one.address for one in members if wanted in map(str.lower, one.names)]
        return out

    def name(self, network: int, asker: str, address: str) -> str:
        """Which container has an address; empty: none that may be known."""
        return next((one.names[0] for _unused, members in self._visible(network, asker) for one in members
                     if one.address == address and one.names), "")


class NameServer:
    """Answers on every bridge; what it does not know it asks the machine's resolver, where that was allowed."""

    def __init__(self, loop: Loop, directory: Directory) -> None:
        self._loop = loop
        self._directory = directory
        self._servers: dict[int, socket.socket] = {}
        self._outside: socket.socket | None = None
        self._resolvers: tuple[str, ...] = ()
        self._waiting: dict[bytes, _Waiting] = {}
        loop.every_tick(self._tick)

    def serve(self, network: int, address: str) -> None:
        """Answer on a bridge's address."""
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            server.bind((address, PORT))
        except OSError:
            server.close()
            raise
        self._servers[network] = server
        self._loop.want(server, READ, lambda _unused: self._asked(network, server))

    def stop(self, network: int) -> None:
        """The bridge goes away."""
        server = self._servers.pop(network, None)
        if server:
            self._loop.forget(server)

    def forward(self, outside: socket.socket, resolvers: Sequence[str]) -> None:
        """Ask the machine's resolvers through a socket that was opened outside (ours from now on)."""
        outside.setblocking(False)
        self._outside, self._resolvers = outside, tuple(resolvers)
        self._loop.want(outside, READ, self._answered)

    def _asked(self, network: int, server: socket.socket) -> None:
        for _unused in range(_BATCH):
            try:
                data, client = server.recvfrom(4096)
            except OSError:  # nothing more waits, or the asker has gone: it asks again
                return
            query = dns.parse(data)
            if query is None:
                continue
            answer = self._known(network, client[0], query)
            if answer is None and not self._ask(server, client, data):
                answer = dns.fail(query, dns.NXDOMAIN)
            if answer is not None:
                with suppress(OSError):  # nothing more waits, or the asker has gone: it asks again
                    server.sendto(answer, client)

    def _known(self, network: int, asker: str, query: dns.Query) -> bytes | None:
        if query.kind == dns.PTR:
            name = self._directory.name(network, asker, dns.reversed_address(query.name))
            return dns.pointer(query, name) if name else None
        found = self._directory.addresses(network, asker, query.name)
        if not found:
            return None
        return dns.addresses(query, found) if query.kind in (dns.A, dns.ANY) else dns.fail(query, dns.NOERROR)

    def _ask(self, server: socket.socket, client: tuple[str, int], data: bytes) -> bool:
        if self._outside is None or len(self._waiting) >= MOST_WAITING:
            return False
        number = secrets.token_bytes(2)
        while number in self._waiting:
            number = secrets.token_bytes(2)
        self._waiting[number] = _Waiting(server, client, data[:2], time.monotonic() + UPSTREAM_SECONDS)
        sent = False
        for resolver in self._resolvers:  # all at once: the first answer counts, none is waited for
            with suppress(OSError):
                self._outside.sendto(number + data[2:], (resolver, PORT))
                sent = True
        if not sent:
            del self._waiting[number]
        return sent

    def _answered(self, _unused: int) -> None:
        if self._outside is None:
            return
        for _unused in range(_BATCH):
            try:
                data, resolver = self._outside.recvfrom(65535)
            except OSError:  # nothing more waits, or the asker has gone: it asks again
                return
            waiting = self._waiting.get(data[:2]) if resolver[0] in self._resolvers else None
            if waiting:
                del self._waiting[data[:2]]
                with suppress(OSError):  # nothing more waits, or the asker has gone: it asks again
                    waiting.server.sendto(waiting.number + data[2:], waiting.client)

    def _tick(self, now: float) -> None:
        for number in [number for number, one in self._waiting.items() if one.until < now]:
            del self._waiting[number]
