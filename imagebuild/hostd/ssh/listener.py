# SPDX-License-Identifier: Apache-2.0
"""The ssh service's wire: host key, logins, sessions."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable
from pathlib import Path

import asyncssh

from ...files import write_whole
from ..program import Machine, NotFound, Start
from ..winrm.accounts import Account, Accounts
from .session import Channel, Session
from .shell import QUERY, Shell

log = logging.getLogger("wcow.hostd.ssh")
logging.getLogger("asyncssh").setLevel(logging.WARNING)  # it tells of every channel

LOGIN_SECONDS = 120
"""OpenSSH's LoginGraceTime."""
KEYS = r"C:\ProgramData\ssh\administrators_authorized_keys"
"""Keys of administrators, as sshd_config of OpenSSH for Windows names them."""
_LONGEST = 1 << 20


class SshListener:
    """The service on one port. ``key`` is the file of the host's own key, which is made when it is missing."""

    def __init__(self, machine: Machine, accounts: Accounts, key: Path) -> None:
        self._machine, self._accounts, self._key = machine, accounts, key
        self._server: asyncssh.SSHAcceptor | None = None
        self._connections: set[asyncssh.SSHServerConnection] = set()

    async def start(self, address: str, port: int) -> int:
        """Listen; return the port. OSError when it is taken."""
        self._server = await asyncssh.listen(
            address, port, server_factory=lambda: _Server(self._machine, self._accounts, self._connections),
            server_host_keys=[host_key(self._key)], server_version="OpenSSH_for_Windows_9.5",
            login_timeout=LOGIN_SECONDS, keepalive_interval=60, agent_forwarding=False, x11_forwarding=False,
            allow_scp=False, reuse_address=True)
        return self._server.get_port()

    async def close(self) -> None:
        """Listen no more, and end every connection with its programs."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        for connection in list(self._connections):
            connection.abort()
        await server.wait_closed()


def host_key(path: Path) -> asyncssh.SSHKey:
    """Return the host's own key; it is made when it is missing, for its user alone."""
    if not path.exists():
        write_whole(path, asyncssh.generate_private_key("ssh-ed25519").export_private_key(), mode=0o600)
    return asyncssh.read_private_key(os.fspath(path))


class _Server(asyncssh.SSHServer):
    """One connection: who logs in, and which sessions it opens."""

    def __init__(self, machine: Machine, accounts: Accounts, connections: set[asyncssh.SSHServerConnection]) -> None:
        self._machine, self._accounts, self._connections = machine, accounts, connections
        self._connection: asyncssh.SSHServerConnection | None = None
        self._account: Account | None = None
        self._shell: asyncio.Task[Shell] | None = None
        self._keys: asyncio.Task[str] | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Keep the connection."""
        self._connection = conn
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        if self._connection is not None:
            self._connections.discard(self._connection)
        for task in (self._shell, self._keys):
            if task is not None:
                task.cancel()

    # --- logins

    def begin_auth(self, username: str) -> bool:
        """Ask each client who it is."""
        return True

    def password_auth_supported(self) -> bool:
        """Passwords are taken."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """Whether this is the account's password; wrong ones are counted, as WinRM's are."""
        self._account = self._accounts.check(username, password)
        if self._account is None:
            log.warning("ssh: a login as %.64r failed", username)
        return self._account is not None

    def kbdint_auth_supported(self) -> bool:
        """Passwords by questions are not taken: a wrong one would count twice."""
        return False

    def public_key_auth_supported(self) -> bool:
        """Keys are taken."""
        return True

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether the host's administrators may log in by this key. A locked account may not."""
        account = self._accounts.find(username)
        if account is None or self._accounts.locked(account.name):
            return False
        if self._keys is None:  # once for a connection, whatever number of keys it offers
            self._keys = asyncio.create_task(self._said(f'cmd.exe /c "type {KEYS}"'))
        known = parse_keys(await asyncio.shield(self._keys))
        return key.public_data in known

    # --- sessions

    def session_requested(self) -> tuple[Channel, Session] | bool:
        """Open a session of bytes."""
        if self._connection is None:
            return False
        peer, own = (self._connection.get_extra_info(name) or ("", 0) for name in ("peername", "sockname"))
        environment = (("SSH_CLIENT", f"{peer[0]} {peer[1]} {own[1]}"),
                       ("SSH_CONNECTION", f"{peer[0]} {peer[1]} {own[0]} {own[1]}"))
        channel: Channel = self._connection.create_server_channel(encoding=None)
        return channel, Session(self._machine, self._default_shell, environment)

    def _default_shell(self) -> Awaitable[Shell]:
        if self._shell is None:
            self._shell = asyncio.create_task(self._ask_shell())
        return asyncio.shield(self._shell)

    async def _ask_shell(self) -> Shell:
        return Shell.parse(await self._said(QUERY))

    async def _said(self, line: str) -> str:
        """Return what a short program of the host writes; nothing for one that fails."""
        try:
            program = await self._machine.start(Start(line))
        except NotFound:
            return ""
        await program.end_input()
        said = b""
        while (got := await program.read()) is not None and len(said) < _LONGEST:
            if got[0] == "stdout":
                said += got[1]
        return said.decode("utf-8", "replace") if await program.code() == 0 else ""


def parse_keys(text: str) -> frozenset[bytes]:
    """Return the keys of an ``authorized_keys`` file; lines that cannot be read are passed over, as sshd does."""
    found = set()
    for line in text.replace("\ufeff", "").splitlines():
        try:
            found.add(asyncssh.import_public_key(line).public_data)
        except (asyncssh.KeyImportError, ValueError):
            continue
    return frozenset(found)
