# SPDX-License-Identifier: Apache-2.0
"""TLS between a client and an engine: contexts from PEM files, and a duplex whose two directions end by themselves.

``ssl.SSLSocket`` is not used: while one of its threads waits in ``recv`` another may not ``send``, and it cannot end
its own direction and go on reading, which an attached container's stdin needs. Here OpenSSL works on memory, under a
lock, and threads wait on the socket outside of it.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from pathlib import Path

from ...errors import NotFoundError, UsageError
from .duplex import SocketDuplex

_RECORDS = 64 << 10


def context(ca: str | Path | None, certificate: str | Path | None, key: str | Path | None, *,
            verify: bool = True) -> ssl.SSLContext:
    """A context of the files in ``DOCKER_CERT_PATH``: ``ca.pem``, ``cert.pem``, ``key.pem``. None for a file that is
    not used: without a CA the system's are trusted, without both others no certificate is shown.

    NotFoundError for a file that is not there, UsageError for one that is not what it should be.
    """
    what = "cannot speak TLS with an engine"
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.hostname_checks_common_name = False  # as Go: the name is among the certificate's alternative names
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    used = ca
    try:
        if not verify:
            made.check_hostname = False
            made.verify_mode = ssl.CERT_NONE
        elif ca is None:
            made.load_default_certs(ssl.Purpose.SERVER_AUTH)
        if ca is not None:
            made.load_verify_locations(cafile=str(ca))
        if certificate is not None and key is not None:
            used = f"{certificate} with {key}"
            made.load_cert_chain(certificate, key, password=_no_password)
    except FileNotFoundError as error:
        raise NotFoundError(what, why=f"there is no {error.filename or used}", cause="engine-tls",
                            hint="give the CA of the engine, our certificate and its key") from error
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(what, why=f"{used}: {why}", cause="engine-tls",
                         hint="give PEM files: the CA of the engine, our certificate, its key without a password",
                         ) from error
    return made


def _no_password() -> str:
    raise ValueError("the key is encrypted")


class TlsDuplex:
    """A TLS connection over a connected socket. One thread may receive while another sends."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, name: str) -> None:
        self._wire = SocketDuplex(sock)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=name)
        self._lock = threading.Lock()  # of OpenSSL's object
        self._writing = threading.Lock()  # of what goes out: records keep their order
        self._early = bytearray()  # decrypted before it was asked for
        self._ended = False
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush()
                self._feed()
            except ssl.SSLError:
                self._flush()  # the alert: the engine may want to log why
                raise
        self._flush()

    def send(self, data: bytes | bytearray | memoryview, /) -> None:
        """All of it."""
        view = memoryview(data)
        for start in range(0, len(view), _RECORDS):
            with self._writing:
                with self._lock:
                    if self._ended:
                        raise BrokenPipeError("this direction was ended")
                    self._tls.write(view[start:start + _RECORDS])
                    out = self._out.read()
                self._wire.send(out)

    def receive(self, size: int, /) -> bytes:
        """From one to ``size`` bytes; ``b""`` when the engine ended its direction."""
        while True:
            try:
                with self._lock:
                    if self._early:
                        data = bytes(self._early[:size])
                        del self._early[:size]
                        return data
                    return self._tls.read(size)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLEOFError:
                raise ConnectionResetError("it closed the connection without TLS's end") from None
            self._flush()  # an answer of TLS itself (a new key)
            self._feed()

    def end(self) -> None:
        """Say that no more comes (TLS's close_notify), and go on receiving."""
        with self._writing, contextlib.suppress(OSError):
            with self._lock:
                if self._ended:
                    return
                self._ended = True
                self._decrypt()  # closing reads too, and would take what came for an error
                with contextlib.suppress(ssl.SSLError):
                    self._tls.unwrap()
                out = self._out.read()
            self._wire.send(out)

    def close(self) -> None:
        """End both directions."""
        self._wire.close()

    def silent(self, seconds: float | None) -> None:
        """See :class:`~.duplex.Timed`."""
        self._wire.silent(seconds)

    def readable(self) -> bool:
        """Whether the engine said something, or has ended its direction. What only TLS wanted to say is not told."""
        try:
            with self._lock:
                if self._decrypt():
                    return True
            if not self._wire.readable():
                return False
            self._feed()
            with self._lock:
                return self._decrypt()
        except OSError:
            return True

    def offer(self, data: memoryview, /) -> int:
        """See :class:`~.duplex.Timed`: a record, or nothing."""
        if self.readable():
            return 0
        self.send(data[:_RECORDS])
        return len(data[:_RECORDS])

    def _decrypt(self) -> bool:
        """Take what has arrived out of its records; whether there is something, or the end."""
        try:
            while data := self._tls.read(_RECORDS):
                self._early += data
        except ssl.SSLWantReadError:
            return bool(self._early)
        except ssl.SSLZeroReturnError:
            return True
        return True

    def _feed(self) -> None:
        data = self._wire.receive(256 << 10)
        with self._lock:
            if data:
                self._in.write(data)
            else:
                self._in.write_eof()

    def _flush(self) -> None:
        if not self._out.pending:
            return
        with self._writing:
            with self._lock:
                out = self._out.read()
            if out:
                self._wire.send(out)
