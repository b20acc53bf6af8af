# SPDX-License-Identifier: Apache-2.0
"""Who we are to a registry: Docker's ``config.json`` and its credential helpers.

The file is ``$DOCKER_CONFIG/config.json`` or ``~/.docker/config.json``; ``credHelpers``, ``credsStore`` and ``auths``
are asked in that order (docker ``cli/config/configfile``). A helper is the program ``docker-credential-NAME`` with
one verb and text on stdin (docker-credential-helpers ``client``).
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import FormatError, ToolError, quoted
from ..files import Draft
from .layout.files import trouble

if TYPE_CHECKING:
    import subprocess

DOCKER_HUB_KEY = "https://index.docker.io/v1/"
_HELPER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HELPER_SECONDS = 60
_MAX_CONFIG = 1 << 20

Runner = Callable[[Sequence[str], bytes], "subprocess.CompletedProcess[bytes]"]
"""Runs a program with these arguments and this stdin. An argument, so that tests need no program."""


@dataclass(frozen=True, slots=True)
class Login:
    """A user name and its secret; never shown. With ``identity_token`` the secret is an OAuth2 refresh token."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """The value of an ``Authorization`` header."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode("ascii")

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text that must not be shown."""
        return tuple(text for text in (self.password, self.identity_token, self.basic[6:]) if text)


class Credentials(Protocol):
    """Something that knows logins."""

    def login_for(self, host: str) -> Login | None:
        """The login for a registry (``docker.io`` for Docker Hub), None to go without."""


class NoCredentials:
    """Always anonymous."""

    def login_for(self, host: str) -> Login | None:
        """None."""
        return None


class FixedCredentials:
    """The logins it was made with, by host."""

    def __init__(self, **by_host: Login) -> None:
        self._by_host: dict[str, Login] = dict(by_host)

    @classmethod
    def of(cls, host: str, login: Login) -> FixedCredentials:
        """One login for one host."""
        made = cls()
        made._by_host[host] = login
        return made

    def login_for(self, host: str) -> Login | None:
        """The login given for this host."""
        return self._by_host.get(host)


class DockerConfig:
    """Docker's ``config.json``. Read anew at each question, so a login elsewhere is seen; written atomically, 0600."""

    def __init__(self, path: str | os.PathLike[str] | None = None, *, run: Runner | None = None) -> None:
        self.path = Path(path) if path is not None else default_path()
        self._run = run or _run

    def login_for(self, host: str) -> Login | None:
        """The login for a registry. ToolError when a configured helper fails, FormatError for a broken file."""
        config = self._read()
        helper = self._helper(config, host)
        if helper:
            return self._ask(helper, host)
        auths = config.get("auths")
        if not isinstance(auths, dict):
            return None
        for key, entry in auths.items():
            if isinstance(entry, dict) and host_of(key) == host:
                login = _decode(entry, str(self.path))
                if login:
                    return login
        return None

    def save(self, host: str, login: Login) -> str:
        """Keep a login; returns where it went (a helper's name or the file's)."""
        config = self._read()
        helper = self._helper(config, host)
        if helper:
            name, secret = login.username, login.password
            if login.identity_token:
                name, secret = "<token>", login.identity_token
            body = json.dumps({"ServerURL": key_of(host), "Username": name, "Secret": secret})
            self._call(helper, "store", body.encode(), host)
            self._forget(config, host)
            config.setdefault("auths", {})[key_of(host)] = {}
            self._write(config)
            return f"docker-credential-{helper}"
        self._forget(config, host)
        entry: dict[str, str] = {"auth": login.basic[6:]}
        if login.identity_token:
            entry = {"auth": Login(login.username, "").basic[6:], "identitytoken": login.identity_token}
        config.setdefault("auths", {})[key_of(host)] = entry
        self._write(config)
        return str(self.path)

    def erase(self, host: str) -> bool:
        """Forget a login; False when there was none."""
        config = self._read()
        helper = self._helper(config, host)
        found = self._forget(config, host)
        if helper and self._ask(helper, host) is not None:
            self._call(helper, "erase", key_of(host).encode(), host)
            found = True
        if found:
            self._write(config)
        return found

    # --- the file -------------------------------------------------------------------------------------------------

    def _read(self) -> dict[str, Any]:
        try:
            with self.path.open("rb") as stream:
                data = stream.read(_MAX_CONFIG + 1)
        except (FileNotFoundError, NotADirectoryError):  # without a file there are no logins
            return {}
        except OSError as error:
            raise trouble(f"cannot read the credentials in {self.path}", error) from error
        if not data.strip():
            return {}
        try:
            if len(data) > _MAX_CONFIG:
                raise ValueError
            config = json.loads(data)
        except (ValueError, RecursionError):
            # The parser's own message would quote the file, which holds passwords.
            raise FormatError(f"{self.path} is not JSON", source=str(self.path), why="Docker keeps logins in it",
                              hint="repair the file, or point DOCKER_CONFIG at another folder") from None
        if not isinstance(config, dict):
            raise FormatError(f"{self.path} holds no JSON object", source=str(self.path))
        return config

    def _write(self, config: dict[str, Any]) -> None:
        target = self.path.resolve() if self.path.is_symlink() else self.path
        try:
            if not target.parent.exists():
                target.parent.mkdir(parents=True, mode=0o700)
            draft = Draft(target.parent, mode=0o600)
            try:
                draft.write(json.dumps(config, indent="\t").encode())
                draft.keep(target)
            finally:
                draft.discard()
        except OSError as error:
            raise trouble(f"cannot write the credentials to {self.path}", error) from error

    @staticmethod
    def _forget(config: dict[str, Any], host: str) -> bool:
        auths = config.get("auths")
        if not isinstance(auths, dict):
            return False
        keys = [key for key in auths if host_of(key) == host]
        for key in keys:
            del auths[key]
        return bool(keys)

    # --- helpers --------------------------------------------------------------------------------------------------

    @staticmethod
    def _helper(config: dict[str, Any], host: str) -> str:
        helpers = config.get("credHelpers")
        if isinstance(helpers, dict):
            for key, name in helpers.items():
                if host_of(key) == host and isinstance(name, str):
                    return name
        store = config.get("credsStore")
        return store if isinstance(store, str) else ""

    def _ask(self, helper: str, host: str) -> Login | None:
        answer = self._call(helper, "get", key_of(host).encode(), host, absent_is_none=True)
        if answer is None:
            return None
        try:
            found = json.loads(answer)
            name, secret = str(found["Username"]), str(found["Secret"])
        except (ValueError, KeyError, TypeError):
            program = f"docker-credential-{helper}"
            raise ToolError(f"{program} gave no login for {host}", why="its answer has no Username and Secret",
                            program=program) from None
        return Login(identity_token=secret) if name == "<token>" else Login(name, secret)

    def _call(self, helper: str, verb: str, body: bytes, host: str, *, absent_is_none: bool = False) -> bytes | None:
        import subprocess

        program = f"docker-credential-{helper}"
        what = f"cannot {verb} the login of {host} with {program}"
        if not _HELPER_NAME.fullmatch(helper):
            raise ToolError(what, why=f"{quoted(helper[:40])} is no name of a helper", program=program,
                            hint=f"see {self.path}")
        try:
            done = self._run((program, verb), body)
        except FileNotFoundError:
            raise ToolError(what, why="there is no such program on the PATH", program=program,
                            hint=f"install it, or remove it from {self.path}") from None
        except subprocess.TimeoutExpired:
            raise ToolError(what, why=f"no answer in {_HELPER_SECONDS} s", program=program) from None
        except OSError as error:
            raise ToolError(what, why=str(error.strerror), program=program) from error
        if done.returncode == 0:
            return done.stdout
        text = (done.stdout + done.stderr).decode("utf-8", "replace").strip().lower()
        if absent_is_none and ("not found" in text or "no credentials" in text):
            return None
        # What it printed may hold the secret, so only its exit code is told.
        raise ToolError(what, why=f"it ended with exit code {done.returncode}", program=program,
                        hint=f"run {program} yourself to see why")


def default_path() -> Path:
    """Where Docker keeps its configuration."""
    folder = os.environ.get("DOCKER_CONFIG")
    return (Path(folder) if folder else Path.home() / ".docker") / "config.json"


def key_of(host: str) -> str:
    """The name Docker files a registry under."""
    return DOCKER_HUB_KEY if host == "docker.io" else host


def host_of(key: str) -> str:
    """The registry a name in ``auths`` means; older files hold URLs."""
    host = re.sub(r"^https?://", "", key).partition("/")[0]
    return "docker.io" if host in ("index.docker.io", "registry-1.docker.io", "docker.io") else host


def _decode(entry: dict[str, Any], source: str) -> Login | None:
    name, password = entry.get("username") or "", entry.get("password") or ""
    auth, token = entry.get("auth") or "", entry.get("identitytoken") or ""
    if isinstance(auth, str) and auth:
        # no login then: the registry's refusal says that one is needed
        with suppress(binascii.Error, UnicodeDecodeError, ValueError):
            name, _unused, password = base64.b64decode(auth, validate=True).decode().partition(":")
            password = password.rstrip("\0")
            return Login(name, password, str(token))
        raise FormatError("a login is not base64", source=source, hint="log in again")
    if token or name:
        return Login(str(name), str(password), str(token))
    return None


def _run(arguments: Sequence[str], body: bytes) -> subprocess.CompletedProcess[bytes]:
    import subprocess

    return subprocess.run(list(arguments), input=body, capture_output=True, timeout=_HELPER_SECONDS, check=False)
