# SPDX-License-Identifier: Apache-2.0
"""One registry host: requests with authorization, redirects and retries."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from ....errors import RegistryError, UsageError, WcowError, quoted
from ...credentials import Credentials
from ...redact import redact
from . import answers
from .tokens import Authorizer, Scopes
from .transport import Answer, RequestBody, Timeouts, Transport, is_loopback

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 6
_REFUSALS, _REFUSALS_LATER = 3, 10
_DOCKER_HUB = "registry-1.docker.io"


@dataclass(frozen=True, slots=True)
class Retries:
    """How often, and how long between, to try again what may succeed later. No chance in it: waits double from
    ``first`` to ``longest`` seconds. A registry's ``Retry-After`` comes first, up to ``patience`` seconds.

    One budget is for all of one transfer. ``attempts`` counts tries that bring no byte further; where each brings
    some, there may be ``ATTEMPTS_IN_ALL`` times as many. The waits of one transfer are ``budget`` seconds at most.
    """

    attempts: int = 5
    first: float = 0.5
    longest: float = 8.0
    patience: float = 60.0
    budget: float = 300.0

    def wait(self, failures: int) -> float:
        """Seconds to wait after this many failures."""
        return float(min(self.longest, self.first * 2 ** (failures - 1)))

    def hurried(self) -> Retries:
        """For a place that others stand in for: one more try, soon."""
        return Retries(min(self.attempts, 2), min(self.first, 0.25), min(self.longest, 0.25), min(self.patience, 5.0),
                       min(self.budget, 10.0))


ATTEMPTS_IN_ALL = 5


class Single:
    """No budget: one try, for a caller who decides by itself what to do next."""

    def run(self, send: Callable[[], Answer]) -> Answer:
        """Send once."""
        return send()


class Retrier(Single):
    """The budget of one operation. ``sleep`` is an argument so that tests do not wait."""

    def __init__(self, retries: Retries, sleep: Callable[[float], None]) -> None:
        self._retries = retries
        self._sleep = sleep
        self._failures = 0
        self._in_all = 0
        self._waited = 0.0

    def pause(self, asked: float | None = None) -> bool:
        """Wait before another try; False when the budget is used up, or the registry asks for more patience."""
        retries = self._retries
        self._failures += 1
        self._in_all += 1
        wait = retries.wait(self._failures) if asked is None else asked
        if self._failures >= retries.attempts or self._in_all >= retries.attempts * ATTEMPTS_IN_ALL \
                or (asked or 0) > retries.patience or self._waited + wait > retries.budget:
            return False
        self._waited += wait
        self._sleep(wait)
        return True

    def progressed(self) -> None:
        """Bytes came through: what fails next is a new trouble."""
        self._failures = 0

    def run(self, send: Callable[[], Answer]) -> Answer:
        """Send until an answer comes that another try would not better, or the budget is used up."""
        while True:
            try:
                answer = send()
            except RegistryError as error:
                if not error.temporary or not self.pause():
                    raise
                continue
            if answer.status not in answers.TEMPORARY or not self.pause(answers.retry_after(answer)):
                return answer
            answer.drop()


class Endpoint:
    """A registry's HTTP interface at one host. Safe from many threads.

    Plain http is used only where that was asked for (``insecure``, or ``scheme="http"``) or with loopback addresses,
    as Docker does.
    """

    def __init__(self, host: str, *, transport: Transport, credentials: Credentials, retries: Retries,
                 scheme: str = "", sleep: Callable[[float], None] = time.sleep,
                 timeouts: Timeouts | None = None) -> None:
        self.host = host
        self._address = _DOCKER_HUB if host == "docker.io" else host
        self._transport = transport
        self._retries = retries
        self._sleep = sleep
        self._timeouts = timeouts
        self._loopback = is_loopback(host)
        self._scheme = scheme
        self._lock = threading.Lock()
        self._let_in: set[Scopes] = set()
        self.auth = Authorizer(host, credentials, transport, ask=lambda send: self.retrier().run(send))

    def retrier(self) -> Retrier:
        """A fresh budget."""
        return Retrier(self._retries, self._sleep)

    def url(self, path: str) -> str:
        """The full URL of a path below the host; a URL stays as it is."""
        return path if "://" in path else f"{self.base()}{path}"

    def request(self, method: str, path: str, *, scopes: Scopes, what: str, headers: Mapping[str, str] | None = None,
                body: RequestBody | None = None, retrier: Single | None = None) -> Answer:
        """One request, tried again while that makes sense. ``path`` may be a URL a registry gave us.

        Gives any answer but 401 and redirects; raises RegistryError when none comes, AuthError when we are refused.
        """
        url = self.url(path)
        return (retrier or self.retrier()).run(lambda: self._authorized(method, url, scopes, what, headers, body))

    def error(self, answer: Answer, what: str) -> WcowError:
        """The error for an answer of this registry."""
        return answers.error_of(answer, what, host=self.host, secrets=self.auth.secrets)

    def base(self) -> str:
        """``https://host``, or ``http://host`` where that is allowed and answers."""
        with self._lock:
            if not self._scheme:
                self._scheme = self._find_scheme()
            return f"{self._scheme}://{self._address}"

    def ping(self, what: str) -> None:
        """Ask the registry whether it takes us as we are. AuthError when not."""
        answer = self.request("GET", "/v2/", scopes=(), what=what)
        if answer.status != 200:
            raise self.error(answer, what)
        self.finish(answer, what)

    def document(self, answer: Answer, limit: int, what: str) -> bytes:
        """The body of an answer, a document of at most ``limit`` bytes. RegistryError when it is a web page."""
        return answers.document(answer, limit, what, host=self.host)

    def finish(self, answer: Answer, what: str) -> None:
        """Be done with an answer that only says that it worked. RegistryError when it is a web page."""
        answers.finish(answer, what, host=self.host)

    def _find_scheme(self) -> str:
        if self._loopback:
            candidates = ("http", "https")
        elif self._transport.tls.insecure:
            candidates = ("https", "http")
        else:
            return "https"
        what = f"cannot reach the registry {self.host}"
        last: RegistryError | None = None
        likely = ""
        for scheme in candidates:
            try:
                answer = self._transport.send("GET", f"{scheme}://{self._address}/v2/", what=what,
                                              timeouts=self._timeouts)
            except RegistryError as error:
                last = error
                likely = likely or (scheme if error.temporary else "")
                continue
            answer.drop()
            # A TLS server says 400 to plain http; everything else was an answer of this scheme.
            if answer.status != 400:
                return scheme
        if last is None:
            raise RegistryError(what, why="it answers neither http nor https as a registry does", temporary=False)
        if likely:
            return likely  # let the request itself try again and tell what is wrong
        raise last

    def _authorized(self, method: str, url: str, scopes: Scopes, what: str, headers: Mapping[str, str] | None,
                    body: RequestBody | None) -> Answer:
        # Refused twice with what we were told to bring: once may be an old token, twice is an answer. Where we were let
        # in before, tokens only end often, and with many threads a new one may have ended before its turn came.
        refused = 0
        while True:
            authorization = self.auth.header(scopes)
            answer, home = self._followed(method, url, what, {**(headers or {})}, body, authorization)
            if answer.status != 401:
                if authorization and scopes not in self._let_in:
                    self._let_in.add(scopes)
                return answer
            refused += 1
            if not home or refused >= (_REFUSALS_LATER if scopes in self._let_in else _REFUSALS):
                raise self.error(answer, what)
            self.auth.learn(answer, scopes, used=authorization, what=what)

    def _followed(self, method: str, url: str, what: str, headers: dict[str, str], body: RequestBody | None,
                  authorization: str) -> tuple[Answer, bool]:
        """Send and follow redirects; also whether the answer is the registry's own. Another host (or port, or
        scheme) never sees our authorization, not even after leading back."""
        home = _same_place(url, self.base())
        for _unused in range(_MAX_REDIRECTS):
            if authorization and home:
                headers["Authorization"] = authorization
            else:
                headers.pop("Authorization", None)
            answer = self._transport.send(method, url, headers=headers, body=body, what=what, timeouts=self._timeouts)
            target = answer.header("location")
            if answer.status not in _REDIRECTS or not target:
                return answer, home
            answer.drop()
            url = self.join(url, target, what)
            home = home and _same_place(url, self.base())
            if answer.status == 303 and method != "HEAD":
                method, body = "GET", None
        raise RegistryError(what, why=f"more than {_MAX_REDIRECTS} redirects", temporary=False)

    def join(self, url: str, target: str, what: str) -> str:
        """Where a ``Location`` (relative or not) leads. A step from https down to http is refused."""
        try:
            joined = urljoin(url, target)
            parts = urlsplit(joined)
            valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            valid = False
        if not valid:
            raise RegistryError(what, why=f"{self.host} sent us to {quoted(redact(target)[:200])}, which is no URL")
        if parts.scheme == "http" and url.startswith("https://") and not self._transport.tls.insecure:
            raise RegistryError(what, why=f"{self.host} sent us from https to http, at {parts.hostname}",
                                hint="its proxy does not tell it that clients come by https (--insecure accepts it), "
                                     "or a captive portal answers in its place (log in to the network)")
        return joined


def check_host(host: str) -> str:
    """The host of a registry someone typed. UsageError when it is none."""
    bare = host.removeprefix("https://").removeprefix("http://").rstrip("/")
    if not bare or any(char in bare for char in "/@?# \\"):
        raise UsageError(f"{quoted(redact(host))} is not a registry", why="wanted HOST or HOST:PORT")
    return "docker.io" if bare in ("index.docker.io", "registry-1.docker.io", "hub.docker.com") else bare


def _same_place(one: str, other: str) -> bool:
    first, second = urlsplit(one), urlsplit(other)
    return (first.scheme, first.hostname, _port(first.scheme, first.port)) == \
        (second.scheme, second.hostname, _port(second.scheme, second.port))


def _port(scheme: str, port: int | None) -> int:
    return port or (443 if scheme == "https" else 80)
