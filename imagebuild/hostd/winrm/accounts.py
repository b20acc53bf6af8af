# SPDX-License-Identifier: Apache-2.0
"""The accounts of a host, and the lock against guessing."""

from __future__ import annotations

import hmac
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

TRIES = 10
"""Wrong passwords after which an account is locked: the policy of Windows Server since October 2022."""
WINDOW = 600.0
"""Seconds for which a wrong password counts, and for which an account stays locked."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user of a host. The password is never shown."""

    name: str
    password: str = field(repr=False)


@dataclass(slots=True)
class Accounts:
    """The users who may log in to the host ``machine``."""

    machine: str
    users: tuple[Account, ...]
    clock: Callable[[], float] = time.monotonic
    _wrong: dict[str, list[float]] = field(default_factory=dict)

    def find(self, name: str) -> Account | None:
        """Return the account that a name stands for: ``Administrator``, ``.\\Administrator``, ``HOST\\Administrator``,
        ``administrator@host``; none for another domain's."""
        domain, separator, user = name.rpartition("\\")
        if not separator:
            user, _unused, domain = name.partition("@")
        if domain.lower() not in ("", ".", "localhost", "workgroup", self.machine.lower(), _challenger().lower()):
            return None
        return next((one for one in self.users if one.name.lower() == user.lower()), None)

    def check(self, name: str, password: str) -> Account | None:
        """Return the account if that is its password and it is not locked; a wrong password is counted."""
        account = self.find(name)
        right = hmac.compare_digest((account.password if account else "").encode(), password.encode())
        if account is None or self.locked(account.name):
            return None
        if not right:
            self.failed(account.name)
            return None
        self.succeeded(account.name)
        return account

    def locked(self, name: str) -> bool:
        """Return whether an account is locked now."""
        return len(self._recent(name)) >= TRIES

    def failed(self, name: str) -> None:
        """Count a wrong password. Names of no account are not kept."""
        account = self.find(name)
        if account is not None and not self.locked(account.name):
            self._wrong[account.name] = [*self._recent(account.name), self.clock()]

    def succeeded(self, name: str) -> None:
        """Forget the wrong passwords of an account."""
        self._wrong.pop(name, None)

    def _recent(self, name: str) -> list[float]:
        return [moment for moment in self._wrong.get(name, ()) if self.clock() - moment < WINDOW]

    def ntlm_lines(self) -> str:
        """Return the accounts as pyspnego's NTLM acceptor reads them: a line of smbpasswd's form for each domain by
        which a client may call this machine, with the NT hash, so that a password may hold a colon."""
        from spnego._ntlm_raw.crypto import ntowfv1

        domains = ("", ".\\", "localhost\\", "WORKGROUP\\", f"{self.machine}\\", f"{_challenger()}\\")
        return "".join(f"{domain}{one.name}:1000:{'0' * 32}:{ntowfv1(one.password).hex().upper()}:[U]:LCT-0\n"
                       for one in self.users for domain in domains)


def _challenger() -> str:
    """Return the name that pyspnego's NTLM challenge gives this machine; clients that are told no domain, such as Go's,
    take it for the user's."""
    return socket.gethostname().upper()
