# SPDX-License-Identifier: Apache-2.0
"""One file from an HTTP server, into a spooled file, with all that ADD wants to know of it."""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Protocol
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

from ..errors import FetchError, InputError, IntegrityError, UnsupportedError, quoted
from .downloadmap import DownloadMap
from .port import Download, Progress
from .redact import redact, scrub

LIMIT = 16 << 30
"""Largest download without an explicit limit, in bytes: above any installer, below a disk."""
REDIRECTS = 10
"""As many as Go's HTTP client, and with it BuildKit, follows."""
TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
CHUNK = 1 << 20


class Response(Protocol):
    """What an opener returns: a status, headers (as ``email.message.Message`` gives them) and a body to be read."""

    status: int
    headers: Mapping[str, str]

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


Opener = Callable[[str, dict[str, str], float], Response]
"""Sends one GET (URL, headers, timeout in seconds) and returns the answer, whatever its status; follows no redirect."""


class _Temporary(Exception):
    """A failure that may pass: kept until the attempts are used up."""

    def __init__(self, error: FetchError, wait: float = 0) -> None:
        super().__init__()
        self.error = error
        self.wait = wait


def fetch_url(url: str, *, checksum: str | None = None, limit: int = LIMIT, progress: Progress | None = None,
              timeout: float = 60, proxies: Mapping[str, str] | None = None, downloads: DownloadMap | None = None,
              folder: Path | None = None, attempts: int = 3, opener: Opener | None = None,
              sleep: Callable[[float], None] = time.sleep) -> Download:
    """Download one file; the caller closes the :class:`Download`.

    ``limit`` is in bytes, ``timeout`` in seconds without a byte. ``proxies`` maps a scheme to a proxy's URL; by default
    ``http_proxy``, ``https_proxy`` and ``no_proxy`` are followed. ``folder`` takes the spooled file (default: the
    system's). ``user:password@`` in the URL is sent to that host alone. A redirect from https to http is followed only
    where ``checksum`` vouches for the content. Broken connections and answers 429 or 5xx are tried ``attempts`` times.
    """
    want = parse_checksum(checksum)
    _check_scheme(url)
    place = downloads.resolve(url) if downloads else url
    if isinstance(place, Path):
        return _from_folder(url, place, want, limit)
    send = opener or _opener(proxies)
    for attempt in range(1, attempts + 1):
        try:
            return _attempt(url, place, want, limit, progress, timeout, folder, send)
        except _Temporary as failed:
            if attempt == attempts:
                raise failed.error from failed.__cause__
            sleep(min(failed.wait or 2 ** (attempt - 1), 30))
    raise AssertionError("unreachable")


def url_file_name(url: str) -> str:
    """The name ADD gives the file of a URL: the last component of its path, percent-decoded; empty without a path.

    BuildKit, ``frontend/dockerfile/dockerfile2llb/convert.go``: ``path.Base(u.Path)`` of the URL as written, not of the
    one it redirects to.
    """
    name = posixpath.basename(unquote(urlsplit(url).path).rstrip("/"))
    return "" if name in (".", "..") else name


def _attempt(asked: str, url: str, want: tuple[str, str] | None, limit: int, progress: Progress | None, timeout: float,
             folder: Path | None, send: Opener) -> Download:
    """Follow the redirects once and spool what is at their end."""
    from http.client import HTTPException

    for _unused in range(REDIRECTS + 1):
        target, headers = _request(url)
        try:
            response = send(target, headers, timeout)
        except (OSError, HTTPException, ValueError) as error:
            hint = "check the name, the network and the proxy"
            raise _Temporary(_failed(asked, url, _reason(error), hint)) from error
        try:
            if response.status in (301, 302, 303, 307, 308) and (where := response.headers.get("Location")):
                url = _redirected(asked, url, where, want is not None)
                continue
            if response.status != 200:
                refused = _failed(asked, url, f"the server answered {response.status}", status=response.status)
                if response.status in TEMPORARY:
                    raise _Temporary(refused, _seconds(response.headers.get("Retry-After")))
                raise refused
            return _spool(asked, url, response, want, limit, progress, folder)
        finally:
            response.close()
    raise _failed(asked, url, f"more than {REDIRECTS} redirects")


def _spool(asked: str, url: str, response: Response, want: tuple[str, str] | None, limit: int,
           progress: Progress | None, folder: Path | None) -> Download:
    from http.client import HTTPException

    length = response.headers.get("Content-Length", "")
    total = int(length) if length.isascii() and length.isdigit() else None
    if total is not None and total > limit:
        raise _failed(asked, url, f"it has {total} bytes, {limit} are allowed", "raise the limit for downloads")
    hashes = {name: hashlib.new(name) for name in ("sha256", *(want or ())[:1])}
    try:
        handle, name = tempfile.mkstemp(prefix="wcow-download-", dir=folder)
    except OSError as error:
        raise _failed(asked, url, f"no temporary file can be made: {error.strerror}") from error
    path, done = Path(name), 0
    try:
        with os.fdopen(handle, "wb") as file:
            while True:
                try:
                    data = response.read(CHUNK)
                except (OSError, HTTPException, ValueError) as error:
                    raise _Temporary(_failed(asked, url, f"the connection broke after {done} bytes: {_reason(error)}")
                                     ) from error
                if not data:
                    break
                done += len(data)
                if done > limit:
                    raise _failed(asked, url, f"it has more than the {limit} bytes that are allowed",
                                  "raise the limit for downloads")
                for digest in hashes.values():
                    digest.update(data)
                _write(file, data, asked, url)
                if progress:
                    progress(done, total)
        if total is not None and done != total:
            raise _Temporary(_failed(asked, url, f"the connection broke after {done} of {total} bytes"))
        check_digest(asked, want, hashes[want[0]].hexdigest() if want else "")
        return Download(path, redact(url), url_file_name(asked), done, f"sha256:{hashes['sha256'].hexdigest()}",
                        http_date(response.headers.get("Last-Modified")), response.headers.get("ETag", ""),
                        disposition(response.headers.get("Content-Disposition")),
                        response.headers.get("Content-Type", "").partition(";")[0].strip().lower())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _write(file: IO[bytes], data: bytes, asked: str, url: str) -> None:
    try:
        file.write(data)
    except OSError as error:
        raise _failed(asked, url, f"the file cannot be kept: {error.strerror}",
                      "make room where temporary files go, or point TMPDIR elsewhere") from error


def _from_folder(asked: str, path: Path, want: tuple[str, str] | None, limit: int) -> Download:
    """A file that the download map names, in place of the download."""
    hashes = {name: hashlib.new(name) for name in ("sha256", *(want or ())[:1])}
    done = 0
    try:
        with path.open("rb") as file:
            modified = os.fstat(file.fileno()).st_mtime_ns
            while data := file.read(CHUNK):
                done += len(data)
                if done > limit:
                    raise _failed(asked, asked, f"{path} has more than the {limit} bytes that are allowed")
                for digest in hashes.values():
                    digest.update(data)
    except OSError as error:
        raise _failed(asked, asked, f"the download map sends it to {path}: {error.strerror}",
                      "put the file there, or change the map") from error
    check_digest(asked, want, hashes[want[0]].hexdigest() if want else "")
    return Download(path, redact(asked), url_file_name(asked), done, f"sha256:{hashes['sha256'].hexdigest()}", modified,
                    temporary=False)


def _check_scheme(url: str) -> None:
    scheme, _unused, rest = url.partition("://")
    if scheme.lower() not in ("http", "https") or not rest:
        raise UnsupportedError(f"cannot download {redact(url)}", why="only http and https URLs are downloaded")


def _request(url: str) -> tuple[str, dict[str, str]]:
    """A URL as it goes on the wire, and the headers: the user part becomes one of these."""
    import base64

    parts = urlsplit(url)
    headers = {"User-Agent": "wcow", "Accept": "*/*", "Accept-Encoding": "identity"}
    user, at, host = parts.netloc.rpartition("@")
    if at:
        headers["Authorization"] = "Basic " + base64.b64encode(unquote(user).encode()).decode()
    safe = "!$%&'()*+,/:;=@~-._?[]"
    path, query = quote(parts.path, safe) or "/", quote(parts.query, safe)
    return urlunsplit((parts.scheme.lower(), host, path, query, "")), headers


def _redirected(asked: str, url: str, where: str, vouched: bool) -> str:
    target = urljoin(url, where)
    scheme = urlsplit(target).scheme.lower()
    if scheme not in ("http", "https"):
        raise _failed(asked, url, f"it redirects to {redact(target)}: only http and https are followed")
    if scheme == "http" and urlsplit(url).scheme.lower() == "https" and not vouched:
        raise _failed(asked, url, f"it redirects from https to {redact(target)}, where anybody can change the content",
                      "give a checksum (ADD --checksum=sha256:…)")
    return target


def _opener(proxies: Mapping[str, str] | None) -> Opener:
    """The usual opener: urllib's, which knows proxies and the system's certificates, without its redirects."""
    from urllib.request import HTTPErrorProcessor, ProxyHandler, Request, build_opener

    class AsItIs(HTTPErrorProcessor):
        def http_response(self, request, response):  # type: ignore[no-untyped-def]
            return response

        https_response = http_response

    director = build_opener(ProxyHandler(None if proxies is None else dict(proxies)), AsItIs())

    def send(url: str, headers: dict[str, str], timeout: float) -> Response:
        response: Response = director.open(Request(url, headers=headers), timeout=timeout)
        return response

    return send


def parse_checksum(text: str | None) -> tuple[str, str] | None:
    """``sha256:hex`` as (algorithm, hex)."""
    if text is None:
        return None
    algorithm, _unused, digits = text.partition(":")
    size = {"sha256": 64, "sha384": 96, "sha512": 128}.get(algorithm)
    if size is None or not re.fullmatch(f"[0-9a-fA-F]{{{size}}}", digits):
        raise InputError(f"cannot use the checksum {quoted(text)}",
                         why="it is not sha256:, sha384: or sha512: followed by its hex digits")
    return algorithm, digits.lower()


def check_digest(asked: str, want: tuple[str, str] | None, found: str) -> None:
    if want and want[1] != found:
        raise IntegrityError(f"cannot use the download {redact(asked)}", expected=f"{want[0]}:{want[1]}",
                             found=f"{want[0]}:{found}", hint="if the new content is right, change the checksum",
                             why=f"its checksum is {want[0]}:{found}, not {want[0]}:{want[1]}")


def http_date(text: str | None) -> int | None:
    """Return the nanoseconds since 1970 of an HTTP date, None for one that is missing or makes no sense."""
    from email.utils import parsedate_to_datetime

    try:
        return int(parsedate_to_datetime(text or "").timestamp()) * 1_000_000_000
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def disposition(text: str | None) -> str:
    """The file name a server proposes, without any folder (RFC 6266, RFC 5987)."""
    from email.message import Message

    message = Message()
    message["Content-Disposition"] = re.sub(r"[\r\n]", " ", text or "")
    name = message.get_filename() or ""
    return "" if name.endswith("/") else re.split(r"[/\\]", name)[-1]


def _seconds(text: str | None) -> float:
    return float(text) if text and text.isascii() and text.isdigit() else 0


def _reason(error: BaseException) -> str:
    inner = getattr(error, "reason", error)
    return scrub(str(getattr(inner, "strerror", None) or inner or type(error).__name__))


def _failed(asked: str, url: str, why: str, hint: str = "", **facts: object) -> FetchError:
    shown, where = redact(asked), redact(url)
    why = why if shown == where else f"{why} (at {where})"
    return FetchError(f"cannot download {shown}", url=shown, why=why, hint=hint, **facts)
