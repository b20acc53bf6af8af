# SPDX-License-Identifier: Apache-2.0
"""The embedded engine as its users have it: a process of its own with a socket, in a folder of its own, for a test run.

Wine's prefix takes some fifteen seconds to make, so all engines of tests share one, which stays from run to run
(:func:`.sandboxes.home`). When the engine has stopped, nothing may be left of it: no process, no mount, no namespace.
:class:`Left` says what is.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from imagebuild.engine.serving.lock import running

from . import programs, sandboxes, users
from .terminals import Terminal, terminal
from .users import User
from .workbench import NANOSERVER, Workbench

HERE = Path(__file__).parent
IMAGE = "app:1"
"""What the engine has to begin with; :func:`image` says what is in it."""
BUILT = ("crash", "serve", "fetch")
"""C programs beside this file that are in the image, in ``C:\\app``: one ends with 0xC0000005, one answers HTTP on a
port, one asks such a server."""
LOOP = "for /l %i in (1,1,1000) do @(echo line %i & ping -n 2 127.0.0.1 >nul)"
"""A line a second, to ``cmd /c``."""


Docker = Callable[..., str]
"""What the fixture ``docker`` of the conformance tests gives."""


class Left(Exception):
    """A stopped engine left something behind; the text says what."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A running engine. ``drive`` is the folder that stands for ``C:`` in mounts, ``folder`` one for the tests' files
    that containers may enter, ``user`` the account that it and its clients run as."""

    root: Path
    socket: Path
    drive: Path
    folder: Path
    config: Path
    user: User

    @property
    def host(self) -> str:
        """For ``DOCKER_HOST``."""
        return f"unix://{self.socket}"

    @property
    def env(self) -> dict[str, str]:
        """What clients need in their environment to use this engine and nothing of the user's."""
        return {"DOCKER_HOST": self.host, "DOCKER_CONFIG": str(self.config), "DOCKER_BUILDKIT": "0"}

    def docker(self, *args: str | Path, stdin: bytes | None = None, ok: bool = True,
               timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """The real ``docker`` command."""
        return programs.run(programs.find("docker"), *args, env=self.env, stdin=stdin, ok=ok, timeout=timeout,
                            user=self.user)

    def refused(self, *args: str | Path) -> str:
        """What ``docker`` says on stderr of what it cannot do."""
        done = self.docker(*args, ok=False)
        assert done.returncode, done.stdout
        return done.stderr

    def fresh(self) -> Path:
        """A new folder that containers may enter and write."""
        path = Path(tempfile.mkdtemp(dir=self.folder))
        path.chmod(0o777)
        return self.user.own(path)

    def terminal(self, *args: str | Path, **env: str) -> AbstractContextManager[Terminal]:
        """A program on a terminal, as this engine's user starts it."""
        return terminal(*map(str, args), env={**self.env, **env}, user=self.user)


def until(true: Callable[[], object], seconds: float = 20) -> None:
    """Wait until something is so; a failure when it does not become so."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds:g} s"
        time.sleep(0.05)


@contextlib.contextmanager
def engine(disk: Callable[[Path], None] | None = None, user: User | None = None) -> Iterator[Engine]:
    """Start one as an account (we ourselves, unless another is named); :class:`~.programs.Unavailable` where it cannot
    run, :class:`Left` when it left something. With ``disk``, which mounts one on the folder it gets, the engine's
    folder is on that."""
    user = user or users.ourselves()
    programs.find("docker")
    compiler = programs.find("x86_64-w64-mingw32-gcc")
    # Not the folder of pytest's own temporary files: nobody but root may enter that, and boxes are not root's.
    root = Path(tempfile.mkdtemp(prefix="wcow-engine-test-"))
    try:
        root.chmod(0o711)
        own = root / "disk" / "engine" if disk else root / "engine"
        if disk:
            own.parent.mkdir()
            disk(own.parent)
        for folder in (own, *(root / name for name in ("drive", "files", "config"))):
            folder.mkdir()
            user.own(folder)
        made = Engine(own, own / "engine.sock", root / "drive", root / "files", root / "config", user)
        template(made.root / "sandbox", user)
        _wcow(user, "start", "--root", made.root, "--host-drive", f"C={made.drive}", timeout=180)
        try:
            made.docker("load", "--input", image(root / "image", compiler))
            yield made
        finally:
            _stop(made)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def image(folder: Path, compiler: Path) -> Path:
    """An archive of :data:`IMAGE`: three programs and a text in ``C:\\app``, a variable, a label, a command."""
    tree: dict[str, str | bytes] = {"hello.txt": "hello from the image\r\n", "Dockerfile": f"""\
FROM {NANOSERVER}
COPY *.exe hello.txt C:/app/
WORKDIR C:/app
ENV GREETING=hello
LABEL suite=conformance
EXPOSE 8080
CMD ["cmd", "/c", "echo %GREETING%"]
"""}
    folder.mkdir()
    for name in BUILT:
        built = folder / f"{name}.exe"
        programs.run(compiler, "-O1", "-s", "-o", built, HERE / "engine_programs" / f"{name}.c", "-lws2_32")
        tree[f"{name}.exe"] = built.read_bytes()
    bench = Workbench(folder / "bench", offline=True)
    bench.base("nanoserver", NANOSERVER)
    bench.build(tree, tag=IMAGE)
    archive = folder / "app.tar"
    bench.copy(IMAGE, f"docker-archive:{archive}:{IMAGE}")
    return archive


# --- what it needs, and what it leaves

def template(home: Path, user: User | None = None) -> None:
    """Give an engine the prefix that all tests share, in the place where it looks for its own."""
    user = user or users.ourselves()
    sandboxes.prepare(user)
    home.symlink_to(sandboxes.home(user))


def _wcow(user: User, *args: str | Path, timeout: float) -> None:
    programs.run(user.python, "-m", "imagebuild", "engine", *args, cwd=HERE.parents[1], timeout=timeout, user=user)


def _stop(made: Engine) -> None:
    found = running(made.root)
    if found is None:
        raise Left(f"the engine ended by itself: {(made.root / 'engine.log').read_text('utf-8', 'replace')[-3000:]}")
    listed, family = moment(), descendants(found.pid)
    spaces = {space for pid in family for space in namespaces(pid)} - set(namespaces(os.getpid()))
    _wcow(made.user, "stop", "--root", made.root, timeout=60)
    nothing_left(made.root, family, spaces, listed)


def nothing_left(root: Path, family: dict[int, str], spaces: set[str], listed: float | None = None) -> None:
    """Wait until all processes of a family are gone, and with them their mounts below ``root`` and their namespaces;
    Left when something stays. The number of a namespace that is gone comes again at once, so a process that was begun
    after these were ``listed`` (seconds of :func:`moment`; else now) is somebody else's."""
    listed = moment() if listed is None else listed
    end = time.monotonic() + 3  # the kernel takes namespaces apart after their last process is gone
    while True:
        left = [f"process {pid}: {what}" for pid, what in family.items() if describe(pid) == what]
        left += [f"process {pid} sees a mount of it: {describe(pid)}" for pid in pids()
                 if str(root) in mounts(pid) and begun(pid) <= listed]
        left += [f"process {pid} is in {space}: {describe(pid)}" for pid in pids() for space in namespaces(pid)
                 if space in spaces and begun(pid) <= listed]
        if not left:
            return
        if time.monotonic() > end:
            raise Left("the engine stopped, and left:\n" + "\n".join(left))
        time.sleep(0.05)


def moment() -> float:
    """Seconds since the machine was begun."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def begun(pid: int) -> float:
    """When a process was begun, in seconds since the machine was; for one that is gone a moment that never comes."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return float("inf")
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")


def pids() -> list[int]:
    """Every process of the machine."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def describe(pid: int) -> str:
    """A process as text that another process with the same number does not have; empty when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return ""
    fields = stat.rpartition(b")")[2].split()
    if fields[0] in (b"Z", b"X"):  # gone, and only not yet asked for
        return ""
    return f"{stat.partition(b'(')[2].rpartition(b')')[0].decode('utf-8', 'replace')} since {fields[19].decode()}"


def descendants(pid: int) -> dict[int, str]:
    """A process and everything it started, by number, each described."""
    parents: dict[int, list[int]] = {}
    for one in pids():
        with contextlib.suppress(OSError):
            parent = int(Path(f"/proc/{one}/stat").read_bytes().rpartition(b")")[2].split()[1])
            parents.setdefault(parent, []).append(one)
    found, todo = {}, [pid]
    while todo:
        one = todo.pop()
        found[one] = describe(one)
        todo += parents.get(one, [])
    return {one: what for one, what in found.items() if what}


def namespaces(pid: int) -> list[str]:
    """The namespaces that a process is in; nothing for one that is gone."""
    found = []
    for kind in ("net", "user", "mnt", "pid"):
        with contextlib.suppress(OSError):
            found.append(os.readlink(f"/proc/{pid}/ns/{kind}"))  # noqa: PTH115  # no path: Path would say it is one
    return found


def mounts(pid: int) -> str:
    """What a process sees mounted."""
    try:
        return Path(f"/proc/{pid}/mountinfo").read_text("utf-8", "replace")
    except OSError:
        return ""
