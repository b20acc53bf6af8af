# SPDX-License-Identifier: Apache-2.0
"""One connection of a program to the proxy of downloads (:mod:`.proxy`), and the requests that come over it."""

from __future__ import annotations

import hashlib
import http.client
import ssl
from collections.abc import Iterable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from ...errors import FetchError, IntegrityError, WcowError
from ..recordings import CHUNK, Recorded, Recordings, kept_headers
from ..redact import redact, scrub
from ..url import Response
from .body import read_body, sent_range

if TYPE_CHECKING:
    from .proxy import DownloadProxy

IDLE_SECONDS = 120
"""How long a connection may say nothing."""
_HOP = frozenset({"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te",
                  "trailer", "transfer-encoding", "upgrade", "content-length", "date", "server"})
"""Headers of one connection, which are not passed on."""
_OURS = frozenset({"accept-encoding", "host", "expect", "if-none-match", "if-modified-since", "if-range",
                   "if-match", "if-unmodified-since", "range"})
"""Headers of a request that we say ourselves: the whole content is asked for, as it is."""
_PASSING = frozenset({407, 408, 425, 429, 500, 502, 503, 504})
"""Answers that may be others the next moment: never recorded."""
_BODILESS = frozenset({204, 304})


class Handler(BaseHTTPRequestHandler):
    """See the module."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    server: Any
    _host = ""  #: the host that a CONNECT named: what follows is inside of its TLS

    @property
    def proxy(self) -> DownloadProxy:
        """Whose connection it is."""
        proxy: DownloadProxy = self.server.proxy
        return proxy

    def address_string(self) -> str:
        return ""

    def log_message(self, format: str, *args: Any) -> None:  # the name is the base class's
        """The build tells what matters."""

    def version_string(self) -> str:
        return "wcow"

    def do_CONNECT(self) -> None:
        """A tunnel is asked for: we are its end."""
        host, colon, port = self.path.rpartition(":")
        if self._host or not colon or not port.isdigit():
            self.proxy.complain(f"a program asked the proxy for a tunnel to {scrub(self.path)[:200]}")
            self.send_error(400)
            return
        self.send_response_only(200, "Connection established")
        self.end_headers()
        self.wfile.flush()
        name = host.strip("[]")
        try:
            inside = self.proxy.rules.authority.context(name).wrap_socket(self.connection, server_side=True)
        except (OSError, ValueError) as error:
            self.close_connection = True
            if isinstance(error, ssl.SSLError):
                self.proxy.complain(
                    f"a program refused the certificate of the proxy for {host}, or spoke no TLS ({error.reason}): a "
                    "program with a list of authorities of its own has to be told of NODE_EXTRA_CA_CERTS' file")
            return
        self.connection = self.request = inside
        self.rfile, self.wfile = inside.makefile("rb"), cast(BufferedIOBase, inside.makefile("wb", 0))
        self._host = host if port == "443" else f"{host}:{port}"
        self.close_connection = False

    def finish(self) -> None:
        if isinstance(self.connection, ssl.SSLSocket):
            with suppress(OSError, ValueError):  # the program went without a goodbye
                self.connection.unwrap()
        super().finish()
        if isinstance(self.connection, ssl.SSLSocket):
            self.connection.close()

    def _do(self) -> None:
        url = self._url()
        if url is None:
            self.proxy.complain(f"a program asked the proxy for {scrub(self.path)[:200]}, which is not an http URL")
            self.send_error(400, "not a request for a proxy")
            return
        body = read_body(self)
        if body is None:
            return
        try:
            self._answer(url, body)
        except WcowError as error:
            self.proxy.complain(str(error))
            self._say(404 if error.facts.get("status") == 404 else 502, str(error))

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_PROPFIND = _do

    def _url(self) -> str | None:
        parts = urlsplit(self.path)
        if not self._host:
            return self.path if parts.scheme.lower() == "http" and parts.netloc else None
        if parts.scheme.lower() == "https" and parts.netloc:  # Wine's WinHTTP names the host in a tunnel, too
            path = parts.path or "/"
            return f"https://{self._host}{path}" + (f"?{parts.query}" if parts.query else "")
        return f"https://{self._host}{self.path}" if self.path.startswith("/") else None

    # --- answers

    def _answer(self, url: str, body: bytes) -> None:
        rules = self.proxy.rules
        digest = hashlib.sha256(body).hexdigest() if body else ""
        if rules.mode == "replay":
            assert rules.recordings is not None
            self._replay(rules.recordings, url, digest)
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP | _OURS}
        if rules.recordings is None and (wanted := self.headers.get("Range")):
            headers["Range"] = wanted
        headers["Accept-Encoding"] = "identity"
        found = rules.origin.ask(self.command, url, headers, body or None)
        if isinstance(found, Path):
            self._from_folder(url, found)
            return
        try:
            if rules.recordings is None or found.status in _PASSING:
                self._pass(url, found, None, digest)
            elif self.command == "GET" and found.status == 200 and self.headers.get("Range"):
                recorded = self._record(url, found, rules.recordings, digest)
                self._file(url, recorded, rules.recordings.content(recorded))
            else:
                self._pass(url, found, rules.recordings, digest)
        finally:
            found.close()

    def _replay(self, recordings: Recordings, url: str, digest: str) -> None:
        found = recordings.find(self.command, url, digest)
        if found is None:
            text = f"{self.command} {redact(url)} is not among the downloads of {recordings.folder}: " \
                   f"'wcow build --downloads record {recordings.folder}' with a network records it"
            self.proxy.complain(text)
            self._say(404, text)
            return
        self._file(url, found, recordings.content(found))

    def _file(self, url: str, recorded: Recorded, path: Path | None) -> None:
        """Answer with what was recorded, or the part of it that was asked for."""
        size = path.stat().st_size if path is not None else 0
        known = recorded.size if recorded.size is not None else size
        if path is not None and known != size:
            raise IntegrityError(f"cannot replay {redact(url)}", expected=f"{known} bytes", found=f"{size} bytes",
                                 why=f"{path} has {size} bytes, not {known}")
        sent, first, last = recorded.status, 0, size
        if recorded.status == 200 and self.command == "GET":
            sent, first, last = sent_range(self.headers, recorded, size)
            self.proxy.note(url, f"sha256:{recorded.sha256 or _sha256(path)}")
        self.send_response(sent)
        for name, value in recorded.headers:
            self.send_header(name, value)
        if sent == 206:
            self.send_header("Content-Range", f"bytes {first}-{last - 1}/{size}")
        elif sent == 416:
            self.send_header("Content-Range", f"bytes */{size}")
        if recorded.status not in _BODILESS:
            length = known if self.command == "HEAD" else last - first
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if path is not None and self.command != "HEAD" and last > first:
            self._send_part(path, first, last)

    def _send_part(self, path: Path, first: int, last: int) -> None:
        with path.open("rb") as file:
            file.seek(first)
            while first < last and (data := file.read(min(CHUNK, last - first))):
                self.wfile.write(data)
                first += len(data)

    def _from_folder(self, url: str, path: Path) -> None:
        if not path.is_file():
            raise FetchError(f"cannot download {redact(url)}", url=redact(url), status=404,
                             why=f"the download map sends it to {path}, which is not there",
                             hint="put the file there, or change the map")
        recordings = self.proxy.rules.recordings
        recorded = Recorded(url, size=path.stat().st_size)
        if recordings is not None and self.command == "GET":
            recorded = _copied(recordings, recorded, path)
            self._file(url, recorded, recordings.content(recorded))
            return
        self._file(url, recorded, path)

    def _pass(self, url: str, found: Response, recordings: Recordings | None, digest: str) -> None:
        """Pass an answer on while it comes; with ``recordings`` keep it."""
        length = found.headers.get("Content-Length", "")
        bodiless = self.command == "HEAD" or found.status in _BODILESS
        chunked = not length and not bodiless and self.request_version != "HTTP/1.0"
        self.send_response(found.status)
        for name, value in found.headers.items():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        if length:
            self.send_header("Content-Length", length)
        elif chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif not bodiless:
            self.close_connection = True
            self.send_header("Connection", "close")
        if bodiless or length == "0":  # the program has it all with the head: it is kept before that is sent
            self._taken(url, found, recordings, digest, (), chunked=False)
        self.end_headers()
        if not bodiless and length != "0":
            self._taken(url, found, recordings, digest, _pieces(found), chunked=chunked)

    def _taken(self, url: str, found: Response, recordings: Recordings | None, digest: str, pieces: Iterable[bytes], *,
               chunked: bool) -> None:
        """Send the pieces of a content, and keep them. What breaks in the middle ends the connection: the program sees
        that the content is not whole. The last piece is sent when all is written down: then the RUN may end."""
        hashed, size, draft, length = hashlib.sha256(), 0, None, found.headers.get("Content-Length", "")
        last = b""
        try:
            draft = recordings.draft() if recordings is not None else None
            for data in pieces:
                hashed.update(data)
                size += len(data)
                self._check_limit(url, size)
                if draft is not None:
                    draft.write(data)
                if str(size) == length:
                    last = data
                else:
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data) if chunked else data)
            self._check_whole(url, found, size)
            if recordings is not None:
                self._keep(recordings, url, found, draft, digest, hashed.hexdigest())
            if self.command == "GET" and found.status == 200:
                self.proxy.note(url, f"sha256:{hashed.hexdigest()}")
            if chunked or last:
                self.wfile.write(b"0\r\n\r\n" if chunked else last)
        except (OSError, http.client.HTTPException, WcowError) as error:
            self.close_connection = True
            if not isinstance(error, BrokenPipeError | ConnectionError):  # the program went away: its own matter
                self.proxy.complain(str(error) if isinstance(error, WcowError) else
                                    f"cannot download {redact(url)}: {getattr(error, 'strerror', None) or error}")
            with suppress(OSError):
                self.connection.shutdown(2)
        finally:
            if draft is not None:
                draft.discard()

    def _record(self, url: str, found: Response, recordings: Recordings, digest: str) -> Recorded:
        """Keep a whole content before anything is answered."""
        hashed, draft = hashlib.sha256(), recordings.draft()
        try:
            for data in _pieces(found):
                hashed.update(data)
                draft.write(data)
                self._check_limit(url, draft.size)
            self._check_whole(url, found, draft.size)
            return self._keep(recordings, url, found, draft, digest, hashed.hexdigest())
        except (OSError, http.client.HTTPException) as error:
            raise FetchError(f"cannot download {redact(url)}", url=redact(url),
                             why=getattr(error, "strerror", None) or str(error)) from error
        finally:
            draft.discard()

    def _keep(self, recordings: Recordings, url: str, found: Response, draft: Any, digest: str, content: str
              ) -> Recorded:
        length = found.headers.get("Content-Length", "")
        size = int(length) if self.command == "HEAD" and length.isdigit() else None
        recorded = Recorded(url, self.command, digest, found.status, kept_headers(found.headers), size=size)
        return recordings.keep(recorded, draft, content)

    def _check_limit(self, url: str, size: int) -> None:
        limit = self.proxy.rules.limit
        if size > limit:
            raise FetchError(f"cannot download {redact(url)}", url=redact(url),
                             why=f"it has more than the {limit} bytes that are allowed")

    def _check_whole(self, url: str, found: Response, size: int) -> None:
        length = found.headers.get("Content-Length", "")
        if self.command != "HEAD" and length.isdigit() and int(length) != size and found.status not in _BODILESS:
            raise FetchError(f"cannot download {redact(url)}", url=redact(url),
                             why=f"the connection broke after {size} of {length} bytes")

    def _say(self, status: int, text: str) -> None:
        data = text.encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def _pieces(found: Response) -> Iterable[bytes]:
    while data := _read1(found):
        yield data


def _read1(found: Any) -> bytes:
    """What has come, at most a piece: a server that speaks slowly is passed on as it speaks."""
    data: bytes = found.read1(CHUNK) if hasattr(found, "read1") else found.read(CHUNK)
    return data


def _copied(recordings: Recordings, recorded: Recorded, path: Path) -> Recorded:
    hashed, draft = hashlib.sha256(), recordings.draft()
    try:
        with path.open("rb") as file:
            while data := file.read(CHUNK):
                hashed.update(data)
                draft.write(data)
        return recordings.keep(Recorded(recorded.url), draft, hashed.hexdigest())
    finally:
        draft.discard()


def _sha256(path: Path | None) -> str:
    if path is None:
        return hashlib.sha256().hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


__all__ = ["Handler"]
