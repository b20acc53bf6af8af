# SPDX-License-Identifier: Apache-2.0
"""Files to a Windows host and from it, by scripts of PowerShell whose data goes by standard input and output.

What was carried lies beside its place until its hash is right; a transfer that broke is gone on with where it stopped.
The scripts read a line of base64 first (path, offset, hash: user's text never stands on a command line), then bytes.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from ..errors import HostError, IntegrityError, NotFoundError, quoted
from .command import Command, Lost
from .port import Progress

PIECE = 256 << 10
_THERE = re.compile(r"(-?\d{1,18}),([0-9a-f]*),(-?\d{1,18}),([0-9a-f]*)")
PART = ".wcow-part"
SECONDS = 120.0
"""How long a host may be silent while a file is carried, or while it counts a hash."""

_COMMON = """\
$ErrorActionPreference = 'Stop'
try {
$in = [Console]::OpenStandardInput()
$line = New-Object System.Collections.Generic.List[byte]
while (($b = $in.ReadByte()) -ge 0 -and $b -ne 10) { $line.Add([byte]$b) }
$json = [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String([Text.Encoding]::ASCII.GetString($line.ToArray())))
$ask = ConvertFrom-Json $json
function Hash([string]$path, [long]$size) {
  $sha = [Security.Cryptography.SHA256]::Create(); $f = [IO.File]::OpenRead($path)
  try {
    $buffer = New-Object byte[] 262144
    while ($size -gt 0 -and ($n = $f.Read($buffer, 0, [Math]::Min($size, $buffer.Length))) -gt 0) {
      [void]$sha.TransformBlock($buffer, 0, $n, $null, 0); $size -= $n }
    [void]$sha.TransformFinalBlock($buffer, 0, 0)
    ([BitConverter]::ToString($sha.Hash) -replace '-').ToLower()
  } finally { $f.Dispose() } }
function Length([string]$path) { if ([IO.File]::Exists($path)) { (New-Object IO.FileInfo $path).Length } else { -1 } }
"""
_END = """
} catch { [Console]::Error.Write($_.Exception.GetBaseException().Message); exit 7 }
"""
_LOOK = _COMMON + """\
$n = Length $ask.path; $p = Length $ask.part
$h = ''; if ($n -ge 0 -and ($ask.size -lt 0 -or $n -eq $ask.size)) { $h = Hash $ask.path $n }
$q = ''; if ($p -gt 0) { $q = Hash $ask.part $p }
if ($ask.prefix -gt 0 -and $n -ge $ask.prefix) { $q = Hash $ask.path $ask.prefix; $p = $ask.prefix }
[Console]::Out.Write("$n,$h,$p,$q")""" + _END
_TAKE = _COMMON + """\
[void][IO.Directory]::CreateDirectory([IO.Path]::GetDirectoryName($ask.path))
$f = [IO.File]::Open($ask.part, 'OpenOrCreate', 'Write')
try { $f.SetLength($ask.offset); [void]$f.Seek($ask.offset, 'Begin'); $in.CopyTo($f, 262144) } finally { $f.Dispose() }
$h = Hash $ask.part (Length $ask.part)
if ($h -eq $ask.hash) {
  if ([IO.File]::Exists($ask.path)) { [IO.File]::Delete($ask.path) }
  [IO.File]::Move($ask.part, $ask.path) }
[Console]::Out.Write($h)""" + _END
_GIVE = _COMMON + """\
$out = [Console]::OpenStandardOutput(); $f = [IO.File]::OpenRead($ask.path)
try { [void]$f.Seek($ask.offset, 'Begin'); $f.CopyTo($out, 262144); $out.Flush() } finally { $f.Dispose() }""" + _END


class Scripts(Protocol):
    """What is needed of a host."""

    name: str

    def open(self, command: Sequence[str], *, deadline: float | None = None) -> Command:
        """See the port."""

    def script(self, text: str) -> list[str]:
        """The command line that runs a script of ours in PowerShell there."""


@dataclass(frozen=True, slots=True)
class _There:
    """What is on the host: a file's length (-1: none) and hash, and those of what a broken transfer left."""

    size: int
    hash: str
    part: int
    part_hash: str


def put(host: Scripts, source: Path, target: str, progress: Progress | None) -> int:
    """See the port."""
    with source.open("rb") as file:
        wanted, size = _hash(file), file.tell()
        there = _look(host, target, size=size)
        if there.size == size and there.hash == wanted:
            return 0
        offset = 0
        if 0 < there.part <= size:
            file.seek(0)
            offset = there.part if _hash(file, there.part) == there.part_hash else 0
        file.seek(offset)
        running = _start(host, _TAKE, {"path": target, "part": target + PART, "offset": offset, "hash": wanted})
        with running:
            sent = offset
            try:
                while data := file.read(PIECE):
                    running.send(data)
                    sent += len(data)
                    if progress is not None:
                        progress(sent, size)
                running.end()
            except BrokenPipeError:
                pass  # it says why
            found = _all(host, running, f"cannot put {source} on {host.name}", target).decode("ascii", "replace")
    if found != wanted:
        raise IntegrityError(f"{source} did not arrive on {host.name} as it was sent", expected=wanted,
                             found=found[:64], why=f"its SHA-256 there is {found[:64]}, here {wanted}",
                             hint="did it change meanwhile? send it again")
    return size - offset


def get(host: Scripts, source: str, target: Path, progress: Progress | None) -> int:
    """See the port."""
    part = target.with_name(target.name + PART)
    have = part.stat().st_size if part.is_file() else 0
    there = _look(host, source, prefix=have)
    if there.size < 0:
        raise NotFoundError(f"there is no file {source} on {host.name}")
    with part.open("r+b" if have else "w+b") as file:
        offset = have if have and _hash(file) == there.part_hash and there.part == have else 0
        file.truncate(offset)
        file.seek(offset)
        with _start(host, _GIVE, {"path": source, "offset": offset}) as running:
            running.end()
            got = offset
            while data := _received(host, running):
                file.write(data)
                got += len(data)
                if progress is not None:
                    progress(got, there.size)
            _checked(running, f"cannot get {source} from {host.name}", source)
        file.seek(0)
        found = _hash(file)
    if found != there.hash:
        part.unlink(missing_ok=True)
        raise IntegrityError(f"{source} did not arrive from {host.name} as it is there", expected=there.hash,
                             found=found, why=f"its SHA-256 there is {there.hash}, here {found}", hint="get it again")
    part.replace(target)
    return got - offset


def _look(host: Scripts, path: str, *, size: int = -1, prefix: int = 0) -> _There:
    with _start(host, _LOOK, {"path": path, "part": path + PART, "size": size, "prefix": prefix}) as running:
        running.end()
        text = _all(host, running, f"cannot look at {path} on {host.name}", path).decode("ascii", "replace")
    found = _THERE.fullmatch(text.strip())
    if found is None:
        raise HostError(f"cannot understand {host.name}", address=host.name,
                        why=f"it said {quoted(text[:80])} about a file")
    return _There(int(found[1]), found[2], int(found[3]), found[4])


def _start(host: Scripts, script: str, ask: dict[str, object]) -> Command:
    running = host.open(host.script(script))
    running.silent(SECONDS)
    with contextlib.suppress(BrokenPipeError):  # it says why
        running.send(base64.b64encode(json.dumps(ask).encode()) + b"\n")
    return running


def _all(host: Scripts, running: Command, what: str, path: str) -> bytes:
    out = bytearray()
    while data := _received(host, running):
        out += data
    _checked(running, what, path)
    return bytes(out)


def _received(host: Scripts, running: Command) -> bytes:
    try:
        return running.receive(PIECE)
    except Lost as lost:
        raise lost.error from None
    except TimeoutError:
        raise HostError(f"{host.name} does not go on", address=host.name, temporary=True,
                        why=f"it was silent for {SECONDS:g} seconds") from None


def _checked(running: Command, what: str, path: str) -> None:
    code = running.wait(SECONDS)
    if code:
        said = " ".join(running.errors.decode("utf-8", "replace").split())[:300]
        raise HostError(what, why=said or f"PowerShell ended with {code}", address=path)


def _hash(file: BinaryIO, size: int = -1) -> str:
    digest = hashlib.sha256()
    while data := file.read(PIECE if size < 0 else min(size, PIECE)):
        digest.update(data)
        size -= len(data) if size >= 0 else 0
    return digest.hexdigest()
