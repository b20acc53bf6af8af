# SPDX-License-Identifier: Apache-2.0
"""The folder that lies over the layers of Windows in images whose Windows has PowerShell."""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path

from ...errors import StoreError, ToolError
from ...files import DraftDirectory, abandoned_directories, locked
from ...runtime import toolchain
from ...runtime.linux import account
from ...runtime.port import BoxSpec, Command, Progress, Sandbox, Stdio
from ..powershell import POWERSHELL
from ..store import Installed, ProgramStore

_HERE = Path(__file__).parent
_MODULES = _HERE / "modules"
"""Modules that are ours, in place of PowerShell's of the same names: those need parts of Windows that are not here."""
_HOME = Path("windows", "system32", "WindowsPowerShell")
_EXE = _HOME / "v1.0" / "powershell.exe"
_LIBRARY = b"pwsh.dll"
_OURS = rb"..\7\powershell.dll"
_ROOM = 260
"""Bytes that ``apphost``, which .NET's build patches in the same way, has for the path at least."""
_COMPILE_SECONDS = 300
_LOCK_SECONDS = 600
_LARGEST_LIBRARY = 1 << 20


class WindowsPowerShell:
    """Makes the layer for the version that ``store`` holds; ``sandbox`` compiles, ``home`` is its folder.

    Use it from any thread. As root's, the folders become those of the account that boxes run as.
    """

    def __init__(self, store: ProgramStore, sandbox: Sandbox, home: Path) -> None:
        self._store = store
        self._sandbox = sandbox
        self._home = home
        self._layers: dict[Path | None, Path] = {}

    def layer(self, progress: Progress | None = None) -> Path:
        """Return a folder that mirrors ``C:\\``. Where PowerShell is not installed, it holds a ``powershell.exe`` that
        says how to get it. The layer is made when it is missing: some ten seconds, once for each version.

        Raises StoreError when the disk fails, ToolError when PowerShell does not run.
        """
        found = self._store.use(POWERSHELL)
        version = found.folder if found else None
        if version in self._layers and self._layers[version].is_dir():
            return self._layers[version]
        try:
            self._layers[version] = self._missing() if found is None else self._made(found, progress)
            return self._layers[version]
        except TimeoutError as error:
            raise StoreError("cannot make powershell.exe",
                             why="another process has been making it for too long") from error
        except toolchain.CompileError as error:
            raise ToolError("cannot make powershell.exe", program=toolchain.COMPILER,
                            why=str(error).partition("\n")[0]) from error
        except OSError as error:
            raise StoreError("cannot make powershell.exe", errno=error.errno,
                             why=f"{error.filename or self._store.root}: {error.strerror}") from error

    def _missing(self) -> Path:
        place = self._store.root / f"powershell-missing-{toolchain.source_key()}"
        if not place.is_dir():
            self._store.root.mkdir(parents=True, exist_ok=True)
            programs = toolchain.find(self._home)
            with locked(self._store.root / "missing.lock", _LOCK_SECONDS), DraftDirectory(place) as draft:
                if place.is_dir():  # made while we waited: containers may run over it by now
                    return place
                exe = draft.path / _EXE
                exe.parent.mkdir(parents=True)
                if programs is not None:
                    shutil.copyfile(programs / "refuse.exe", exe)
                _open_to_all(draft.path)
                draft.keep()
        return place

    def _made(self, found: Installed, progress: Progress | None) -> Path:
        version = found.folder.parent
        place = version / f"layer-{_key()}"
        if place.is_dir():
            return place
        with locked(version / "layer.lock", _LOCK_SECONDS):
            if place.is_dir():
                return place
            for left in abandoned_directories(version):
                shutil.rmtree(left, ignore_errors=True)
            if progress:
                progress(f"making powershell.exe of PowerShell {found.version}")
            with DraftDirectory(place) as draft:
                home = draft.path / _HOME / "7"
                _link_tree(found.folder, home)
                for module in sorted(_MODULES.iterdir()):
                    shutil.rmtree(home / "Modules" / module.name, ignore_errors=True)
                    shutil.copytree(module, home / "Modules" / module.name)
                _give(draft.path)
                library = self._compile(found, draft.path)
                (home / "powershell.dll").write_bytes(library)
                for suffix in ("deps.json", "runtimeconfig.json"):
                    shutil.copyfile(found.folder / f"pwsh.{suffix}", home / f"powershell.{suffix}")
                exe = draft.path / _EXE
                exe.parent.mkdir()
                exe.write_bytes(with_library((found.folder / "pwsh.exe").read_bytes()))
                _open_to_all(draft.path)
                _give(draft.path)
                draft.keep()
        return place

    def _compile(self, found: Installed, layer: Path) -> bytes:
        """Compile ``host.cs`` in a box over the layer as far as it is made."""
        self._sandbox.prepare()
        with DraftDirectory(found.folder.parent / "compile") as work:
            sources = work.path / "sources"
            (sources / "compile").mkdir(parents=True)
            for name in ("host.cs", "compile.ps1"):
                shutil.copyfile(_HERE / name, sources / "compile" / name)
            _open_to_all(work.path)
            _give(work.path)
            pwsh = "C:\\" + "\\".join((*_HOME.parts, "7", "pwsh.exe"))
            line = (f"{pwsh} -NoProfile -NonInteractive -ExecutionPolicy Bypass -File C:\\compile\\compile.ps1 "
                    "-Source C:\\compile\\host.cs -Out C:\\compile\\powershell.dll")
            box = self._sandbox.open(BoxSpec(f"compile-{os.getpid()}", work.path / "box", layers=(layer, sources)))
            said = os.memfd_create("said", os.MFD_CLOEXEC)
            null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
            try:
                process = box.start(Command(line), Stdio(null, said, said))
                code = process.ended.result(_COMPILE_SECONDS)
                if code == 0:
                    with suppress(OSError):
                        return _read(work.path / "box" / "upper" / "compile" / "powershell.dll")
                os.lseek(said, 0, os.SEEK_SET)
                text = os.read(said, 4096).decode("utf-8", "replace").strip()
                raise ToolError("cannot make powershell.exe", program="pwsh", code=code,
                                why=f"PowerShell ended with {code}: {text[-600:] or 'it said nothing'}",
                                hint="is the archive whole? install it again: wcow powershell install")
            except TimeoutError as error:
                raise ToolError("cannot make powershell.exe", program="pwsh",
                                why=f"PowerShell did not end in {_COMPILE_SECONDS} s") from error
            finally:
                box.close(remove=True)
                os.close(said)
                os.close(null)


def with_library(exe: bytes) -> bytes:
    """Return ``pwsh.exe`` with the path of its library changed to ours, as .NET's own build writes it there: UTF-8,
    followed by NULs. ToolError for a program that has another head."""
    room = _LIBRARY.ljust(_ROOM, b"\0")
    if exe.count(room) != 1:
        raise ToolError("cannot make powershell.exe", program="pwsh",
                        why="pwsh.exe does not name its library as expected",
                        hint="take another version: wcow powershell install --version 7.6.9")
    return exe.replace(room, _OURS.ljust(_ROOM, b"\0"))


def _key() -> str:
    """What decides the bytes of the layer beside PowerShell's own."""
    digest = hashlib.sha256(_OURS)
    for source in sorted(path for path in _HERE.rglob("*") if path.suffix in (".cs", ".ps1", ".psm1", ".psd1", ".py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]


def _link_tree(source: Path, target: Path) -> None:
    """Mirror a folder with hard links, so that PowerShell is on the disk once."""
    shutil.copytree(source, target, copy_function=os.link)


def _read(path: Path) -> bytes:
    """Read what a program of the box wrote, if it is a file of some size."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(fd, "rb") as file:
        return file.read(_LARGEST_LIBRARY)


def _open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _give(folder: Path) -> None:
    """Give the folders to the account that boxes run as: an overlay lets it make files in them, as Windows would."""
    owner = account.choose()
    for path in (folder, *(one for one in folder.rglob("*") if one.is_dir())):
        owner.own(path)
