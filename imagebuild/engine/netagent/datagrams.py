# SPDX-License-Identifier: Apache-2.0
"""Published UDP ports: each client outside gets a socket of its own inside, so that answers find their way back."""

from __future__ import annotations

import socket
import time
from contextlib import suppress

from .loop import READ, Loop

IDLE_SECONDS = 90.0
MOST_CLIENTS = 1024
_BATCH = 64


class UdpPort:
    """Reads from ``outside`` (ours from now on) and sends to ``target``."""

    def __init__(self, loop: Loop, outside: socket.socket, target: tuple[str, int]) -> None:
        self._loop = loop
        self._outside = outside
        self._target = target
        self._clients: dict[tuple[str, int], tuple[socket.socket, float]] = {}
        outside.setblocking(False)
        loop.want(outside, READ, self._from_outside)
        loop.every_tick(self._tick)

    def close(self) -> None:
        """Carry nothing more."""
        self._loop.forget(self._outside)
        self._loop.no_more_ticks(self._tick)
        for inside, _unused in self._clients.values():
            self._loop.forget(inside)
        self._clients.clear()

    def _from_outside(self, _unused: int) -> None:
        for _unused in range(_BATCH):
            try:
                data, client = self._outside.recvfrom(65535)
            except OSError:  # nothing more waits
                return
            inside = self._inside(client)
            if inside:
                with suppress(OSError):  # nobody listens there now
                    inside.send(data)

    def _inside(self, client: tuple[str, int]) -> socket.socket | None:
        known = self._clients.get(client)
        if known:
            inside = known[0]
        else:
            if len(self._clients) >= MOST_CLIENTS:
                self._drop(min(self._clients, key=lambda one: self._clients[one][1]))
            try:
                inside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
                inside.connect(self._target)
            except OSError:  # datagrams may be lost: the sender asks again
                return None
            self._loop.want(inside, READ, lambda _unused: self._from_inside(client, inside))
        self._clients[client] = (inside, time.monotonic())
        return inside

    def _from_inside(self, client: tuple[str, int], inside: socket.socket) -> None:
        for _unused in range(_BATCH):
            try:
                data = inside.recv(65535)
            except OSError:  # datagrams may be lost: the sender asks again
                return
            self._clients[client] = (inside, time.monotonic())
            with suppress(OSError):  # datagrams may be lost: the sender asks again
                self._outside.sendto(data, client)

    def _drop(self, client: tuple[str, int]) -> None:
        self._loop.forget(self._clients.pop(client)[0])

    def _tick(self, now: float) -> None:
        for client in [client for client, (_unused, used) in self._clients.items() if now - used > IDLE_SECONDS]:
            self._drop(client)
