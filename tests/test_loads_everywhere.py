# SPDX-License-Identifier: Apache-2.0
"""The library loads on Windows and macOS, and what cannot run there says so in one sentence.

A process plays the other system: modules, functions and constants that Python lacks there are gone, ``sys.platform`` is
what it is there. What a real Python for Windows does is in ``tests/conformance/test_python_for_windows.py``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from imagebuild.cli.app import VERBS

TOP = Path(__file__).resolve().parent.parent

#: What makes up Linux: those parts of the library may need Linux when they are loaded; their faces may not.
LINUX = ("runtime", "engine", "hostd")

#: Loads what other packages decide by the system first, then takes the system away.
PLAY = """
import sys
name, top = sys.argv[1:3]
sys.path.insert(0, top)
import asyncio, click, email, filelock, http.client, json, logging, multiprocessing, os, pathlib, random
import requests, rich.console, rich.progress, select, shutil, signal, socket, socketserver, sqlite3, ssl, subprocess
import tarfile, tempfile, threading, types, urllib.request, uuid, zipfile
import click._termui_impl, click.shell_completion, click.testing

MODULES = {"win32": "fcntl grp posix pty pwd readline resource spwd syslog termios tty", "darwin": "spwd"}
NAMES = {
    "win32": {os: "O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK O_PATH O_TMPFILE chown fchown fork getegid geteuid "
                  "getgid getuid killpg lchown memfd_create mkfifo openpty posix_spawn sched_getaffinity setns setsid "
                  "statvfs uname unshare WNOHANG getxattr setxattr listxattr register_at_fork",
              socket: "AF_UNIX AF_NETLINK SO_PEERCRED SCM_RIGHTS",
              signal: "SIGHUP SIGKILL SIGUSR1 SIGWINCH pthread_sigmask",
              select: "epoll poll"},
    "darwin": {os: "O_PATH O_TMPFILE memfd_create pidfd_open sched_getaffinity setns unshare getxattr setxattr "
                   "listxattr", socket: "AF_NETLINK SO_PEERCRED", select: "epoll"},
}

class Gone:
    def find_spec(self, wanted, path=None, target=None):
        if wanted in MODULES[name].split():
            raise ModuleNotFoundError(f"No module named {wanted!r}", name=wanted)

for one in MODULES[name].split():
    sys.modules.pop(one, None)
for place, names in NAMES[name].items():
    for one in names.split():
        if hasattr(place, one):
            delattr(place, one)
sys.meta_path.insert(0, Gone())
if name == "win32":
    sys.modules["msvcrt"] = types.ModuleType("msvcrt")
sys.platform = name
"""

LOAD = PLAY + """
import importlib
top = pathlib.Path(top)
wrong, loaded = [], 0
for path in sorted((top / "imagebuild").rglob("*.py")):
    parts = path.relative_to(top).with_suffix("").parts
    if parts[-1] == "__main__" or parts[1] in sys.argv[3].split() and parts[2] != "__init__":
        continue
    try:
        importlib.import_module(".".join(parts).removesuffix(".__init__"))
        loaded += 1
    except Exception as error:
        wrong.append(f"{'.'.join(parts)}: {type(error).__name__}: {error}")
print(json.dumps({"wrong": wrong, "loaded": loaded}))
"""

SAY = PLAY + """
import contextlib, io
from imagebuild.cli.app import run
said = []
for arguments in json.loads(sys.stdin.read()):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(arguments)
    said.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(said))
"""


def play(code: str, *arguments: str, stdin: str = "") -> Any:
    done = subprocess.run([sys.executable, "-c", code, *arguments], input=stdin, capture_output=True, text=True,
                          check=False, timeout=120)
    assert not done.returncode, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_every_room_loads_on_windows_and_macos(system: str) -> None:
    found = play(LOAD, system, str(TOP), " ".join(LINUX))
    assert not found["wrong"], "\n".join(found["wrong"])
    assert found["loaded"] > 300


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_the_help_of_every_verb_is_shown_there(system: str) -> None:
    lines = [["--help"], *([verb, "--help"] for verb in VERBS)]
    for arguments, (code, out, err) in zip(lines, play(SAY, system, str(TOP), stdin=json.dumps(lines)), strict=True):
        assert (code, err) == (0, ""), (arguments, err)
        assert out.startswith("Usage: wcow"), arguments


ENGINES = [["run", "app:1"], ["ps"], ["sweep"], ["engine", "start"], ["engine", "status"], ["engine", "stop"],
           ["engine", "logs"], ["engine", "context"], ["powershell", "install"], ["powershell", "status"],
           ["host", "start"], ["host", "list"], ["host", "stop", "win"], ["host", "remove", "win"],
           ["host", "inventory"]]


@pytest.mark.parametrize(("system", "name"), [("win32", "Windows"), ("darwin", "macOS")])
def test_what_needs_the_embedded_engine_says_that_it_runs_on_linux_only(system: str, name: str) -> None:
    answers = play(SAY, system, str(TOP), stdin=json.dumps(ENGINES))
    for arguments, (code, out, err) in zip(ENGINES, answers, strict=True):
        assert (code, out) == (3, ""), (arguments, out, err)
        assert err.splitlines()[:2] == [
            "error: the embedded engine runs on Linux only",
            f"  this machine runs {name}, and the engine needs Wine in Linux's namespaces"], arguments


def test_what_only_knows_images_and_hosts_works_there(tmp_path: Path) -> None:
    store = str(tmp_path / "store")
    facts = tmp_path / "facts.json"
    facts.write_text("{}")
    lines = [["compat", "builds"], ["doctor", "explain", "hcsshim::CreateComputeSystem: 0xc0370101"],
             ["images", "--store", store], ["lint", "--store", store, "--offline", "app:1"],
             ["inspect", "--store", store, "--offline", "app:1"], ["compat", "pick", "--help"]]
    builds, explained, images, lint, inspect, _ = play(SAY, "darwin", str(TOP), stdin=json.dumps(lines))
    assert builds[0] == 0 and "20348" in builds[1]
    assert explained[0] in (0, 1) and "0xc0370101" in explained[1]
    assert images[0] == 0
    for code, _, err in (lint, inspect):
        assert code == 2 and err.startswith("error: ") and "app:1" in err and "fault in wcow" not in err


def test_the_sandbox_says_where_it_runs() -> None:
    code = PLAY + """
from imagebuild.runtime import MemorySandbox
try:
    from imagebuild.runtime import WineSandbox
except Exception as error:
    print(json.dumps([type(error).__name__, str(error)]))
"""
    kind, text = play(code, "win32", str(TOP))
    assert kind == "ToolError" and "on Linux only" in text
