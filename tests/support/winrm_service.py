# SPDX-License-Identifier: Apache-2.0
"""A WinRM service in a thread of the test's process."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from imagebuild.hostd.certificate import ensure_certificate, server_context
from imagebuild.hostd.winrm import Account, Accounts, Listener, Offered, Service
from imagebuild.hostd.winrm.login import store

from .winrm_machine import ShellMachine

USER, PASSWORD = "Administrator", "pass:word1"


@dataclass(slots=True)
class Served:
    """A service that runs: its ports, and what it is made of."""

    port: int
    tls_port: int
    service: Service
    accounts: Accounts
    machine: ShellMachine
    loop: asyncio.AbstractEventLoop


@contextmanager
def serving(folder: Path, machine: ShellMachine, *, unencrypted: bool = True, password: str = PASSWORD,
            kerberos: bool = False, authority: Path | None = None) -> Iterator[Served]:
    """Serve for the block; certificate and key lie in ``folder``. ``authority`` has signed clients' certificates."""
    certificate, key = folder / "winrm.pem", folder / "winrm.key"
    ensure_certificate(certificate, key, machine.name)
    accounts = Accounts(machine.name, (Account(USER, password),))
    before = os.environ.get("NTLM_USER_FILE")  # of another service of this process
    hashes = store(accounts)
    started, stop = threading.Event(), asyncio.Event()
    made: list[Served] = []

    async def run() -> None:
        service = Service(machine)
        files = (os.fspath(certificate), os.fspath(key))
        plain = Listener(service, accounts, Offered(unencrypted=unencrypted, kerberos=kerberos),
                         certificate=files)
        secure = Listener(service, accounts, Offered(kerberos=kerberos), server_context(certificate, key, authority),
                          files)
        await service.start()
        made.append(Served(await plain.start("127.0.0.1", 0), await secure.start("127.0.0.1", 0), service, accounts,
                           machine, asyncio.get_running_loop()))
        started.set()
        await stop.wait()
        await plain.close()
        await secure.close()
        await service.close()
        await machine.close()
        await asyncio.sleep(0.2)  # connections over TLS end in some turns of the loop

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    assert started.wait(20)
    try:
        yield made[0]
    finally:
        made[0].loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        os.close(hashes)
        if before is not None:
            os.environ["NTLM_USER_FILE"] = before
        assert not thread.is_alive(), "it has not ended in 20 seconds"
