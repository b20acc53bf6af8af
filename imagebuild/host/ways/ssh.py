# SPDX-License-Identifier: Apache-2.0
"""A host over the system's ``ssh``: a Windows with OpenSSH's server, or a Linux. Keys, agents, jump hosts and known
hosts are ssh's affair, as for ``docker -H ssh://``; a password is given to it where one is known."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from ...errors import HostError, UsageError, quoted
from ...windows.facts.machine import MachineFacts
from .. import engine
from ..address import HostAddress
from ..command import Command
from ..reached import ReachedHost, plain_line
from . import powershell
from .askpass import Askpass
from .process import ProcessCommand

if TYPE_CHECKING:
    from ...dockerapi import Client

CONNECT = 30
_ASK = "echo $env:OS-%OS%-$OS"
"""cmd says ``$env:OS-Windows_NT-$OS``, PowerShell ``Windows_NT-%OS%-``, a shell of Linux ``:OS-%OS%-``."""
Shell = Literal["cmd", "powershell", "sh"]

_CAUSES = (
    ("REMOTE HOST IDENTIFICATION HAS CHANGED", "ssh-host-key", "its key is another one than before: if that is right, "
     "'ssh-keygen -R HOST' forgets the old one"),
    ("Host key verification failed", "ssh-host-key", "connect once with 'ssh', look at the key and take it, or add it "
     "to known_hosts"),
    ("Permission denied", "ssh-denied", "which key is used, and is it in authorized_keys there "
     "(administrators_authorized_keys for administrators of Windows)?"),
    ("Connection refused", "ssh-unreachable", "does its sshd run, and on this port?"),
    ("Could not resolve hostname", "ssh-unreachable", "is the name right?"),
    ("timed out", "ssh-unreachable", "does its firewall let us through?"),
    ("No route to host", "ssh-unreachable", ""),
)


class SshHost(ReachedHost):
    """A host that ssh reaches. Nothing is sent before it is used. ``options`` are more of ssh's own. A ``password`` is
    tried after the keys that ssh has; without one ssh asks for nothing."""

    def __init__(self, address: HostAddress, password: str = "", *, options: Sequence[str] = ()) -> None:
        self.address = address
        self._askpass = Askpass(password) if password else None
        self.name = str(address)
        self._options = list(options)
        self._shell: Shell | None = None
        self._lock = threading.Lock()
        self._open: set[ProcessCommand] = set()
        self.dialer = engine.Dialer(self)

    def open(self, command: Sequence[str], *, deadline: float | None = None) -> Command:
        """See the port."""
        shell = self.shell()
        if shell == "sh":
            line = shlex.join(command)
        elif shell == "cmd":
            line = plain_line(command)
        else:
            line = "& " + " ".join(powershell.quoted(word) for word in command)
        return self._start(command[0], line, deadline)

    def shell(self) -> Shell:
        """What reads command lines there; asked once."""
        with self._lock:
            known = self._shell
        if known is None:
            with self._start("ssh", _ASK, CONNECT) as asked:
                asked.end()
                said = bytearray()
                while data := self._received(asked):
                    said += data
                text = said.decode("ascii", "replace").strip()
                code = asked.wait()
            if code or "OS" not in text:
                raise HostError(f"cannot use {self.name}", address=self.name,
                                why=f"its shell said {quoted(text[:80])} with "
                                f"{code} where cmd, PowerShell or sh was expected", hint="is it a git server?")
            known = "cmd" if "-Windows_NT-" in text else "powershell" if text.startswith("Windows_NT") else "sh"
            with self._lock:
                self._shell = known
        return known

    def facts(self) -> MachineFacts:
        """See the port. UnsupportedError for a Linux."""
        if self.shell() == "sh":
            from ...errors import UnsupportedError

            raise UnsupportedError(f"cannot collect the facts of {self.name}", why="it is not a Windows",
                                   hint="'wcow doctor facts' on the machine itself prints those of a Linux")
        return super().facts()

    def script(self, text: str) -> list[str]:
        """See :class:`ReachedHost`."""
        return powershell.command(text, powershell.PWSH if self.shell() == "sh" else powershell.PROGRAM)

    def ways(self) -> Iterator[engine.Way]:
        """The ways to its engine."""
        if self.shell() == "sh":
            program = self.address.docker or "docker"
            place = ("--host", f"unix://{self.address.path}") if self.address.path else ()
            yield engine.Way(f"{program} system dial-stdio", (program, *place, "system", "dial-stdio"))
            return
        yield from engine.windows_ways(self, self.address.docker)

    def engine(self) -> Client:
        """See the port."""
        return engine.client(self.dialer, self.name)

    def close(self) -> None:
        """See the port."""
        with self._lock:
            found, self._open = self._open, set()
        for one in found:
            one.close()
        if self._askpass is not None:
            self._askpass.close()

    def _received(self, asked: Command) -> bytes:
        try:
            return asked.receive(4096)
        except ConnectionError as error:
            raise getattr(error, "error", error) from None

    def _start(self, name: str, line: str, deadline: float | None) -> ProcessCommand:
        address = self.address
        if address.name.startswith("-") or address.user.startswith("-"):
            raise UsageError(f"cannot reach {self.name}", why="a name that begins with a dash is an option of ssh")
        words = ["ssh", "-T", "-o", f"ConnectTimeout={CONNECT}", "-o", "ServerAliveInterval=15",
                 "-o", "ServerAliveCountMax=3"]
        words += ["-o", "NumberOfPasswordPrompts=1"] if self._askpass else ["-o", "BatchMode=yes"]
        words += self._options
        words += ["-l", address.user] if address.user else []
        words += ["-p", str(address.port)] if address.port else []
        found = ProcessCommand(name, [*words, "--", address.name, line], self._judge,
                               environment=self._askpass.environment() if self._askpass else None)
        with self._lock:
            self._open = {one for one in self._open if not one.over}
            self._open.add(found)
        found.limit(deadline)
        return found

    def _judge(self, code: int, said: bytes) -> HostError | None:
        """ssh's own failures have the exit code 255."""
        if code != 255:
            return None
        text = " ".join(said.decode("utf-8", "replace").split())
        cause, hint = next(((cause, hint) for word, cause, hint in _CAUSES if word in text), ("ssh-lost", ""))
        if cause == "ssh-denied" and self._askpass is not None:
            hint = "is the password right, and does its sshd take passwords?"
        what = f"the connection to {self.name} was lost" if cause == "ssh-lost" else f"cannot reach {self.name}"
        return HostError(what, address=self.name, why=f"ssh says: {text[-400:]}" if text else "ssh ended with 255",
                         hint=hint, cause=cause, temporary=cause in ("ssh-lost", "ssh-unreachable"))
