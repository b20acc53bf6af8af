# SPDX-License-Identifier: Apache-2.0
"""The state document on a host's drive, and what makes the host as it says: modules, registry, services."""

from __future__ import annotations

import io
import logging
from dataclasses import replace
from pathlib import Path

from ...engine import engine_place
from ...errors import FormatError, StoreError
from ...files import write_whole
from ...programs import our_program
from .. import drive_files
from ..box import Box
from ..record import HostPlace, HostRecord
from . import registry as state_registry
from . import services as state_services
from . import state as states
from .state import HostState

log = logging.getLogger("wcow.hostd")

FOLDER = ("ProgramData", "wcow")
DOCUMENT = "state.json"
_REGISTRY, _SERVICES, _PROGRAM = "state.reg", "services.cmd", "service.exe"
_MODULES = ("Program Files", "PowerShell", "Modules")
r"""Where both PowerShells look before their own modules: ``powershell.exe`` is PowerShell 7 with 5.1's manners."""
_SOURCES = Path(__file__).parent / "modules"


def read(place: HostPlace, record: HostRecord) -> HostState:
    """Return the state of a host, running or not. FormatError for a document with nonsense, StoreError."""
    data = _new(place)
    if data is None and place.drive.is_dir():
        data = drive_files.get(place, FOLDER, DOCUMENT, states.LARGEST)
    return states.default(client=record.client) if data is None else states.read(data, client=record.client)


def _new(place: HostPlace) -> bytes | None:
    """The document of a state that the host has not begun with yet."""
    try:
        return place.state_new.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"cannot read the state of the host {place.name}", errno=error.errno,
                         why=f"{place.state_new}: {error.strerror}") from error


def check(record: HostRecord, state: HostState) -> None:
    """Refuse a state that this host cannot have. FormatError."""
    state_services.check(state)
    facts = state.machine.host
    if facts.os not in ("", "windows"):
        raise FormatError("cannot use this state of a host", source="machine.host.os",
                          why=f"it is {facts.os[:40]}, and a host is Windows")
    if facts.version is not None and facts.version.build != record.build:
        raise FormatError("cannot use this state of a host", source="machine.host.version",
                          why=f"it is of build {facts.version.build}, and the host {record.name} has {record.build}",
                          hint="'wcow host start NAME --like FILE' makes a host that is like a machine")
    if facts.product and (facts.product == "client") != record.client:
        raise FormatError("cannot use this state of a host", source="machine.host.product",
                          why=f"it is a {facts.product}, and the host {record.name} is not",
                          hint="'wcow host start NAME --like FILE' makes a host that is like a machine")


def write(place: HostPlace, record: HostRecord, state: HostState) -> None:
    """Keep a state, which the host takes when it begins or when its process is told. FormatError, StoreError."""
    check(record, state)
    try:
        write_whole(place.state_new, states.write(state), mode=0o600)
    except OSError as error:
        raise StoreError(f"cannot keep the state of the host {place.name}", errno=error.errno,
                         why=f"{place.state_new}: {error.strerror}") from error


async def begin(place: HostPlace, record: HostRecord, box: Box) -> None:
    """Make a host that has just been started as its state says. A restart does what waited for it; a state that is new
    comes as it is, with its services. A document with nonsense is left alone, and the log says so."""
    first = drive_files.get(place, FOLDER, _SERVICES, states.LARGEST) is None
    fresh = place.state_new.exists()
    try:
        state = read(place, record)
        check(record, state)
    except FormatError as error:
        log.warning("%s: the state document is not used: %s", record.name, error)
        state = states.default(client=record.client)
    else:
        state = state if fresh else states.restarted(state)
        _lay_document(place, state)
    await make(place, record, box, state, services=fresh or first)


async def take(place: HostPlace, record: HostRecord, box: Box) -> None:
    """Make a running host as the state says that was written. FormatError, StoreError."""
    state = read(place, record)
    _lay_document(place, state)
    await make(place, record, box, state, services=True)


def _lay_document(place: HostPlace, state: HostState) -> None:
    data = states.write(state)
    if drive_files.get(place, FOLDER, DOCUMENT, states.LARGEST) != data:
        drive_files.put(place, FOLDER, DOCUMENT, io.BytesIO(data))


async def make(place: HostPlace, record: HostRecord, box: Box, state: HostState, *, services: bool) -> None:
    """Make a running host as a state says."""
    lay_modules(place, record, state)
    drive_files.put(place, FOLDER, _REGISTRY, io.BytesIO(state_registry.text(state, record.name)))
    folder = "C:\\" + "\\".join(FOLDER)
    code, said = await box.run(f"reg.exe import {folder}\\{_REGISTRY}")
    if code:
        log.warning("%s: reg import ended with %d: %s", record.name, code, said.decode("utf-8", "replace").strip())
    if services:
        _lay_program(place)
        drive_files.put(place, FOLDER, _SERVICES, io.BytesIO(state_services.batch(state)))
        await box.run(f"cmd.exe /c {folder}\\{_SERVICES}")
    place.state_new.unlink(missing_ok=True)


def lay_modules(place: HostPlace, record: HostRecord, state: HostState) -> None:
    """Put the modules of cmdlets on a host, but for those that a machine of this state has not. StoreError."""
    without = {"ServerManager"} if record.client else set()
    if state.machine.network.networks is None:
        without.add("HostNetworkingService")
    if state.machine.hypervisor.guests is None:
        without.add("Hyper-V")
    for source in sorted(_SOURCES.glob("*/*.*")):
        folder = (*_MODULES, source.parent.name)
        if source.parent.name in without:
            drive_files.remove(place, folder, source.name)
            continue
        data = source.read_bytes()
        if drive_files.get(place, folder, source.name, len(data)) != data:
            drive_files.put(place, folder, source.name, io.BytesIO(data))


def _lay_program(place: HostPlace) -> None:
    with our_program(_PROGRAM, engine_place().root / "sandbox").open("rb") as content:
        drive_files.put(place, FOLDER, _PROGRAM, content)


def like(record: HostRecord, state: HostState) -> HostRecord:
    """Return a record with the build, the revision and the kind of Windows that a state's machine has."""
    facts = state.machine.host
    if facts.version is None:
        return record
    return replace(record, build=facts.version.build, revision=facts.version.revision or 1,
                   client=facts.product == "client")


def lay_script(place: HostPlace, name: str, content: bytes) -> None:
    """Put a script beside the state document. StoreError."""
    drive_files.put(place, FOLDER, name, io.BytesIO(content))
