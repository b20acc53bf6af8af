# SPDX-License-Identifier: Apache-2.0
"""Published TCP ports: connections to a socket outside go on to a container inside, each direction ended by itself."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

from .loop import READ, WRITE, Loop, Ready

PIECE = 1 << 20  # a pipe has a place for each fragment: of a smaller one too much is switched
MOST_SPARE = 16
_ABORT = struct.pack("ii", 1, 0)
_NOW = 3
"""SPLICE_F_MOVE and SPLICE_F_NONBLOCK."""

Pipe = tuple[int, int]
_PIPES: list[Pipe] = []  # empty ones, for the next that needs one


def _take_pipe() -> Pipe:
    if _PIPES:
        return _PIPES.pop()
    pipe = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    with suppress(OSError):  # this user has many large ones already; a small one carries everything, too
        fcntl.fcntl(pipe[0], fcntl.F_SETPIPE_SZ, PIECE)
    return pipe


class TcpPort:
    """Accepts on ``listener`` (ours from now on) and connects to ``target``, both in the loop."""

    def __init__(self, loop: Loop, listener: socket.socket, target: tuple[str, int]) -> None:
        self._loop = loop
        self._listener = listener
        self._target = target
        self._pairs: set[Pair] = set()
        self._paused = False
        listener.setblocking(False)
        loop.want(listener, READ, self._accept)
        loop.every_tick(self._resume)

    def close(self) -> None:
        """Accept nothing more and cut what is connected."""
        self._loop.forget(self._listener)
        self._loop.no_more_ticks(self._resume)
        for pair in list(self._pairs):
            pair.abort()

    def _accept(self, _unused: int) -> None:
        for _unused in range(32):
            try:
                client, _address = self._listener.accept()
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    self._paused = True  # else the loop would spin on a queue it cannot take from
                    self._loop.want(self._listener, 0, self._accept)
                return
            try:
                server = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            except OSError:  # no descriptor is free: the client sees its connection end
                client.close()
                return
            pair = Pair(self._loop, client, server, self._pairs.discard)
            self._pairs.add(pair)
            pair.connect(self._target)

    def _resume(self, _unused: float) -> None:
        if self._paused and self._listener.fileno() >= 0:
            self._paused = False
            self._loop.want(self._listener, READ, self._accept)


class _Way:
    """One direction: how much was read and could not be written yet, and how far the end has come.

    Bytes go from socket to socket through a pipe (``splice(2)``), three times as fast as through memory of ours. A way
    has a pipe only while something is in it.
    """

    __slots__ = ("ended", "pending", "pipe", "shut", "sink", "source")

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self.source = source
        self.sink = sink
        self.pipe: Pipe | None = None
        self.pending = 0
        self.ended = False  # the source will send nothing more
        self.shut = False  # ... and the sink was told

    def read(self) -> None:
        """One piece from the source to the sink, as far as it takes it."""
        pipe = self.pipe = self.pipe or _take_pipe()
        with suppress(BlockingIOError):
            self.pending = os.splice(self.source.fileno(), pipe[1], PIECE, flags=_NOW)
            self.ended = self.pending == 0
        self.write()

    def write(self) -> None:
        """What is in the pipe."""
        if self.pipe and self.pending:
            with suppress(BlockingIOError):
                self.pending -= os.splice(self.pipe[0], self.sink.fileno(), self.pending, flags=_NOW)
        if not self.pending:
            self.drop()
        self._finish()

    def drop(self) -> None:
        """Give the pipe back, or up, with what is in it."""
        if self.pipe:
            if self.pending or len(_PIPES) >= MOST_SPARE:
                os.close(self.pipe[0])
                os.close(self.pipe[1])
            else:
                _PIPES.append(self.pipe)
            self.pipe = None

    def _finish(self) -> None:
        if self.ended and not self.pending and not self.shut:
            self.shut = True
            with suppress(OSError):  # the reader has gone: writing tells of it
                self.sink.shutdown(socket.SHUT_WR)


class Pair:
    """Two sockets that are one connection. ``gone`` is called once, when both ends are closed."""

    def __init__(self, loop: Loop, client: socket.socket, server: socket.socket, gone: Callable[[Pair], None]) -> None:
        self._loop = loop
        self._client = client
        self._server = server
        self._gone = gone
        self._ways = (_Way(client, server), _Way(server, client))
        for sock in (client, server):
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connect(self, target: tuple[str, int]) -> None:
        """Begin to connect to the container."""
        code = self._server.connect_ex(target)
        if code in (0, errno.EINPROGRESS):
            self._loop.want(self._server, WRITE, self._connected)
        else:
            self.abort()

    def abort(self) -> None:
        """Cut it: the client sees a reset, as from a port that nobody listens on."""
        with suppress(OSError):
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        self._close()

    def _connected(self, _unused: int) -> None:
        if self._server.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.abort()
            return
        self._loop.want(self._server, READ, self._server_ready)
        self._loop.want(self._client, READ, self._client_ready)

    def _client_ready(self, events: int) -> None:
        self._move(self._ways[0], self._ways[1], events)

    def _server_ready(self, events: int) -> None:
        self._move(self._ways[1], self._ways[0], events)

    def _move(self, outgoing: _Way, incoming: _Way, events: int) -> None:
        """A socket is ready: it is the source of ``outgoing`` and the sink of ``incoming``."""
        try:
            if events & WRITE and incoming.pending:
                incoming.write()
            if events & READ and not outgoing.ended and not outgoing.pending:
                outgoing.read()
        except OSError:  # a reset; the other side gets one too
            self.abort()
            return
        if self._ways[0].shut and self._ways[1].shut:
            self._close()
            return
        self._watch(self._client, self._ways[0], self._ways[1], self._client_ready)
        self._watch(self._server, self._ways[1], self._ways[0], self._server_ready)

    def _watch(self, sock: socket.socket, outgoing: _Way, incoming: _Way, ready: Ready) -> None:
        events = (0 if outgoing.ended or outgoing.pending else READ) | (WRITE if incoming.pending else 0)
        self._loop.want(sock, events, ready)

    def _close(self) -> None:
        for way in self._ways:
            way.drop()
        self._loop.forget(self._client)
        self._loop.forget(self._server)
        self._gone(self)
