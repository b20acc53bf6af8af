# SPDX-License-Identifier: Apache-2.0
"""The Windows programs of ours, compiled: shipped beside their sources in a wheel, or compiled once and kept.

The sources are in ``programs/`` beside this file. A wheel or an installation made where mingw-w64 is has the compiled
files there too (the build step calls :func:`compile_all`); a checkout compiles them into a folder of the caller's when
they are first needed. This module imports nothing of the package, so the build step can load it alone.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

COMPILER = "x86_64-w64-mingw32-gcc"
PACKAGE = "gcc-mingw-w64-x86-64"
"""The Debian package that has the compiler."""
ZLIB_PACKAGE = "libz-mingw-w64-dev"
"""The Debian package that has zlib for it, which ``tar.exe`` takes in."""

SOURCES = Path(__file__).parent / "programs"

_BARE = ("-nostdlib", "-Wl,-e,entry")  # no C library: nothing to load but what Windows itself always loads
_MAPPED = ("-Wl,--file-alignment,4096",)  # each process maps the file; else each would read it into memory of its own
_LIBRARY = ("-shared", "-Wl,--disable-auto-image-base")
PROGRAMS = {
    "launcher.exe": ("launcher.c", "request.c", "hives.c", "processes.c", "mounts.c", "kernel.c", "console.c",
                     "relay.c", "roots.c", "screen.c", "services.c", "automatic.c", *_BARE, "-lkernel32", "-lntdll",
                     "-lgcc"),
    "refuse.exe": ("refuse.c", *_BARE, "-lkernel32"),
    "mklink.exe": ("mklink.c", "-municode"),
    "timeout.exe": ("timeout.c", "-municode"),
    "shutdown.exe": ("shutdown.c", "-municode"),
    "ping.exe": ("ping.c", "-municode", "-lws2_32"),
    "systeminfo.exe": ("systeminfo.c", "os.c", "-municode", "-ladvapi32"),
    "whoami.exe": ("whoami.c", "os.c", "-municode", "-ladvapi32"),
    "wmic.exe": ("wmic.c", "os.c", "-municode", "-ladvapi32"),
    "setx.exe": ("setx.c", "-municode", "-ladvapi32"),
    "net.exe": ("net.c", "-municode"),
    "icacls.exe": ("icacls.c", "icaclslist.c", "accounts.c", "-municode", "-ladvapi32"),
    "curl.exe": ("curl.c", "curloptions.c", "-municode", "-lwinhttp"),
    "tar.exe": ("tar.c", "tarinput.c", "tarread.c", "tarzip.c", "tardisk.c", "tarwrite.c", "tarpack.c", "-municode",
                "-l:libz.a"),
    "find.exe": ("find.c", "text.c", *_BARE, "-lkernel32", "-lgcc"),
    "service.exe": ("service.c", "-municode", "-ladvapi32"),
    "dockerd.exe": ("dockerd.c", "-municode", "-ladvapi32"),
    "sftp-server.exe": ("sftp-server.c", "-municode"),
    "wcowuser.dll": ("messagebox.c", "messagebox.def", *_LIBRARY, *_BARE, "-lkernel32", "-lgcc"),
    "wcowjob.dll": ("jobs.c", "jobs.def", *_LIBRARY, *_BARE, "-lntdll"),
    "wcowcmd.dll": ("cmdlib.c", "cmdconsole.c", "cmdlinks.c", "cmdwords.c", "cmdlib.def", *_LIBRARY, *_BARE,
                    "-lkernel32"),
    "wcowbase.dll": ("base.c", "opened.c", "paths.c", "reparse.c", "listing.c", "times.c", "folders.c", "pipes.c",
                     "consolemode.c", "text.c", "acl.c", "security.c", "access.c", "certificates.c", "streams.c",
                     "base.def", *_LIBRARY, *_MAPPED, *_BARE, "-lntdll", "-lgcc"),
}
"""Each file with what it is made of."""

# The same source gives the same bytes: no time stamp, no path of this machine.
_FLAGS = ("-std=c17", "-Os", "-s", "-Wall", "-Wextra", "-Werror", "-Wl,--no-insert-timestamp", "-fno-ident")


class CompileError(Exception):
    """The compiler said no, with what it said."""


def missing() -> tuple[str, ...]:
    """Return the Debian packages that compiling lacks on this machine."""
    compiler = shutil.which(COMPILER)
    zlib = Path(compiler or f"/usr/bin/{COMPILER}").parents[1] / "x86_64-w64-mingw32/lib/libz.a"
    return (*(() if compiler else (PACKAGE,)), *(() if zlib.is_file() else (ZLIB_PACKAGE,)))


def compile_all(out: Path) -> bool:
    """Compile every program into ``out``, as many at a time as there are processors; False, and nothing done, where
    :func:`missing` names a package.

    CompileError for a source that does not compile. Each file appears whole or not at all.
    """
    compiler = shutil.which(COMPILER)
    if compiler is None or missing():
        return False
    out = out.absolute()  # the compiler runs in the folder of the sources
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".compile-") as folder:

        def one(name: str) -> None:
            target = Path(folder, name)
            done = subprocess.run([compiler, *_FLAGS, "-o", str(target), *PROGRAMS[name]], cwd=SOURCES,
                                  capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
            if done.returncode:
                raise CompileError(f"{name}: {done.stderr.strip()[-2000:]}")
            target.replace(out / target.name)

        pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="compile")
        try:  # the longest first, so that none of them is left over at the end
            list(pool.map(one, sorted(PROGRAMS, key=lambda name: -len(PROGRAMS[name]))))
        finally:
            pool.shutdown(cancel_futures=True)
    return True


def source_key() -> str:
    """What decides the programs' bytes, as a short name: sources, flags, this list."""
    digest = hashlib.sha256(repr((PROGRAMS, _FLAGS)).encode())
    for source in sorted(path for path in SOURCES.iterdir() if path.suffix in (".c", ".h", ".def")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def find(cache: Path) -> Path | None:
    """The folder with all programs: the installed ones, else those in ``cache``, else compiled there now.

    ``None`` where there are none and :func:`missing` names a package.
    """
    for folder in (SOURCES, cache / f"programs-{source_key()}"):
        if all((folder / name).is_file() for name in PROGRAMS):
            return folder
    made = cache / f"programs-{source_key()}"
    return made if compile_all(made) else None


def copied(programs: Path, cache: Path) -> Path:
    """Return a folder below ``cache`` with these programs; for an installation that boxes may not enter, as one in the
    home of root. Each file appears whole or not at all. OSError."""
    made = cache / f"programs-{source_key()}"
    if programs == made:
        return made
    made.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=made, prefix=".copy-") as folder:
        for name in PROGRAMS:
            if not (made / name).is_file():
                target = Path(folder, name)
                shutil.copyfile(programs / name, target)
                target.chmod(0o644)
                target.replace(made / name)
    return made


def is_here(cache: Path) -> bool:
    """Whether :func:`find` would find or make the programs."""
    folders = SOURCES, cache / f"programs-{source_key()}"
    return not missing() or any(
        all((folder / name).is_file() for name in PROGRAMS) for folder in folders)
