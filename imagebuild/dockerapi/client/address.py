# SPDX-License-Identifier: Apache-2.0
"""Where an engine listens, as ``DOCKER_HOST`` and Docker's contexts write it.

Rules: docker/cli ``opts/hosts.go`` (ParseHost) and ``cli/connhelper/ssh/ssh.go`` (ParseURL).
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from ...errors import UnsupportedError, UsageError, quoted

UNIX = "/var/run/docker.sock"
NPIPE = "//./pipe/docker_engine"
PORT, TLS_PORT = 2375, 2376

_LOOPBACK = re.compile(r"localhost|127(?:\.\d{1,3}){3}|::1")


@dataclass(frozen=True, slots=True)
class Address:
    """One engine's address. ``str()`` gives it back without a password, as errors show it."""

    scheme: str  #: unix, npipe, tcp or ssh
    path: str = ""  #: of the socket or the pipe; over ssh that of the socket there, or empty
    name: str = ""
    port: int = 0
    user: str = ""
    prefix: str = ""  #: what stands before each path of the API (a proxy's ``tcp://name:port/prefix``)
    secure: bool = False  #: written as https

    def __str__(self) -> str:
        if self.scheme in ("unix", "npipe"):
            return f"{self.scheme}://{self.path}"
        name = f"[{self.name}]" if ":" in self.name else self.name
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        return f"{self.scheme}://{user}{name}{port}{self.prefix or self.path}"

    @property
    def local(self) -> bool:
        """Whether it is an engine of this machine: a socket, a pipe of this machine, or the loopback network."""
        return (self.scheme == "unix" or (self.scheme == "npipe" and self.path.startswith("//./"))
                or (self.scheme == "tcp" and bool(_LOOPBACK.fullmatch(self.name))))


def usual() -> Address:
    """The address that docker takes when none is set."""
    return Address("npipe", NPIPE) if sys.platform == "win32" else Address("unix", UNIX)


def of_environment(text: str, *, tls: bool = False) -> Address:
    """What ``DOCKER_HOST`` says, by docker's rules: a bare name is tcp, and ``http://`` is refused. Empty is the usual
    place, or ``tcp://localhost:2376`` when TLS is wanted. UsageError for what is not an address."""
    text = text.strip()
    if not text:
        return Address("tcp", name="localhost", port=TLS_PORT) if tls else usual()
    if "://" not in text:
        text = f"tcp://{text}"
    scheme = text.partition("://")[0]
    if scheme not in ("unix", "npipe", "tcp", "ssh"):
        raise _wrong(text, f"{quoted(scheme[:20])} is not a kind of address", "unix, tcp, npipe and ssh are")
    return parse(text, tls=tls)


def of_context(text: str) -> Address:
    """What a context's endpoint says; empty is the usual place."""
    return parse(text) if text else usual()


def parse(text: str, *, tls: bool = False) -> Address:
    """An address with its kind (``http`` and ``https`` are tcp). ``tls`` decides which port is the usual one.

    UsageError for what is not an address, UnsupportedError for a kind that is not known here.
    """
    scheme, _unused, rest = text.partition("://")
    if scheme == "unix":
        return Address("unix", rest or UNIX)
    if scheme == "npipe":
        return Address("npipe", rest.replace("\\", "/") or NPIPE)
    if scheme not in ("tcp", "http", "https", "ssh"):
        raise UnsupportedError(f"cannot reach an engine at {_shown(text)}",
                               why=f"{quoted(scheme[:20])} is not a kind of address that is known here",
                               hint="unix:///path, tcp://name:port, npipe:////./pipe/name and ssh://user@name are")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _wrong(text, str(error)) from None
    if re.search(r"[\s\x00-\x1f]", text):
        raise _wrong(text, "it has a space or a control character in it")
    if scheme == "ssh":
        return _ssh(text, parts, port)
    secure = tls or scheme == "https"
    return Address("tcp", name=parts.hostname or "localhost", port=port if port is not None else
                   TLS_PORT if secure else PORT, prefix=parts.path.rstrip("/"), secure=scheme == "https")


def _ssh(text: str, parts: SplitResult, port: int | None) -> Address:
    if parts.password is not None:
        raise _wrong(text, "a password in the address is not supported", "use a key, or ssh's own configuration")
    if not parts.hostname:
        raise _wrong(text, "it names no host")
    if parts.query or parts.fragment:
        raise _wrong(text, "it goes on after the host's name")
    # As it is written: ssh's configuration may know a name by its case. A name is never an option of ssh.
    name = parts.netloc.rpartition("@")[2]
    name = name[1:name.index("]")] if name.startswith("[") else name.partition(":")[0]
    user = unquote(parts.username or "")
    if name.startswith("-") or user.startswith("-"):
        raise _wrong(text, "a name that begins with a dash would be an option of ssh")
    return Address("ssh", path=unquote(parts.path) if parts.path != "/" else "", name=name, port=port or 0, user=user)


def _wrong(text: str, why: str, hint: str = "") -> UsageError:
    return UsageError(f"cannot reach an engine at {_shown(text)}", why=why, hint=hint)


def _shown(text: str) -> str:
    """The text in quotes, without what may be a password."""
    return quoted(re.sub(r"//[^/@]*@", "//***@", text)[:120])
