# SPDX-License-Identifier: Apache-2.0
"""What a box looks like from inside, as bubblewrap's arguments. Pure: text in, text out.

Wine's files and this machine's libraries are there read-only, and so is ``/run`` (what launcher.exe and the host tell
each other); the box's own are the prefix (registry), drive C (an overlay) and ``/tmp`` (wineserver's socket). There is
no home, no ``Z:``, no shell, no other process. ``/proc/sys`` is read-only for the same reason that root gives up its
user id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..install import LOADER, OVERRIDES, Install

PREFIX = "/prefix"
DRIVE_C = f"{PREFIX}/drive_c"
RUN = "/run"
PROGRAMS = "/usr/lib/wcow"
ROOTS = "/etc/roots"
LOCALE = Path("/usr/lib/locale/C.utf8")
"""glibc's tables for ``LANG=C.UTF-8`` (Debian's libc-bin). Without them every name is ASCII for Wine, and any other
character of a file, an argument or a variable is lost."""
UID = 1000
USER = "ContainerAdministrator"

MOST_LAYERS = 200
"""bubblewrap writes all lower folders into one mount option of 4096 bytes: 225 work, 230 do not."""


@dataclass(frozen=True, slots=True)
class Bind:
    """One mount by open descriptor: bubblewrap runs as somebody who may not walk to every folder that root may give.
    With ``content`` what is in the open file is copied into a file in memory."""

    descriptor: int
    target: str
    read_only: bool
    content: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """The folders of one box on this machine. ``lowers`` is lowest first, without an upper one; the template's drive C
    is the first of them. ``upper`` and ``work`` are ``None`` while the template itself is made. ``modules`` are files
    that lie over Wine's own of the same names. ``roots`` is the file with the certificates that its programs trust, as
    :mod:`..registry.roots` makes it. With a ``drive`` that is drive C, and the others are of its folder ``windows``."""

    prefix: Path
    run: Path
    programs: Path
    lowers: tuple[Path, ...] = ()
    upper: Path | None = None
    work: Path | None = None
    binds: tuple[Bind, ...] = ()
    modules: tuple[Path, ...] = ()
    roots: Path | None = None
    drive: Path | None = None


@dataclass(frozen=True, slots=True)
class Descriptors:
    """Open descriptors that bubblewrap inherits: the filter to read, where it tells its child's process id, what it
    waits on before it goes on (-1: it does not wait), the files of ``/etc`` by name, and an empty one that it reads and
    closes when every mount is made (-1: none)."""

    seccomp: int
    info: int
    block: int = -1
    etc: tuple[tuple[str, int], ...] = ()
    mounted: int = -1


def wine_environment(install: Install, overrides: Iterable[str], *, terminal: bool = False,
                     user: str = USER, booting: bool = False) -> dict[str, str]:
    """The environment of Wine itself (programs do not see it): Linux names, nothing of the host's. Wine takes the name
    of the account from ``USER``.

    ``booting`` is for the making of a prefix, which would stop and ask for Mono. Everywhere else ``mscoree`` is on:
    Wine loads it for every library that is .NET's alone, and without it no .NET program starts.
    """
    off = "mscoree,mshtml=" if booting else "mshtml="
    names = ";".join([off, "winemenubuilder.exe=d", *(f"{name}=n" for name in overrides)])
    out = {"PATH": "/usr/bin", "HOME": PREFIX, "USER": user, "LANG": "C.UTF-8", "WINEPREFIX": PREFIX,
           "WINELOADER": str(install.loader), "WINESERVER": str(install.server), "WINEDEBUG": "-all",
           "WINEDLLOVERRIDES": names, OVERRIDES: names, LOADER: str(install.loader)}
    if not install.loader.with_name(f"{install.loader.name}-preloader").exists():
        out["WINELOADERNOEXEC"] = "1"  # the loader would look for that one, and start itself anew without it
    if terminal:
        out["TERM"] = "xterm"
    return out


def arguments(install: Install, view: View, environment: Mapping[str, str], descriptors: Descriptors, *,
              hostname: str, terminal: bool = False, network: bool = False) -> list[str]:
    """Everything between ``bwrap`` and the command. With a ``network`` it stays in the namespace it was started in;
    with a ``terminal`` in its session, which the filter makes safe (TIOCSTI)."""
    out = ["--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try",
           "--disable-userns", "--die-with-parent", "--uid", str(UID), "--gid", str(UID), "--hostname", hostname,
           "--cap-drop", "ALL", "--seccomp", str(descriptors.seccomp), "--info-fd", str(descriptors.info), "--clearenv"]
    if descriptors.block >= 0:
        out += ["--block-fd", str(descriptors.block)]
    if not network:
        out.append("--unshare-net")
    if not terminal:
        out.append("--new-session")
    for name, value in environment.items():
        out += ["--setenv", name, value]
    for folder in _libraries(install):
        out += ["--ro-bind", folder, folder]
    for module in view.modules:
        out += ["--ro-bind", str(module), str(install.library(module.name))]
    out += ["--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
            "--ro-bind", "/usr/bin/setpriv", "/usr/bin/setpriv", "--ro-bind", str(view.programs), PROGRAMS,
            "--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys",
            "--dev", "/dev", "--tmpfs", "/tmp", "--ro-bind", str(view.run), RUN, "--bind", str(view.prefix), PREFIX]
    for name, descriptor in descriptors.etc:
        out += ["--perms", "0644", "--file", str(descriptor), f"/etc/{name}"]
    if view.roots is not None:
        out += ["--ro-bind", str(view.roots), ROOTS]
    if view.upper is not None:
        place = DRIVE_C if view.drive is None else f"{DRIVE_C}/windows"
        if view.drive is not None:
            out += ["--bind", str(view.drive), DRIVE_C]
        for lower in view.lowers:
            out += ["--overlay-src", str(lower)]
        out += ["--overlay", str(view.upper), str(view.work), place]
    for bind in view.binds:
        if bind.content:
            out += ["--perms", "0444", "--ro-bind-data", str(bind.descriptor), bind.target]
            continue
        out += ["--ro-bind-fd" if bind.read_only else "--bind-fd", str(bind.descriptor), bind.target]
    if descriptors.mounted >= 0:
        out += ["--file", str(descriptors.mounted), "/etc/.mounted"]
    return [*out, "--remount-ro", "/", "--chdir", DRIVE_C if view.upper is not None else PREFIX]


def _libraries(install: Install) -> list[str]:
    folders = [install.modules.parent.parent, Path("/usr/lib64"), install.loader.parent, install.shared, LOCALE]
    return [str(folder) for folder in folders if folder.is_dir()]


def pack(arguments: Iterable[str]) -> bytes:
    """The arguments as ``bwrap --args FD`` reads them: on its command line every process of the box could see them."""
    return b"".join(argument.encode("utf-8", "surrogateescape") + b"\0" for argument in arguments)
