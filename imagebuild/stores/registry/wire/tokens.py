# SPDX-License-Identifier: Apache-2.0
"""Authorization for one registry: anonymous, basic, or bearer tokens kept per scope (distribution "Token
Authentication" and "Oauth2 Authentication")."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from ....errors import AuthError, FormatError, RegistryError, WcowError, quoted
from ...credentials import Credentials, Login
from ...redact import redact
from . import answers, challenge
from .transport import Answer, Transport

_MAX_TOKEN = 512 << 10
_DEFAULT_SECONDS = 60.0
_CLIENT_ID = "wcow"

Scopes = tuple[str, ...]


def pull(repository: str) -> Scopes:
    """The scope to read a repository."""
    return (f"repository:{repository}:pull",)


def push(repository: str, *, mount_from: str = "") -> Scopes:
    """The scope to write a repository, and to read another whose blobs are mounted."""
    return (f"repository:{repository}:pull,push", *(pull(mount_from) if mount_from else ()))


class Authorizer:
    """Finds the ``Authorization`` header for a registry's requests; may be used from many threads.

    ``ask`` sends a request to the token service with retries. ``clock`` counts seconds, for tokens' ends.
    """

    def __init__(self, host: str, credentials: Credentials, transport: Transport, *,
                 ask: Callable[[Callable[[], Answer]], Answer], clock: Callable[[], float] = time.monotonic) -> None:
        self.host = host
        self._credentials = credentials
        self._transport = transport
        self._ask = ask
        self._clock = clock
        self._lock = threading.RLock()
        self._asked = False
        self._login: Login | None = None
        self._scheme = ""
        self._realm = ""
        self._service = ""
        self._tokens: dict[Scopes, tuple[str, float]] = {}

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text that must not be shown."""
        with self._lock:
            tokens = tuple(token for token, _unused in self._tokens.values())
            return (self._login.secrets if self._login else ()) + tokens

    @property
    def login(self) -> Login | None:
        """Who we are to this registry; asked for once."""
        with self._lock:
            if not self._asked:
                self._login = self._credentials.login_for(self.host)
                self._asked = True
            return self._login

    def header(self, scopes: Scopes) -> str:
        """The header for a request under ``scopes``; ``""`` while the registry has not asked for any."""
        with self._lock:
            if self._scheme == "basic":
                return self.login.basic if self.login else ""
            if self._scheme == "bearer":
                return f"Bearer {self._token(scopes)}"
            return ""

    def learn(self, answer: Answer, scopes: Scopes, *, used: str, what: str) -> None:
        """Take a 401 in: after it :meth:`header` gives something new, or AuthError says why not.

        ``used`` is the header of the refused request: when another thread has renewed the token meanwhile, that
        token is simply used.
        """
        offered = challenge.parse(answer.header("www-authenticate"))
        by_scheme = {item.scheme: item for item in offered}
        with self._lock:
            if "bearer" in by_scheme:
                asked = by_scheme["bearer"]
                self._scheme, self._realm = "bearer", self._checked_realm(answer, asked.parameter("realm"), what)
                self._service = asked.parameter("service")
                cached = self._tokens.get(scopes)
                if cached and used == f"Bearer {cached[0]}":
                    del self._tokens[scopes]
                answer.drop()
                return
            if "basic" in by_scheme and self.login is not None and used != self.login.basic:
                self._scheme = "basic"
                answer.drop()
                return
        raise answers.error_of(answer, what, host=self.host, secrets=self.secrets)

    def _token(self, scopes: Scopes) -> str:
        cached = self._tokens.get(scopes)
        if cached and self._clock() < cached[1]:
            return cached[0]
        token, seconds = self._fetch(scopes)
        # A tenth is given away so that a token does not end on its way.
        self._tokens[scopes] = (token, self._clock() + seconds * 0.9)
        return token

    def _fetch(self, scopes: Scopes) -> tuple[str, float]:
        what = f"cannot get a token for {self.host}"
        login = self.login
        answer = self._ask(lambda: self._request(scopes, login, what))
        if answer.status != 200:
            raise self._refused(answer, what, login)
        data = answers.document(answer, _MAX_TOKEN, what, host=_host(self._realm))
        try:
            document = json.loads(data)
            token = document.get("token") or document.get("access_token")
            seconds = document.get("expires_in") or _DEFAULT_SECONDS
            if not isinstance(token, str) or not token.isprintable() or not token.isascii():
                raise ValueError
            return token, max(float(seconds), _DEFAULT_SECONDS)
        except (ValueError, AttributeError, TypeError, RecursionError):
            raise RegistryError(what, why=f"the answer of {_host(self._realm)} holds no token") from None

    def _request(self, scopes: Scopes, login: Login | None, what: str) -> Answer:
        if login and login.identity_token:
            form = [("grant_type", "refresh_token"), ("service", self._service), ("client_id", _CLIENT_ID),
                    ("scope", " ".join(scopes)), ("refresh_token", login.identity_token)]
            return self._transport.send("POST", self._realm, what=what, body=urlencode(form).encode(),
                                        headers={"Content-Type": "application/x-www-form-urlencoded"})
        query = ([("service", self._service)] if self._service else []) + [("scope", scope) for scope in scopes]
        if login and login.username:
            query.append(("account", login.username))
        mark = "&" if "?" in self._realm else "?"
        headers = {"Authorization": login.basic} if login else {}
        return self._transport.send("GET", f"{self._realm}{mark}{urlencode(query)}", headers=headers, what=what)

    def _refused(self, answer: Answer, what: str, login: Login | None) -> WcowError:
        error = answers.error_of(answer, what, host=_host(self._realm), secrets=self.secrets)
        if isinstance(error, RegistryError) and error.temporary:
            return error
        why = redact(error.why, self.secrets)
        return AuthError(what, why=why, status=answer.status,
                         hint=f"the login for {self.host} is not accepted; log in again: wcow login {self.host}"
                         if login else f"log in with: wcow login {self.host}")

    def _checked_realm(self, answer: Answer, realm: str, what: str) -> str:
        try:
            parts = urlsplit(realm)
            valid = parts.scheme in ("http", "https") and bool(parts.hostname)
        except ValueError:  # refused in the next lines
            valid = False
        if not valid:
            answer.drop()
            raise FormatError(what, source="WWW-Authenticate", why=f"{quoted(redact(realm)[:200])} is no token service")
        # Whoever can answer in a secured registry's name could otherwise have the password sent in the clear.
        if parts.scheme == "http" and answer.url.startswith("https://") and not self._transport.tls.insecure:
            answer.drop()
            raise AuthError(what, status=401, why=f"its token service {parts.hostname} is not secured",
                            hint="use --insecure if you trust the network")
        return realm


def _host(url: str) -> str:
    return urlsplit(url).hostname or "the token service"
