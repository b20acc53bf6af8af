# SPDX-License-Identifier: Apache-2.0
"""Completion in the shells themselves, with a key pressed: verbs, options, image names, files and folders."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from support import programs
from support.home import Home

from imagebuild.cli.app import wcow

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="types into a terminal of POSIX")
SECONDS = 60
CASES = [
    ("wcow pow", "powershell"), ("wcow build --metada", "--metadata-file"), ("wcow inspect ap", "app:1"),
    ("wcow build -f Dock", "Docker-file-of-ours"), ("wcow build fold", "folder-of-ours"),
    ("wcow build --ca Dock", "Docker-file-of-ours"), ("wcow images --store fold", "folder-of-ours"),
    ("wcow reg query Dock", "Docker-file-of-ours"), ("wcow copy app:1 oci:fold", "folder-of-ours"),
    ("wcow build --progress pl", "plain")]
"""What is typed, and what a press of the tabulator makes of its last word."""


@pytest.fixture
def ready(home: Home, app: str) -> Home:
    """A home with files to complete, and ``wcow`` on its path."""
    (home.folder / "Docker-file-of-ours").touch()
    (home.folder / "folder-of-ours").mkdir()
    (home.folder / "bin").mkdir()
    command = home.folder / "bin" / "wcow"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m imagebuild "$@"\n')
    command.chmod(0o755)
    return home


def environment(home: Home) -> dict[str, str]:
    found = home.environment(TERM="xterm", PS1="$ ")
    return {**found, "PATH": f"{home.folder}/bin:{found['PATH']}"}


@contextlib.contextmanager
def terminal(home: Home, *command: str | Path) -> Iterator[int]:
    """A shell on a terminal of its own, in the home; it is ended with the block."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(list(map(str, command)), cwd=home.folder, env=environment(home), stdin=theirs, stdout=theirs,
                          stderr=theirs, start_new_session=True) as shell:
        os.close(theirs)
        try:
            yield ours
        finally:
            shell.kill()
            os.close(ours)


def until(screen: int, wanted: str) -> str:
    """What the shell shows until something stands there."""
    seen, end = "", time.monotonic() + SECONDS
    while wanted not in seen:
        ready, _unused, _neither = select.select([screen], [], [], max(0.0, end - time.monotonic()))
        assert ready, f"no {wanted!r} in {seen!r}"
        seen += re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", os.read(screen, 4096).decode("utf-8", "replace"))
    return seen


def typed(screen: int, line: str, wanted: str) -> None:
    """Type a line and a tabulator; the word has to become what is wanted, which then is taken away again."""
    os.write(screen, line.encode() + b"\t")
    until(screen, wanted)
    os.write(screen, b"\x15")  # Ctrl-U


def test_bash_completes(ready: Home) -> None:
    begin = ready.folder / "rc"
    begin.write_text("bind 'set bell-style none'\nbind 'set enable-bracketed-paste off'\n"
                     + ready.wcow("completion", "bash").out + "echo shell-is-there\n")
    with programs.skipping():
        bash = programs.find("bash")
    with terminal(ready, bash, "--noprofile", "--rcfile", begin, "-i") as screen:
        until(screen, "shell-is-there")
        for line, wanted in CASES:
            typed(screen, line, wanted)


def test_zsh_completes(ready: Home) -> None:
    with programs.skipping():
        zsh = programs.find("zsh")
    (ready.folder / ".zshrc").write_text("autoload -Uz compinit\ncompinit -u -D\n"
                                         + ready.wcow("completion", "zsh").out + "echo shell-is-there\n")
    with terminal(ready, zsh, "-d", "-i") as screen:
        until(screen, "shell-is-there")
        for line, wanted in CASES:
            typed(screen, line, wanted)


def test_fish_completes(ready: Home) -> None:
    with programs.skipping():
        fish = programs.find("fish")
    script = ready.folder / "wcow.fish"
    script.write_text(ready.wcow("completion", "fish").out)
    for line, wanted in CASES:
        done = programs.run(fish, "--no-config", "-c", 'source $argv[1]; complete -C $argv[2]', script, line,
                            cwd=ready.folder, env=environment(ready), timeout=SECONDS)
        assert wanted in done.stdout, (line, done.stdout)


def parameters(command: click.Command, context: click.Context, *names: str) -> Iterator[tuple[str, click.Parameter]]:
    """Every argument and option, with the words of its command."""
    for one in command.params:
        yield " ".join((*names, one.opts[0])), one
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from parameters(below, click.Context(below, parent=context), *names, name)


KINDS = {"FILE", "DIR", "FOLDER", "ZIP", "PATH", "CONTEXT"}
INSIDE = {"ls paths", "cat path", "run -w", "build --downloads"}
"""Paths in an image, and an option of two words."""


def test_whatever_takes_a_file_completes_files() -> None:
    context = click.Context(wcow)
    found = [(name, one) for name, one in parameters(wcow, context)
             if set(re.findall("[A-Z]+", one.metavar or "")) & KINDS and "=" not in (one.metavar or "")]
    assert len(found) > 80
    wrong = [name for name, one in found if name not in INSIDE
             and not {item.type for item in one.shell_complete(context, "")} & {"file", "dir"}]
    assert not wrong, wrong
