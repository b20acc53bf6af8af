# SPDX-License-Identifier: Apache-2.0
"""``ssh://`` as docker has it: the system's ``ssh`` runs ``docker system dial-stdio`` there, whose stdin and stdout are
the connection (docker/cli ``cli/connhelper``). Keys, agents, jump hosts and known hosts are ssh's affair."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import socket
import subprocess
import tempfile
import threading
from typing import BinaryIO, cast

from ...errors import ToolError
from .address import Address
from .duplex import SocketDuplex, Timed, Watched

CONNECT_SECONDS = 30
_END_SECONDS = 2.0
_TOLD = 4096


def command(address: Address) -> list[str]:
    """The command line, as docker writes it."""
    line = ["ssh", "-o", f"ConnectTimeout={CONNECT_SECONDS}", "-T"]
    line += ["-l", address.user] if address.user else []
    line += ["-p", str(address.port)] if address.port else []
    place = ["--host", shlex.quote(f"unix://{address.path}")] if address.path else []
    return [*line, "--", address.name, "docker", *place, "system", "dial-stdio"]


def dial(address: Address) -> Timed:
    """Start ssh. ToolError when there is none; what ssh itself says comes with the first call that fails."""
    line = command(address)
    program = shutil.which(line[0])
    if program is None:
        raise ToolError(f"cannot reach an engine at {address}", program="ssh", why="there is no program ssh",
                        hint="install OpenSSH's client")
    told = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115
    try:
        if hasattr(socket, "AF_UNIX"):
            return _over_sockets([program, *line[1:]], told, str(address))
        return Watched(_Pipes([program, *line[1:]], told, str(address)))
    except OSError as error:
        told.close()
        raise ToolError(f"cannot reach an engine at {address}", program="ssh", why=error.strerror or str(error)) \
            from error


def _over_sockets(line: list[str], told: BinaryIO, host: str) -> _Sockets:
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            # A session of its own: Ctrl-C at the terminal is for us, and we end it.
            process = subprocess.Popen(line, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=told,
                                       start_new_session=True)
    except BaseException:
        ours.close()
        raise
    return _Sockets(ours, _Process(process, told, host))


class _Process:
    """The running ssh, and what it said on stderr."""

    def __init__(self, process: subprocess.Popen[bytes], told: BinaryIO, host: str) -> None:
        self.process = process
        self._told = told
        self._host = host
        self._lock = threading.Lock()
        self._said = ""

    def why_ended(self) -> str:
        """Its exit code and the end of what it said; empty when it goes on running or ended well."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self.process.wait(_END_SECONDS)
            if code:
                said = self._words()
                return f"ssh ended with {code}" + (f": {said}" if said else "")
        return ""

    def stop(self) -> None:
        """End it, and wait for that."""
        with self._lock:
            if self.process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(0.1)  # it ends with its input
                if self.process.poll() is None:
                    self.process.kill()
            self.process.wait()
            self._words()
            self._told.close()

    def _words(self) -> str:
        if not self._told.closed:
            with contextlib.suppress(OSError):  # the words are for an error that is told in any case
                size = self._told.seek(0, 2)
                self._told.seek(max(size - _TOLD, 0))
                self._said = " ".join(self._told.read().decode("utf-8", "replace").split())
        return self._said


class _Sockets(SocketDuplex):
    """ssh with one socket for its stdin and stdout."""

    def __init__(self, sock: socket.socket, process: _Process) -> None:
        super().__init__(sock)
        self._process = process
        self._heard = False

    def send(self, data: bytes | bytearray | memoryview, /) -> None:
        try:
            super().send(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise _ended(error, self._process) from error

    def receive(self, size: int, /) -> bytes:
        try:
            data = super().receive(size)
        except ConnectionResetError as error:  # it ended and left what we sent unread
            raise _ended(error, self._process) from error
        self._heard = self._heard or bool(data)
        if not data and not self._heard and (why := self._process.why_ended()):
            raise ConnectionAbortedError(why)
        return data

    def close(self) -> None:
        super().close()
        self._process.stop()


class _Pipes:
    """ssh with two pipes, where a process does not take a socket (Windows)."""

    def __init__(self, line: list[str], told: BinaryIO, host: str) -> None:
        process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=told, bufsize=0)
        self._process = _Process(process, told, host)

    def send(self, data: bytes | bytearray | memoryview, /) -> None:
        pipe = self._process.process.stdin
        assert pipe is not None
        view = memoryview(data)
        try:
            while view:
                view = view[pipe.write(view):]
        except (BrokenPipeError, ValueError) as error:
            raise _ended(BrokenPipeError("ssh has ended"), self._process) from error

    def receive(self, size: int, /) -> bytes:
        pipe = self._process.process.stdout
        assert pipe is not None
        try:
            data = pipe.read(size)
        except ValueError:  # closed by another thread: the same as the end
            data = b""
        if not data and (why := self._process.why_ended()):
            raise ConnectionAbortedError(why)
        return data

    def end(self) -> None:
        pipe = self._process.process.stdin
        assert pipe is not None
        with contextlib.suppress(OSError):  # ssh has ended: reading tells why
            pipe.close()

    def close(self) -> None:
        self.end()
        if self._process.process.poll() is None:
            self._process.process.kill()  # wakes a thread that reads
        self._process.stop()
        pipe = self._process.process.stdout
        assert pipe is not None
        with contextlib.suppress(OSError):  # it is closed already
            pipe.close()


def _ended(error: OSError, process: _Process) -> OSError:
    why = process.why_ended()
    return ConnectionAbortedError(why) if why else error
