# SPDX-License-Identifier: Apache-2.0
"""HTTP as registries need it: one request, one answer, errors as ours. No retries and no redirects here.

``requests`` does the work, so proxies come from the environment. It must not look for credentials in ``~/.netrc``.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import urlsplit

from ....errors import DependencyError, RegistryError
from ...redact import printable, redact

if TYPE_CHECKING:
    import requests


class Sized(Protocol):
    """A body of known length that may be sent more than once, each time from its start."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[memoryview]: ...


RequestBody = bytes | memoryview | Sized
USER_AGENT = "wcow (imagebuild)"


@dataclass(frozen=True, slots=True)
class Tls:
    """How to trust a registry: the system's CAs, those in a file of PEM, or (``insecure``) anybody, http included."""

    ca_file: str = ""
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait for a connection, and for the next bytes on it."""

    connect: float = 15.0
    read: float = 60.0

    def hurried(self) -> Timeouts:
        """For a place that others stand in for."""
        return Timeouts(min(self.connect, 4.0), min(self.read, 20.0))


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers (names in lower case), and the body as a stream, to be closed."""

    status: int
    headers: Mapping[str, str]
    url: str
    body: Body = field(repr=False)

    def header(self, name: str) -> str:
        """One header, ``""`` when absent."""
        return self.headers.get(name.lower(), "")

    def read(self, limit: int) -> bytes:
        """The body up to ``limit`` bytes, after which the connection is let go of."""
        with self.body:
            out = bytearray()
            while len(out) < limit and (chunk := self.body.read(min(65536, limit - len(out)))):
                out += chunk
            return bytes(out)

    def drop(self) -> None:
        """Throw the body away; a short one is read so that the connection can be used again."""
        try:
            self.read(16384)
        except RegistryError:
            self.body.close()


class Body:
    """The stream of an answer's body; a cut connection is a RegistryError that is ``temporary``."""

    def __init__(self, response: requests.Response, what: str) -> None:
        self._response = response
        self._what = what

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes, ``b""`` at the end."""
        import requests
        import urllib3

        try:
            return cast(bytes, self._response.raw.read(size, decode_content=False))
        except (urllib3.exceptions.HTTPError, requests.RequestException, OSError) as error:
            self.close()
            raise failure(self._what, error) from error

    def readinto(self, view: memoryview) -> int:
        """Fill ``view``, or part of it; 0 at the end. Do not mix with :meth:`read`.

        The bytes go from the socket into ``view``: urllib3's own ``readinto`` copies them twice on the way, which at
        a gigabyte a second is what a transfer waits for. Where urllib3 has changed inside, its ``read`` does the work.
        """
        import http.client  # loaded by requests, not by every command that could talk to a registry

        raw = self._response.raw
        inner = getattr(raw, "_fp", None)
        if not isinstance(inner, http.client.HTTPResponse):
            data = self.read(len(view))
            view[:len(data)] = data
            return len(data)
        try:
            count = inner.readinto(view)
        except (OSError, ValueError, http.client.HTTPException) as error:
            self.close()
            raise failure(self._what, error) from error
        if inner.isclosed():
            raw.release_conn()
        return count

    def close(self) -> None:
        """Let go of the connection."""
        self._response.close()

    def __enter__(self) -> Body:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class Transport:
    """Sends requests over kept connections; may be used from many threads."""

    def __init__(self, *, tls: Tls | None = None, timeouts: Timeouts | None = None) -> None:
        self.tls = tls or Tls()
        self.timeouts = timeouts or Timeouts()
        self._session: requests.Session | None = None
        self._lock = threading.Lock()

    def send(self, method: str, url: str, *, headers: Mapping[str, str] | None = None,
             body: RequestBody | None = None, what: str = "", timeouts: Timeouts | None = None) -> Answer:
        """One request. RegistryError (status 0) when no answer came; ``temporary`` unless trying again is no use."""
        import requests

        what = what or f"cannot reach {redact(url)}"
        session = self._opened()
        merged = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **(headers or {})}
        trust = self._trust(url)
        timeouts = timeouts or self.timeouts
        try:
            response = session.request(method, url, headers=merged, data=cast(Any, body), stream=True,
                                       allow_redirects=False,
                                       timeout=(timeouts.connect, timeouts.read), verify=trust)
        except (requests.RequestException, OSError, ValueError) as error:
            raise failure(what, error) from error
        lowered = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, lowered, url, Body(response, what))

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.close()

    def _trust(self, url: str) -> bool | str:
        if self.tls.insecure:
            return False
        # As Docker does: what answers on a loopback address is us, or someone with the same rights.
        return self.tls.ca_file or not is_loopback(urlsplit(url).netloc)

    def _opened(self) -> requests.Session:
        with self._lock:
            if self._session is None:
                self._session = _new_session()
            return self._session


def _new_session() -> requests.Session:
    try:
        import requests
        import urllib3
        from requests.adapters import HTTPAdapter
    except ImportError:
        raise DependencyError("cannot talk to a registry", why="the Python package requests is missing",
                              hint="pip install requests", package="requests") from None
    # Asked for with --insecure, or a loopback address: a warning at each request would tell nobody anything new.
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    session = requests.Session()
    session.auth = _leave  # an auth callable of our own keeps requests from reading ~/.netrc
    adapter = HTTPAdapter(pool_connections=16, pool_maxsize=32, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def is_loopback(host: str) -> bool:
    """Whether a host (with or without a port) is this machine by address or by the name ``localhost``."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _leave(request: Any) -> Any:
    return request


def failure(what: str, error: BaseException) -> RegistryError:
    """An error of the network as ours."""
    import requests

    text = redact(printable(str(error), 2000))
    if isinstance(error, requests.exceptions.SSLError) or "CERTIFICATE_VERIFY_FAILED" in text:
        plain = "WRONG_VERSION_NUMBER" in text or "wrong version number" in text or "UNEXPECTED_EOF" in text
        return RegistryError(
            what, why="it does not speak TLS" if plain else _reason(text),
            hint="use --insecure if it speaks plain http" if plain else
                 "name the CA that signed its certificate (--ca FILE), or accept any (--insecure)", temporary=False)
    if isinstance(error, requests.exceptions.ProxyError):
        return RegistryError(what, why=f"the proxy did not help: {_reason(text)}", temporary=True,
                             hint="check HTTPS_PROXY, HTTP_PROXY and NO_PROXY")
    if isinstance(error, requests.exceptions.Timeout) or "timed out" in text.lower():
        return RegistryError(what, why="no answer in time", temporary=True, hint="try again, or check the network")
    if "NameResolutionError" in text or "Name or service not known" in text or "getaddrinfo" in text:
        return RegistryError(what, why="its host name is not known here", temporary=False,
                             hint="check the name, the DNS, or use a mirror (--mirror NAME=HOST)")
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, ValueError)):
        return RegistryError(what, why=f"not a URL to ask: {_reason(text)}", temporary=False)
    if "Connection refused" in text:
        return RegistryError(what, why="connection refused", temporary=True, hint="check that it runs, and the port")
    return RegistryError(what, why=f"the connection broke: {_reason(text)}", temporary=True, hint="try again")


def _reason(text: str) -> str:
    """The innermost message of the nest urllib3 makes."""
    for mark in ("Caused by ", "NewConnectionError(", "SSLError("):
        if mark in text:
            text = text.rpartition(mark)[2]
    return text.strip("()'\"\\ ")[:300]
