# SPDX-License-Identifier: Apache-2.0
"""The Wine prefix that all boxes share: made once for each version of Wine, never copied, never written again.

Its drive C is the lowest folder of every overlay. ``wineboot`` makes it inside the same sandbox that boxes get, else
the host's user name, fonts and paths would end in its registry. Debian ships Wine's Windows files with debug
information, 711 MB; programs never run the copies in a prefix (Wine recognises them and loads its own), they need only
exist, so ``wineboot`` is given files without it to copy: 149 MB.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from ...errors import ToolError
from .. import messages, toolchain
from ..install import Install
from ..linux.account import Account
from ..linux.bwrap import USER
from ..port import Progress
from ..registry.identity import OTHER_USER
from . import altered, cmd_exe, kernelbase
from .undebugged import undebugged

FORM = 19
"""Counted up when what a template holds changes in another way than by :data:`_ADDED`."""
HIVES = ("system.reg", "user.reg", "userdef.reg")
UPDATED = ".update-timestamp"
"""Says when Wine brought a prefix up to date, or that it is not to do so: it would take minutes."""
REFUSED = ("cacls.exe", "certutil.exe", "robocopy.exe", "dism.exe", "netsh.exe", "schtasks.exe",
           "wevtutil.exe", "secedit.exe", "lodctr.exe", "unlodctr.exe", "pnputil.exe", "sdbinst.exe",
           "mofcomp.exe")
"""Programs that Wine pretends to have, or that Windows has and Wine lacks: each is ``refuse.exe`` under its name."""
OURS = ("mklink.exe", "timeout.exe", "ping.exe", "systeminfo.exe", "whoami.exe", "shutdown.exe", "wbem/wmic.exe",
        "setx.exe", "net.exe", "curl.exe", "tar.exe", "find.exe", "icacls.exe")
"""Programs of Windows that we made anew, below ``System32``."""
KEPT = {"whoami.exe": "whoami2.exe", "wmic.exe": "wbem/wmic2.exe", "net.exe": "net2.exe"}
"""Programs of Wine that ours hand on to what they do not do themselves, and where they lie."""
_CMD = "windows/system32/cmd.exe"
_POWERSHELL = "windows/system32/WindowsPowerShell/v1.0/powershell.exe"
OVERRIDES = ("wineboot.exe", "powershell.exe", *REFUSED, *(name.rpartition("/")[2] for name in OURS))
"""Names for which Wine is to take the file in the prefix and not its own program, always.

The first program of a wineserver starts ``wineboot.exe``, which starts services and drivers: 0.3 s and 45 MB for things
few containers ask for. Ours is an empty file, so nothing is started and nothing is waited for; ``launcher.exe`` starts
drivers and the service manager when a program asks for them (``programs/mounts.c``, ``services.c``).
"""


def _stores() -> str:
    """The stores of certificates that every Windows has: Wine would make these keys when a program first looks. The
    value keeps the key below which the roots are (``programs/roots.c``): Wine drops an empty one at a save."""
    lines = []
    for store in ("CA", "My", "Root", "Trust"):
        for kind in ("Certificates", "CRLs", "CTLs"):
            lines += [rf"[Software\\Microsoft\\SystemCertificates\\{store}\\{kind}]", '@=""', ""]
    return "\n".join(lines)


_ADDED = {
    # Windows are made and not shown; without it a console complains on stderr that there is no display.
    "user.reg": r"""
[Software\\Wine\\Drivers]
"Graphics"="null"

""" + _stores(),
    # Which Windows it is stands here for an image that has no registry of a base; build and name come with each box.
    #
    # Wine's debugger would put a page of registers into the error output of a program that crashes, and then show a box
    # that nobody sees and wait for an answer. In its place a file that cannot be started.
    #
    # The service manager would start drivers that launcher.exe has already, and others for devices that no box has.
    #
    # Every program that begins looks through the time zones, sorted by name, for the first that is like the machine's
    # (find_reg_tz_info in dlls/ntdll). A box has UTC: that was Greenwich, after 600 questions to wineserver, 20 ms. One
    # whose name comes before all letters is found at once. Its MUI names are plain text: for one like @tzres.dll,-22000
    # every program would map that library twice.
    "system.reg": r"""
[Software\\Microsoft\\Windows NT\\CurrentVersion]
"EditionID"="ServerDatacenter"
"InstallationType"="Server Core"
"ProductId"="00454-40000-00001-AA000"
"ProductName"="Windows Server"

[Software\\Microsoft\\Windows NT\\CurrentVersion\\AeDebug]
"Auto"="1"
"Debugger"="C:\\windows\\system32\\wineboot.exe"

[Software\\Microsoft\\Windows NT\\CurrentVersion\\Time Zones\\(UTC)]
"Display"="(UTC) Coordinated Universal Time"
"Dlt"="Coordinated Universal Time"
"MUI_Display"="(UTC) Coordinated Universal Time"
"MUI_Dlt"="Coordinated Universal Time"
"MUI_Std"="Coordinated Universal Time"
"Std"="Coordinated Universal Time"
"TZI"=hex:00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,\
  00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00

[System\\ControlSet001\\Services\\MountMgr]
"Start"=dword:00000003

[System\\ControlSet001\\Services\\NDIS]
"Start"=dword:00000003

[System\\ControlSet001\\Services\\nsiproxy]
"Start"=dword:00000003

[System\\ControlSet001\\Services\\PlugPlay]
"Start"=dword:00000003

[System\\ControlSet001\\Control\\Lsa\\FipsAlgorithmPolicy]
"Enabled"=dword:00000000
"MDMEnabled"=dword:00000000

[System\\ControlSet001\\Control\\TimeZoneInformation]
"StandardName"="Coordinated Universal Time"
"TimeZoneKeyName"="(UTC)"

""" + _stores(),
}

_DEVICES = rb"[System\\ControlSet001\\Enum\\ROOT\\WINE\\"
_THREADS = 2


def folder_name(install: Install) -> str:
    """The name of the template's folder: it changes with Wine and with what we make of it."""
    stamp = install.loader.stat().st_mtime_ns, install.server.stat().st_size
    digest = hashlib.sha256(repr((FORM, _ADDED, install.version, stamp)).encode()).hexdigest()[:12]
    return f"template-{digest}"


def is_ready(home: Path, install: Install) -> bool:
    """Whether the template of this Wine is there."""
    return (home / folder_name(install) / "drive_c").is_dir()


def is_outdated(home: Path, install: Install) -> bool:
    """Whether there are templates, but none of this Wine."""
    return not is_ready(home, install) and any(home.glob("template-*"))


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold the lock on what is shared; another process that makes it waits. Root's file belongs to the folder's owner,
    who may run an engine of their own there."""
    with (home / "prepare.lock").open("wb") as file:
        if os.geteuid() == 0:
            owner = home.stat()
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


Boot = Callable[[Path, Path], None]
"""Runs ``wineboot --init`` in the sandbox with the first folder as the prefix and the second in place of the folder of
Wine's programs and libraries, to the end of wineserver."""


def make(home: Path, install: Install, account: Account, boot: Boot, progress: Progress | None = None) -> None:
    """Make the template, under :func:`locked`; what a killed one left half done is removed first. ToolError."""
    say = progress or (lambda line: None)
    target = home / folder_name(install)
    building, modules = home / "building", home / "building-wine"
    for folder in (building, modules):
        shutil.rmtree(folder, ignore_errors=True)
    if target.is_dir():
        return
    building.mkdir()
    account.own(building)
    try:
        say(f"making a Windows folder tree with {install.version}")
        _lean_modules(install, modules)
        boot(building, modules)
        _tidy(building)
        (building / UPDATED).write_text("disable\n")
        _without_wines_own(building / "system.reg")
        for name, text in _ADDED.items():
            with (building / name).open("a") as file:
                file.write(text)
        shutil.copytree(building / "drive_c/users" / USER, building / "drive_c/users" / OTHER_USER)
        _give(building, account)
        building.chmod(0o755)
        building.rename(target)
    except OSError as error:
        raise ToolError("cannot make the Wine prefix that boxes share", program="wine64",
                        why=f"{error.filename or building}: {error.strerror}") from error
    finally:
        for folder in (building, modules):
            shutil.rmtree(folder, ignore_errors=True)


def _lean_modules(install: Install, folder: Path) -> None:
    """Make a folder of Wine's programs and libraries without debug information; what is of another kind is copied."""

    def one(path: Path) -> None:
        target = folder / path.name
        try:
            with path.open("rb") as stream:
                data = undebugged(stream)
        except (ValueError, struct.error):  # a font, a type library, or one that has none
            shutil.copyfile(path, target)
        else:
            target.write_bytes(data)
        target.chmod(0o644)

    folder.mkdir()
    folder.chmod(0o755)
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(one, (path for path in install.modules.iterdir() if path.is_file())))


def _tidy(prefix: Path) -> None:
    """Leave drive C and the registry: no other drive, no socket, no port."""
    if not (prefix / "drive_c" / "windows" / "system32").is_dir() or not (prefix / "system.reg").is_file():
        raise ToolError("cannot make the Wine prefix that boxes share", program="wine64",
                        why="wineboot ended without making one", hint="is there room on the disk?")
    for name in ("dosdevices", "run"):
        shutil.rmtree(prefix / name, ignore_errors=True)
    (prefix / "wineserver").unlink(missing_ok=True)
    (prefix / "drive_c" / _POWERSHELL).unlink(missing_ok=True)  # Wine's does nothing, and nanoserver has none
    for path in [prefix / "drive_c", *(prefix / "drive_c").rglob("*")]:
        if path.is_symlink():
            path.unlink()  # the user's folders, which Wine links to the home it saw
            path.mkdir()
        path.chmod(0o755 if path.is_dir() else 0o644)


def _without_wines_own(hive: Path) -> None:
    """Take out what only Wine has: a variable of the machine that serves its own set-up, which is over, and devices for
    which the service manager would start drivers."""
    lines, kept = hive.read_bytes().split(b"\n"), True
    out = []
    for line in lines:
        if line.startswith(b"["):
            kept = not line.startswith(_DEVICES)
        if kept and not line.startswith(b'"winsysdir"='):
            out.append(line)
    hive.write_bytes(b"\n".join(out))


def _give(folder: Path, account: Account) -> None:
    """Give a tree to the account that boxes run as, as the layers of images are.

    An overlay asks the lower file's owner and mode whether a program may write, and then writes a copy. A folder takes
    its owner from the highest layer that has it: one of root's among the account's takes no new file, though
    ``C:\\Windows`` on Windows does. The account reaches these files through overlays only, where they are read-only.
    """
    for path in (folder, *folder.rglob("*")):
        account.own(path)


def overrides(layer: Path) -> tuple[str, ...]:
    """:data:`OVERRIDES`, and cmd where the layer has one."""
    return (*OVERRIDES, "cmd.exe") if (layer / _CMD).is_file() else OVERRIDES


def engine_layer(home: Path, programs: Path, install: Install, account: Account) -> Path:
    """The folder that lies over the layers of every image: our programs where Wine's would do harm. Made when it is
    missing, under :func:`locked`."""
    target = home / f"layer-{_key(install)}"
    if target.is_dir():
        return target
    building = home / "building-layer"
    shutil.rmtree(building, ignore_errors=True)
    system = building / "windows" / "system32"
    system.mkdir(parents=True)
    (system / "wineboot.exe").touch()  # ntdll starts it with the first program and waits for it; this cannot be started
    for name in REFUSED:
        shutil.copyfile(programs / "refuse.exe", system / name)
    (system / "wbem").mkdir()
    for name in OURS:
        shutil.copyfile(programs / name.rpartition("/")[2], system / name)
    for name, kept in KEPT.items():
        shutil.copyfile(install.modules / name, system / kept)
    cmd = cmd_exe.without_mklink((install.modules / "cmd.exe").read_bytes())
    if cmd is not None:
        (building / _CMD).write_bytes(cmd_exe.with_library(cmd, programs / cmd_exe.LIBRARY))
        shutil.copyfile(programs / cmd_exe.LIBRARY, system / cmd_exe.LIBRARY)
    for name in (kernelbase.LIBRARY, kernelbase.MESSAGES, kernelbase.JOBS):
        shutil.copyfile(programs / name, system / name)
    for path in [building, *building.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    _give(building, account)
    building.rename(target)
    return target


def modules(home: Path, programs: Path, install: Install, account: Account) -> Path:
    """The folder of Wine's own libraries that we altered; boxes have them in place of Wine's. Made when it is missing,
    under :func:`locked`. A library that is not as we know it is not in it."""
    source = messages.find()
    target = home / f"modules-{_key(install)}-{source.key}"
    if target.is_dir():
        return target
    building = home / "building-modules"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    libraries = altered.altered(install)
    plain = libraries.get(kernelbase.NAME) or install.library(kernelbase.NAME).read_bytes()
    ours = (programs / kernelbase.LIBRARY).read_bytes()
    forwarding = kernelbase.with_library(plain, ours)
    if forwarding is not None:
        libraries[kernelbase.NAME] = forwarding
    messaging = kernelbase.with_messages(install.library(kernelbase.USER).read_bytes(),
                                         (programs / kernelbase.MESSAGES).read_bytes())
    if messaging is not None:
        libraries[kernelbase.USER] = messaging
    calling = kernelbase.with_library(install.library(kernelbase.SYSTEM).read_bytes(), ours, calls=True)
    if calling is not None:
        libraries[kernelbase.SYSTEM] = calling
    jobs = kernelbase.with_jobs(install.library(kernelbase.KERNEL).read_bytes(),
                                (programs / kernelbase.JOBS).read_bytes())
    if jobs is not None:
        libraries[kernelbase.KERNEL] = jobs
    worded = messages.with_messages(libraries.get(kernelbase.NAME, plain), source.read())
    if worded is not None:
        libraries[kernelbase.NAME] = worded
    for name, data in libraries.items():
        (building / name).write_bytes(data)
        (building / name).chmod(0o755 if name == install.server.name else 0o644)
    building.chmod(0o755)
    _give(building, account)
    building.rename(target)
    return target


def roots_file(home: Path, content: bytes) -> Path:
    """The file with the certificates that boxes trust, under the name that its content gives it. Made when it is
    missing, under :func:`locked`."""
    folder = home / f"roots-{hashlib.sha256(content).hexdigest()[:12]}"
    if not folder.is_dir():
        building = home / "building-roots"
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir()
        (building / "roots").write_bytes(content)
        (building / "roots").chmod(0o644)
        building.chmod(0o755)
        building.rename(folder)
    return folder / "roots"


def _key(install: Install) -> str:
    """What decides the bytes of all that is made of Wine's files and our programs."""
    changes = hashlib.sha256(repr(altered.CHANGES).encode()).hexdigest()[:8]
    return f"{folder_name(install).partition('-')[2]}-{toolchain.source_key()}-{changes}"
