# SPDX-License-Identifier: Apache-2.0
"""Made-up files of the right kind: a ``.zip`` that holds what its makers' archives hold, an ``.exe`` that runs.

The same name has the same bytes in every run, so what a build asks for can be told from its digest.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from .. import made_programs, programs
from .table import Table

SUMS = {".sha1": "sha1", ".sha256": "sha256", ".sha512": "sha512", ".sha256sum": "sha256", ".md5": "md5"}
"""Files with the digest of the file they are named after."""
ZIPS = (".zip", ".nupkg", ".war", ".jar", ".vsix", ".whl")
TARS = (".tar", ".tgz", ".gz", ".xz", ".bz2")
TEXTS = {".json": "{}\n", ".xml": "<configuration/>\n", ".config": "<configuration/>\n", ".cnf": "[made]\n",
         ".bat": "@echo made up\r\n", ".cmd": "@echo made up\r\n", ".ps1": "Write-Host 'made up'\r\n",
         ".psm1": "", ".reg": "Windows Registry Editor Version 5.00\r\n", ".html": "<p>made up</p>\n"}
_TIME = (2020, 1, 1, 0, 0, 0)


class Maker:
    """Makes files. ``powershell`` is a folder with a real PowerShell for Windows: an archive that the table gives
    PowerShell's files holds them; without one it holds a ``pwsh.exe`` that only says its name."""

    def __init__(self, table: Table, powershell: Path | None = None) -> None:
        self._table = table
        self._powershell = powershell
        self._program = b""
        self._kept: dict[str, bytes] = {}

    def data(self, name: str) -> bytes:
        """The content of a file: ``name`` is a path, or a URL without its query."""
        if name not in self._kept:
            self._kept[name] = self._data(name)
        return self._kept[name]

    def inside(self, name: str) -> list[str]:
        """The files below a made-up folder, by the path it has where it is used."""
        return self._table.inside(name) or ["readme.txt"]

    def program(self) -> bytes:
        """A program of 64 bits that runs; Unavailable without the compiler."""
        if not self._program:
            compiler = programs.find("x86_64-w64-mingw32-gcc")
            with tempfile.TemporaryDirectory() as folder:
                made = Path(folder, "program.exe")
                programs.run(compiler, "-Os", "-s", "-Wl,--no-insert-timestamp", "-o", made,
                             Path(__file__).with_name("program.c"))
                self._program = made.read_bytes()
        return self._program

    def _data(self, name: str) -> bytes:
        kind = PurePosixPath(name.lower()).suffix
        if kind in SUMS:
            return self._sums(SUMS[kind], [name[:-len(kind)]])
        if kind == ".sha512-bare":
            return hashlib.sha512(self.data(name.removesuffix(kind))).hexdigest().encode()
        listed = self._table.sums(name)
        if listed:
            return self._sums("sha512", listed)
        if kind in ZIPS:
            return self._zip(name)
        if kind in TARS:
            return self._tar(name, kind)
        if kind in (".exe", ".com"):
            return self.program()
        if kind in (".dll", ".mui", ".sys"):
            return made_programs.program("1.0")
        return TEXTS.get(kind, f"made up: {PurePosixPath(name).name}\n").encode()

    def _sums(self, algorithm: str, names: list[str]) -> bytes:
        return "".join(f"{hashlib.new(algorithm, self.data(name)).hexdigest()}  {PurePosixPath(name).name}\n"
                       for name in names).encode()

    def _entries(self, name: str) -> Iterator[tuple[str, bytes]]:
        listed = self._table.inside(name)
        if not listed:
            first = re.split(r"[-_.\d]", PurePosixPath(name).name)[0] or "program"
            stem = PurePosixPath(name).stem
            listed = [f"{first}.exe", f"{stem}/{first}.exe", f"{stem}/readme.txt"]
        for entry in listed:
            if entry.endswith("@powershell"):
                yield from self.powershell(entry.removesuffix("@powershell"))
            else:
                yield entry, b"" if entry.endswith("/") else self.data(entry)

    def powershell(self, below: str) -> Iterator[tuple[str, bytes]]:
        """The files of PowerShell, below a folder."""
        if self._powershell is None:
            yield f"{below}pwsh.exe", self.program()
            return
        for path in sorted(self._powershell.rglob("*")):
            if path.is_file():
                yield below + path.relative_to(self._powershell).as_posix(), path.read_bytes()

    def _zip(self, name: str) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for entry, data in self._entries(name):
                archive.writestr(zipfile.ZipInfo(entry, _TIME), data, zipfile.ZIP_DEFLATED)
        return out.getvalue()

    def _tar(self, name: str, kind: str) -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            for entry, data in self._entries(name.removesuffix(kind).removesuffix(".tar") + ".tar"):
                member = tarfile.TarInfo(entry)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        return out.getvalue() if kind == ".tar" else gzip.compress(out.getvalue(), 1, mtime=0)
