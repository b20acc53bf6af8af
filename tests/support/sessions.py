# SPDX-License-Identifier: Apache-2.0
"""The shell sessions in the documentation, run again: what a page shows is what the command says.

A page is one session in one empty folder. In it,

* a fenced block with a title (``title="site/Dockerfile"``) is that file;
* a ``console`` block holds commands after ``$ `` (a line that ends in a backslash goes on) and their output;
* a comment ``<!-- session: … -->`` holds commands that are run and not shown.

``reg.example.com`` is a registry on this machine; the name is as long as its real one, so that columns stay.
Output is compared word by word.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REGISTRY = "reg.example.com"
_FENCE = re.compile(r"^```(?P<kind>[a-z]+)?(?: title=\"(?P<title>[^\"]+)\")?$")
_MARK = "\x1e"


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a page: its text, the lines of the page that hold its output, and that output."""

    text: str
    first: int
    last: int
    output: tuple[str, ...] = ()
    shown: bool = True


def commands(page: str) -> list[Command]:
    """What a page runs, in its order. Blocks with a title become commands that write the file."""
    lines, out, at = page.splitlines(), list[Command](), 0
    while at < len(lines):
        line = lines[at]
        if line.startswith("<!-- session:"):
            end = next(i for i in range(at, len(lines)) if "-->" in lines[i])
            text = "\n".join(lines[at:end + 1]).removeprefix("<!-- session:").replace("-->", "").strip()
            out.append(Command(text, at, at, shown=False))
            at = end + 1
            continue
        fence = _FENCE.match(line)
        if fence is None:
            at += 1
            continue
        end = next(i for i in range(at + 1, len(lines)) if lines[i] == "```")
        if fence["title"]:
            folder = Path(fence["title"]).parent
            body = "\n".join(lines[at + 1:end])
            out.append(Command(f"mkdir -p '{folder}' && cat >'{fence['title']}' <<'END OF FILE'\n{body}\nEND OF FILE",
                               at, at, shown=False))
        elif fence["kind"] == "console":
            out += _session(lines, at + 1, end)
        at = end + 1
    return out


def _session(lines: list[str], at: int, end: int) -> list[Command]:
    out: list[Command] = []
    while at < end:
        if not lines[at].startswith("$ "):
            raise ValueError(f"line {at + 1} is neither a command nor the output of one: {lines[at]}")
        text = lines[at][2:]
        while text.endswith("\\"):
            at += 1
            text += "\n" + lines[at]
        first = at = at + 1
        while at < end and not lines[at].startswith("$ "):
            at += 1
        out.append(Command(text, first, at, tuple(lines[first:at])))
    return out


def run(page: list[Command], folder: Path, registry: str) -> list[tuple[str, ...]]:
    """What each command says now, in the words of the page. RuntimeError when one that is not shown fails, and when
    any says that ``wcow`` itself is at fault: no page shall show that."""
    script = ["exec 2>&1"]
    for command in page:
        script += [command.text.replace(REGISTRY, registry),
                   f"__code=$?; printf '{_MARK}%d{_MARK}' $__code; (exit $__code)"]
    (folder / "home").mkdir()
    (folder / "work").mkdir()
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(folder / "home"),
                   "LANG": "C.UTF-8", "TERM": "dumb", "TMPDIR": str(folder)}
    done = subprocess.run(["bash", "-c", "\n".join(script)], cwd=folder / "work", env=environment, timeout=300,
                          stdin=subprocess.DEVNULL, capture_output=True, check=False)
    parts = done.stdout.decode("utf-8", "replace").split(_MARK)
    out = []
    for command, said, code in zip(page, parts[::2], parts[1::2], strict=False):
        if (not command.shown and code != "0") or "a fault in wcow" in said:
            raise RuntimeError(f"{command.text}\n{said}")
        said = said.replace(registry, REGISTRY).replace(str(folder / "work"), "/home/me/app")
        said = said.replace(str(folder / "home"), "/home/me")
        out.append(tuple(line.rstrip() for line in said.splitlines()))
    return out


def words(lines: tuple[str, ...]) -> list[list[str]]:
    """Output as it is compared."""
    return [line.split() for line in lines]


def updated(page: str, found: list[Command], said: list[tuple[str, ...]]) -> str:
    """The page with what the commands say now."""
    lines = page.splitlines()
    for command, output in reversed(list(zip(found, said, strict=True))):
        if command.shown and words(command.output) != words(output):
            lines[command.first:command.last] = output
    return "\n".join(lines) + "\n"
