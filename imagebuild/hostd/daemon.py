# SPDX-License-Identifier: Apache-2.0
"""The process of a host: its box in an engine of its own, and the services by which it is reached."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..dockerapi import Client
from ..dockerapi.faults import Fault
from ..engine import EngineSettings, engine_place, inside
from ..engine import Running as RunningEngine
from ..errors import DependencyError, ToolError, WcowError
from ..images import BaseRequest, bring_stand_in
from .box import Box
from .certificate import ensure_certificate, server_context
from .commands import Commands
from .docker.engine import open_pipe
from .docker.service import DockerService
from .power import PIPE, Power
from .record import HostPlace, HostRecord, RunningHost, held, tell_running
from .state import files as state_files
from .state.registry import SIGN_IN
from .winrm import Account, Accounts, Listener, Offered, Service
from .winrm.login import store
from .winrm.trouble import Trouble

if TYPE_CHECKING:
    from ..engine.core import Engine
    from .ssh import SshListener

log = logging.getLogger("wcow.hostd")

Make = Callable[[EngineSettings], "Engine"]
Say = Callable[[str], None]
CONTAINER = "host"
"""The box's name in its engine."""
_STOP_SECONDS = 15


def settings_of(place: HostPlace, record: HostRecord) -> EngineSettings:
    """Return how the engine that runs a host's box is set up; it shares Wine's prefix with the user's engine."""
    return EngineSettings(place.box, build=record.build, revision=record.revision, name=record.name,
                          shared=engine_place().root, own_drive=place.drive)


def serve(place: HostPlace, record: HostRecord, make: Make, *, say: Say, ready: Callable[[RunningHost], None]) -> None:
    """Be the host until SIGTERM or SIGINT: start its box, answer on its ports, and stop the box at the end.

    ``say`` gets lines of progress, ``ready`` is called when everything answers. Raises what keeps it from that.
    """
    settings = settings_of(place, record)
    with held(place), ExitStack() as stack:
        place.box.mkdir(exist_ok=True, mode=0o700)
        engine = stack.enter_context(inside(lambda: make(settings), place.box, say=say))
        client = stack.enter_context(Client.at(engine.host, timeout=60))
        stack.enter_context(_box(client, record, say))
        asyncio.run(_answer(place, record, engine, client, ready, make))


@contextmanager
def _box(client: Client, record: HostRecord, say: Say) -> Iterator[None]:
    """Start the host's container, which is made when it is missing, and stop it at the end."""
    found = client.json("GET", "/containers/json", query={"all": True, "filters": {"name": {f"^/?{CONTAINER}$": True}}})
    if not found:
        say(f"making Windows Server, build {record.build}")
        image = f"wcow.invalid/host/server:{record.os_version}"
        bring_stand_in(client, BaseRequest(flavour="server", os_version=record.os_version), image)
        client.json("POST", "/containers/create", query={"name": CONTAINER}, body={
            "Image": image, "Hostname": record.name, "Cmd": ["cmd.exe"], "OpenStdin": True, "Tty": False,
            "WorkingDir": "C:\\", "HostConfig": {"LogConfig": {"Type": "none"}}})
    _start(client)
    try:
        yield
    finally:
        with contextlib.suppress(Exception):
            _stop(client)


def _start(client: Client) -> None:
    with client.call("POST", f"/containers/{CONTAINER}/start"):
        pass


def _stop(client: Client) -> None:
    with client.call("POST", f"/containers/{CONTAINER}/stop", query={"t": _STOP_SECONDS}):
        pass


async def _answer(place: HostPlace, record: HostRecord, engine: RunningEngine, client: Client,
                  ready: Callable[[RunningHost], None], make: Make) -> None:
    """Run the WinRM service and the Docker engine until a signal comes, or a program on the host shuts it down."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    box = Box(client, CONTAINER, name=record.name.upper(), version=f"10.0.{record.build}")
    accounts = Accounts(box.name, (Account(record.user, record.password),))
    os.environ["NETBIOS_COMPUTER_NAME"] = box.name  # what pyspnego's NTLM says this machine is called
    hashes = store(accounts)
    certificate, key = place.certificate
    ensure_certificate(certificate, key, record.name)
    files = (os.fspath(certificate), os.fspath(key))
    service = Service(box, ahead=True)
    kerberos = _kerberos(record)
    tls = server_context(certificate, key, Path(record.client_ca) if record.client_ca else None)
    plain = Listener(service, accounts, Offered(unencrypted=record.unencrypted, kerberos=kerberos), certificate=files)
    secure = Listener(service, accounts, Offered(kerberos=kerberos), tls, files)
    docker = DockerService(place, record, make, client, CONTAINER, box)
    power = Power()
    ssh = _ssh(place, record, box, accounts)
    lock = asyncio.Lock()

    async def tell_state(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        async with lock:
            await state_files.take(place, record, box)
        return {}

    async def tell_engine(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"engine": engine.host, "container": CONTAINER}

    async def tell_fault(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        if asked.get("clear"):
            service.troubles.clear()
        if asked.get("fault"):
            service.troubles.add(Trouble(**asked["fault"]))
        return {"faults": [asdict(one) for one in service.troubles.all]}

    commands = Commands({"state": tell_state, "engine": tell_engine, "fault": tell_fault})

    async def begin(run: RunningHost) -> RunningHost:
        await asyncio.to_thread(open_pipe, client, CONTAINER, PIPE, place.power)
        await asyncio.gather(service.start(), docker.begin())
        await state_files.begin(place, record, box)
        port = await _listen(plain, record.address, run.port)
        tls_port = -1 if run.tls_port < 0 else await _listen(secure, record.address, run.tls_port)
        ssh_port = -1 if ssh is None else await _listen(ssh, record.address, run.ssh_port)
        return RunningHost(run.pid, port, tls_port, ssh_port)

    async def close_listeners() -> None:
        for one in (plain, secure, ssh):
            if one is not None:
                await one.close()

    async def end() -> None:
        await close_listeners()
        await service.close()
        await asyncio.to_thread(docker.engine.stop)
        with contextlib.suppress(Fault, WcowError):  # the box may have ended by itself
            await box.run(f'reg.exe delete "{SIGN_IN}" /f')

    try:
        await power.listen(place.power)
        run = await begin(RunningHost(os.getpid(), record.port, record.tls_port, record.ssh_port))
        await commands.listen(place.commands)
        tell_running(place, run)
        ready(run)
        log.info("%s answers on %s:%d", record.name, record.address, run.port)
        while await _happens(stop, power) == "r":
            log.info("%s restarts", record.name)
            await end()
            await asyncio.to_thread(_stop, client)
            await asyncio.to_thread(_start, client)
            await begin(run)
            log.info("%s answers again", record.name)
    finally:
        await commands.close()
        await power.close()
        await close_listeners()
        await service.close()
        await docker.close()
        box.close()
        os.close(hashes)
        place.power.unlink(missing_ok=True)
        place.commands.unlink(missing_ok=True)


def _kerberos(record: HostRecord) -> bool:
    """Let this process accept Kerberos where the host has a keytab, and return whether it does. ToolError for a keytab
    that is not there, DependencyError where the package is missing."""
    if not record.keytab:
        return False
    try:
        Path(record.keytab).open("rb").close()
    except OSError as error:
        raise ToolError(f"cannot read the keytab {record.keytab}", program="wcow host",
                        why=error.strerror or str(error),
                        hint="--keytab names a file with the key of HTTP/HOST@REALM") from error
    missing = [name for name in ("gssapi", "krb5") if importlib.util.find_spec(name) is None]
    if missing:
        raise DependencyError("cannot accept Kerberos", why=f"Python packages are missing: {', '.join(missing)}",
                              hint="pip install 'wcow[kerberos]'")
    os.environ["KRB5_KTNAME"] = f"FILE:{record.keytab}"
    os.environ["KRB5RCACHETYPE"] = "none"  # clients of tests log in many times a second
    return True


def _ssh(place: HostPlace, record: HostRecord, box: Box, accounts: Accounts) -> SshListener | None:
    """Return the ssh service. ``None`` where ssh is switched off, or where asyncssh is missing and no port was asked
    for; DependencyError where it is missing and one was."""
    if record.ssh_port < 0:
        return None
    try:
        from .ssh import SshListener, lay_sftp_server
    except ModuleNotFoundError as error:
        if error.name != "asyncssh":
            raise
        if record.ssh_port:
            raise DependencyError("cannot answer ssh", why="the Python package asyncssh is missing",
                                  hint="pip install 'wcow[host]'") from error
        log.warning("%s has no ssh: the Python package asyncssh is missing", record.name)
        return None
    lay_sftp_server(place)
    return SshListener(box, accounts, place.ssh_key)


async def _happens(stop: asyncio.Event, power: Power) -> str:
    """Return ``r`` when the machine is to restart, ``s`` when it is to end, by a signal or by a program on it."""
    ended, asked = asyncio.create_task(stop.wait()), asyncio.create_task(power.wait())
    await asyncio.wait((ended, asked), return_when=asyncio.FIRST_COMPLETED)
    ended.cancel()
    if asked.cancel() or stop.is_set():
        return "s"
    return asked.result()


async def _listen(listener: Listener | SshListener, address: str, port: int) -> int:
    try:
        return await listener.start(address, port)
    except OSError as error:
        raise ToolError(f"cannot listen on {address}:{port}", program="wcow host", why=error.strerror or str(error),
                        hint="choose another port, or 0 for a free one") from error
