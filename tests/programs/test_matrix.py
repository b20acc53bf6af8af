# SPDX-License-Identifier: Apache-2.0
"""Every command of ``wcow --help`` with its streams closed, full or gone, on a terminal and on one that hung up, under
``| head -1``, on a disk without a byte left, with a missing file, and offline: the exit code says how the work ended,
and what is named as done is there.

The commands run in children of one process that has imported everything, so that a cell costs little.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import click
import pytest
from support import programs, rawtar
from support.home import Home
from support.small_disk import full_disk

from imagebuild.cli.app import wcow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="closes descriptors as a POSIX shell does")

LINES: dict[str, tuple[str, int]] = {
    "build": ("build -q c -o type=oci,tar=false,dest=made", 0), "plan": ("plan -q c", 0),
    "copy": ("copy -q app:1 oci:made", 0), "push": ("push -q app:1 127.0.0.1:1/app:1", 3),
    "pull": ("pull -q 127.0.0.1:1/app:1", 3), "images": ("images", 0), "tag": ("tag app:1 app:2", 0),
    "rm": ("rm nothing:1", 2), "system df": ("system df", 0), "system prune": ("system prune --dry-run", 0),
    "digest": ("digest app:1", 0), "inspect": ("inspect app:1", 0), "ls": ("ls app:1", 0),
    "cat": ("cat app:1 /nothing", 2), "index create": ("index create -q -t i:1 app:1", 0),
    "index inspect": ("index inspect many:1", 0), "index append": ("index append -q nothing:1 app:1", 2),
    "index remove": ("index remove nothing:1 10.0.1", 2),
    "index annotate": ("index annotate nothing:1 --annotation a=b", 2),
    "diff": ("diff app:1 app:1", 0), "reg query": ("reg query hive ROOT", 2),
    "reg export": ("reg export --offline nothing HKLM", 2),
    "reg import": ("reg import --offline nothing x.reg", 2), "reg set": ("reg set --offline nothing HKLM\\x a", 2),
    "reg delete": ("reg delete --offline nothing HKLM\\x", 2), "reg diff": ("reg diff hive hive", 0),
    "reg merge": ("reg merge hive -o merged", 0), "reg lint": ("reg lint hive", 0), "lint": ("lint layer.tar", 1),
    "compat check": ("compat check --offline app:1 --host 10.0.20348", 0), "compat builds": ("compat builds", 0),
    "compat matrix": ("compat matrix", 0), "compat pick": ("compat pick many:1 --host 10.0.20348", 0),
    "doctor explain": ("doctor explain --list", 0), "doctor examine": ("doctor examine --facts nothing.json", 2),
    "doctor facts": ("doctor facts --script", 0),
    "engine status": ("engine status", 1), "engine stop": ("engine stop", 2), "engine logs": ("engine logs", 2),
    "engine context": ("engine context", 0),
    "host docker-cli status": ("host docker-cli status", 1), "host docker-cli remove": ("host docker-cli remove", 2),
    "host docker-zip": ("host docker-zip 24.0.7 x.zip", 0),
    "host list": ("host list", 0), "host inventory": ("host inventory", 0), "host remove": ("host remove nothing", 2),
    "host state": ("host state nothing", 2), "host fault": ("host fault nothing", 2),
    "host shell": ("host shell nothing", 2), "host stop": ("host stop nothing", 2),
    "host reset": ("host reset nothing", 2),
    "powershell status": ("powershell status", 1), "powershell remove": ("powershell remove", 2),
    "base create": ("base create -q --like nanoserver --os-version 10.0.20348.1 -t base:1", 0),
    "login": ("login 127.0.0.1:1 -u a --password-stdin", 2), "logout": ("logout nothing.example", 0),
    "completion": ("completion bash", 0), "ps": ("ps --socket nothing", 2),
    "sweep": ("sweep --engine unix:///nothing", 3),
}
"""A line for each command, and its exit code where nothing is wrong with the streams."""

MADE = {"copy": "made/index.json", "build": "made/index.json", "reg merge": "merged"}
"""What is there when a command has done its work."""

WRITES = {"build", "copy", "tag", "index create", "reg merge", "base create", "ls", "cat", "diff", "engine context",
          "host docker-zip"}
"""Commands that cannot do their work without room on a disk: those that look into layers keep an index of each."""

ELSEWHERE = {"engine start": "test_engine.py", "run": "test_run.py", "tunnel": "it stays", "host start": "test_host.py",
             "powershell install": "test_powershell.py",
             "host serve": "test_host.py", "host docker-cli install": "test_host.py"}
"""Commands that serve, or need an engine or a download: where they are tried, or why not."""

VARIES = {"system df"}
"""Commands whose first line is another each time."""

MISSING = ["build nothing", "plan nothing", "build -f nothing c", "copy --offline nothing:1 oci:x",
           "inspect oci:nothing",
           "push nothing:1", "tag nothing:1 x:1", "digest --offline nothing:1", "ls oci-archive:nothing.tar",
           "cat dir:nothing /a", "diff --offline nothing:1 app:1", "lint --offline nothing.tar",
           "reg query --offline nothing.hive X",
           "doctor examine --facts nothing.json",
           "reg merge nothing.hive -o x", "doctor explain -f nothing.log", "compat check --offline nothing:1 --host "
           "10.0.20348", "index inspect --offline nothing:1", "pull --offline nothing:1", "--config nothing images",
           "build --build-context a=nothing c", "base create --like nothing -t x:1"]

RUNNER = r"""
import fcntl, json, os, sys
os.chdir(sys.argv[1])
notes = sys.argv[2]
from imagebuild.cli import main
import imagebuild.cli.app as app
for module in {module for module, _ in app.VERBS.values()}:
    __import__(f"imagebuild.cli.{module}")

def child(line, mode, theirs):
    sys.stdin = open(os.devnull)
    out = os.open(notes + "/out", os.O_RDWR | os.O_TRUNC)
    err = os.open(notes + "/err", os.O_RDWR | os.O_TRUNC)
    if mode == "head":
        out = theirs
    if mode in ("terminal", "hung up"):
        out, err = theirs, os.dup(theirs)
    if mode == "full":
        out = os.open("/dev/full", os.O_WRONLY)
    if mode == "gone":
        read, out = os.pipe()
        os.close(read)
    os.dup2(out, 1), os.dup2(err, 2), os.close(out), os.close(err)
    sys.stdout = open(1, "w", closefd=False)
    sys.stderr = open(2, "w", closefd=False)
    if mode == "closed":
        os.close(1)
        sys.stdout = None
    if mode == "silent":
        os.close(2)
        sys.stderr = None
    code = main(line.split(" "))
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass
    os._exit(code)

def read(ours, mode):
    with open(ours, "rb", buffering=0) as stream, open(notes + "/out", "wb") as out:
        try:
            while data := stream.read(1 if mode == "head" else 65536):
                out.write(data)
                if mode == "head" and data == b"\n":
                    return
        except OSError:  # Linux's end of a terminal whose other side is closed
            pass

cells, told = json.load(sys.stdin), []
for line, mode, made in cells:
    for name in ("made", "merged", "docker", "x.zip"):
        os.system(f"rm -rf {name}")
    for name in ("out", "err"):
        open(notes + "/" + name, "w").close()
    ours, theirs = os.pipe() if mode == "head" else os.openpty() if mode in ("terminal", "hung up") else (-1, -1)
    if mode == "head":
        fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, 4096)
    if mode == "hung up":
        os.close(ours)
    pid = os.fork()
    if not pid:
        if mode in ("head", "terminal"):
            os.close(ours)
        try:
            child(line, mode, theirs)
        except BaseException:
            import traceback
            os.write(2, traceback.format_exc().encode())
        os._exit(99)
    if theirs >= 0:
        os.close(theirs)
    if mode in ("head", "terminal"):
        read(ours, mode)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    told.append([code, open(notes + "/out", errors="replace").read(), open(notes + "/err", errors="replace").read(),
                 bool(made) and os.path.exists(made)])
print(json.dumps(told))
"""


def commands(group: click.Group, context: click.Context, *names: str) -> Iterator[str]:
    """Every command by its words."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, click.Context(command, parent=context), *names, name)
        else:
            yield " ".join((*names, name))


@pytest.fixture
def ready(home: Home, app: str, many: str) -> Home:
    """A home with images, a context, a hive and a layer."""
    (home.folder / "c").mkdir()
    (home.folder / "c" / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile C:/\n")
    (home.folder / "hive").write_bytes(rawtar.HIVE)
    (home.folder / "layer.tar").write_bytes(rawtar.layer(rawtar.file("Files/a<b")))
    return home


def ran(home: Home, cells: list[tuple[str, str, str]]) -> list[tuple[int, str, str, bool]]:
    """How each line ended under a mode: its exit code, what it wrote, and whether what it makes is there."""
    with tempfile.TemporaryDirectory(prefix="wcow-matrix-") as notes:
        done = subprocess.run([sys.executable, "-c", RUNNER, str(home.folder), notes], input=json.dumps(cells).encode(),
                              env=home.environment(WCOW_ENGINE_ROOT=str(home.folder / "engine"), WCOW_RETRIES="1",
                                                   TMPDIR=str(home.folder)),
                              capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr.decode()
    told: list[Any] = json.loads(done.stdout)
    return [tuple(one) for one in told]


def test_every_command_has_a_line() -> None:
    names = set(commands(wcow, click.Context(wcow)))
    assert names - set(ELSEWHERE) <= set(LINES), sorted(names - set(LINES) - set(ELSEWHERE))
    assert set(LINES) <= names


QUICK = ("build", "copy", "digest", "tag", "plan", "reg merge")
REST = [name for name in LINES if name not in QUICK]
PARTS = pytest.mark.parametrize("names", [QUICK, pytest.param(REST[::2], marks=pytest.mark.slow),
                                          pytest.param(REST[1::2], marks=pytest.mark.slow)],
                                ids=["quick", "others", "others still"])
LOST = {"closed": 3, "full": 3, "hung up": 3, "gone": 141}
"""The exit code of what would have been a success where the result cannot be written."""


@PARTS
def test_no_command_calls_lost_output_success(ready: Home, names: Sequence[str]) -> None:
    modes = ("as usual", "silent", "terminal", "head", *LOST)
    told = iter(ran(ready, [(LINES[name][0], mode, MADE.get(name, "")) for name in names for mode in modes]))
    wrong: list[str] = []
    for name in names:
        expected = LINES[name][1]
        found = {mode: next(told) for mode in modes}
        usual = found["as usual"]
        if usual[0] != expected or (name in MADE and not usual[3]):
            wrong.append(f"{name}: {usual}")
            continue
        speaks = bool(usual[1])
        for mode, one in found.items():
            right = {expected}
            if mode in LOST and speaks:
                right = {LOST[mode]} if expected == 0 else {LOST[mode], expected}
            if mode == "head" and usual[1].count("\n") > 1:  # a command may have written all before its reader left
                right = {141, expected}
            if one[0] not in right or "Traceback" in one[1] + one[2]:
                wrong.append(f"{name}, {mode}: {one} instead of {right}")
            if name in MADE and one[0] == 0 and not one[3]:
                wrong.append(f"{name}, {mode}: nothing was made")
        if bool(found["silent"][1]) != speaks or found["silent"][3] != usual[3]:
            wrong.append(f"{name}, standard error closed: {found['silent']}")
        if found["head"][1] != usual[1].partition("\n")[0] + "\n" * ("\n" in usual[1]) and name not in VARIES:
            wrong.append(f"{name}, the first line: {found['head'][1]!r}")
        if speaks and not found["terminal"][1]:
            wrong.append(f"{name}: nothing on a terminal")
    assert not wrong, "\n".join(wrong)


@PARTS
def test_a_disk_without_room_is_an_error_or_does_not_matter(ready: Home, names: Sequence[str]) -> None:
    before = [LINES[name][1] for name in names]
    with programs.skipping(), full_disk(holding=ready.folder) as folder:
        told = ran(Home(folder), [(LINES[name][0], "as usual", MADE.get(name, "")) for name in names])
    wrong = []
    for name, usual, found in zip(names, before, told, strict=True):
        right = {3} if name in WRITES else {usual}
        if found[0] not in right or "Traceback" in found[2] \
                or len(found[2][found[2].find("error: "):].splitlines()) > 3:
            wrong.append(f"{name}: {found} instead of {right}")
        if found[0] and found[3]:
            wrong.append(f"{name}: {MADE[name]} is there though it failed")
    assert not wrong, "\n".join(wrong)


def test_what_is_missing_is_told_in_three_lines_with_code_2(ready: Home) -> None:
    told = ran(ready, [(line, "as usual", "") for line in MISSING])
    wrong = [f"{line}: {found}" for line, found in zip(MISSING, told, strict=True)
             if found[0] != 2 or found[1] or len(found[2].splitlines()) > 3 or not found[2].startswith("error: ")]
    assert not wrong, "\n".join(wrong)
