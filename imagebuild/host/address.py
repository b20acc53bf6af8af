# SPDX-License-Identifier: Apache-2.0
"""Where a host is, and how it is reached: ``winrm://``, ``ssh://``, an engine's address, or this machine.

::

    winrm://[user@]host[:5986]         WinRM over HTTPS
    winrm+http://[user@]host[:5985]    WinRM over HTTP, messages encrypted (NTLM, Kerberos, CredSSP)
    ssh://[user@]host[:port]           the system's ssh; a Windows or a Linux
    tcp://host[:port]  unix://PATH  npipe://PIPE  context://NAME      an engine alone: its API, no programs
    local                              this machine
    host://NAME                        one of ``wcow host list``
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ..dockerapi.client import address as engines
from ..errors import InputError, UnsupportedError, UsageError, quoted

TLS_PORT, PORT = 5986, 5985
KINDS = ("winrm", "winrm+http", "ssh", "tcp", "unix", "npipe", "context", "local", "host")
AUTH = ("negotiate", "ntlm", "kerberos", "credssp", "basic", "certificate")
"""Ways to log in by WinRM; the first is what is taken when none is named."""

_ENGINES = frozenset({"tcp", "unix", "npipe", "context"})
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,253}[A-Za-z0-9_])?")
_USER = re.compile(r"//[^/@]*@")
_FORBIDDEN = re.compile(r"[\s\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class HostAddress:
    """A host's address, and what is known about how to log in there. It holds no password.

    ``str()`` is the address as errors show it. ``path`` is a socket's, a pipe's or a context's name.
    """

    kind: str
    name: str = ""
    port: int = 0
    user: str = ""
    path: str = ""
    auth: str = ""  #: one of :data:`AUTH`; empty: the usual one
    ca: str = ""  #: PEM file of the CAs that are trusted; empty: the system's
    certificate: str = ""  #: PEM file that we show; with ``key``
    key: str = ""
    docker: str = ""  #: full path of docker.exe there; empty: it is looked for
    proxy: str = ""  #: URL of an HTTP proxy; empty: what the environment says
    clear_text: bool = field(default=False)  #: allow Basic over plain HTTP
    unverified: bool = False  #: take any certificate, as the configuration that it comes from says

    def __str__(self) -> str:
        if self.kind == "local":
            return "local"
        if self.kind in ("unix", "npipe", "context"):
            return f"{self.kind}://{self.path}"
        name = f"[{self.name}]" if ":" in self.name else self.name
        usual = {"winrm": TLS_PORT, "winrm+http": PORT}.get(self.kind, 0)
        return (f"{self.kind}://{self.user + '@' if self.user else ''}{name}"
                f"{f':{self.port}' if self.port not in (0, usual) else ''}{self.path}")

    @property
    def engine_only(self) -> bool:
        """Whether it is an engine's address: programs cannot be run there."""
        return self.kind in _ENGINES

    @property
    def needs_password(self) -> bool:
        """Whether a login there takes a password."""
        return (self.kind in ("winrm", "winrm+http") and self.auth not in ("kerberos", "certificate")
                and not self.certificate)

    @property
    def url(self) -> str:
        """Where WS-Management is spoken."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return f"{'https' if self.kind == 'winrm' else 'http'}://{name}:{self.port}/wsman"


def parse(text: str, hosts: Mapping[str, HostAddress] | None = None) -> HostAddress:
    """The address that a user wrote; ``hosts`` are those of ``wcow.toml`` by name.

    UsageError for what cannot be an address, UnsupportedError for a kind that is not known.
    """
    text = text.strip()
    if not text:
        raise UsageError("no host was named", hint=_HINT)
    if hosts and text in hosts:
        return hosts[text]
    if text == "local":
        return HostAddress("local")
    kind, colon, rest = text.partition("://")
    if not colon:
        known = f"; [hosts] of wcow.toml has {', '.join(sorted(hosts))}" if hosts else "; wcow.toml names no hosts"
        raise UsageError(f"{_shown(text)} is not a host", why=f"it has no kind of address{known}", hint=_HINT)
    kind = kind.lower()
    if kind not in KINDS or kind == "local":
        raise UnsupportedError(f"cannot reach a host at {_shown(text)}",
                               why=f"{quoted(kind[:20])} is not a kind of address that is known here", hint=_HINT)
    if kind in ("winrm", "winrm+http"):
        return _winrm(kind, text)
    if kind in ("context", "host"):
        if not _NAME.fullmatch(rest):
            raise _wrong(text, f"{kind}:// is followed by a name alone", f"{kind}://NAME")
        return HostAddress(kind, path=rest) if kind == "context" else HostAddress(kind, name=rest)
    found = engines.parse(f"{kind}://{rest}")
    return HostAddress(found.scheme, found.name, found.port, found.user, found.path or found.prefix)


def from_table(name: str, table: Any, folder: Path) -> HostAddress:
    """The address of ``[hosts.NAME]`` in ``wcow.toml``; paths are relative to ``folder``. InputError for a key that is
    not known or a value of the wrong kind, also for a password: it is not kept in files."""
    what = f"'hosts.{name}'"
    if not isinstance(table, dict):
        raise InputError(f"{what} must be a table", hint='[hosts.NAME], then address = "winrm://host"')
    known = {one.name for one in fields(HostAddress)} & {"auth", "ca", "certificate", "key", "docker", "proxy"}
    for key, value in table.items():
        if key == "password":
            raise InputError(f"{what} has a password", why="secrets are not kept in wcow.toml",
                             hint="WCOW_HOST_PASSWORD, --password-stdin, or the keyring")
        if key not in known | {"address", "user"}:
            raise InputError(f"{what}: unknown key '{key}'", hint=f"keys are {', '.join(sorted(known | {'address'}))}")
        if not isinstance(value, str):
            raise InputError(f"{what}: '{key}' must be a text in quotes")
    if "address" not in table:
        raise InputError(f"{what} has no address", hint='address = "winrm://host"')
    try:
        found = parse(table["address"])
    except (UsageError, UnsupportedError) as error:
        raise InputError(f"{what}: {error.what}", why=error.why, hint=error.hint) from None
    values = {key: table[key] for key in known & set(table)}
    for key in ("ca", "certificate", "key"):
        if key in values:
            values[key] = str(folder / Path(values[key]).expanduser())
    if values.get("auth", AUTH[0]) not in AUTH:
        raise InputError(f"{what}: there is no login {quoted(values['auth'][:40])}",
                         hint=f"there are {', '.join(AUTH)}")
    if table.get("user"):
        values["user"] = table["user"]
    return replace(found, **values)


def _winrm(kind: str, text: str) -> HostAddress:
    if _FORBIDDEN.search(text):
        raise _wrong(text, "it has a space or a control character in it")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _wrong(text, str(error)) from None
    if parts.password is not None:
        raise _wrong(text, "a password in an address would be seen in lists of processes, and kept in histories",
                     "WCOW_HOST_PASSWORD, --password-stdin, or the keyring")
    name = parts.hostname or ""
    if not name or name.startswith("-"):
        raise _wrong(text, "it names no host", f"{kind}://[user@]host[:port]")
    if ":" not in name and not _NAME.fullmatch(name):
        raise _wrong(text, f"{quoted(name[:60])} cannot be the name of a host")
    if parts.path.rstrip("/") or parts.query or parts.fragment:
        raise _wrong(text, "it goes on after the host's name", f"{kind}://[user@]host[:port]")
    if port == 0:
        raise _wrong(text, "port 0 is not a port")
    return HostAddress(kind, name, port or (TLS_PORT if kind == "winrm" else PORT), unquote(parts.username or ""))


_HINT = "winrm://host, ssh://user@host, tcp://host:2376, unix:///path, context://NAME, host://NAME or local"


def _wrong(text: str, why: str, hint: str = "") -> UsageError:
    return UsageError(f"cannot reach a host at {_shown(text)}", why=why, hint=hint)


def _shown(text: str) -> str:
    """The text in quotes, without what may be a password."""
    return quoted(_USER.sub("//***@", text[:400])[:120])
