# SPDX-License-Identifier: Apache-2.0
"""The engine at work, killed at a random moment, and started again: what must be there, and what must not.

What a client was told has happened must have: a loaded image is there, a created container is there, a removed one is
not. Nothing of the killed engine may be left: no process, no mount, no namespace, no cgroup. All it wrote can be read.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import secrets
import shutil
import signal
import subprocess
import tarfile
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from imagebuild.dockerapi import Client
from imagebuild.dockerapi.faults import Fault
from imagebuild.engine.serving.lock import running
from imagebuild.errors import WcowError

from . import images, programs
from .engine import HERE, IMAGE, descendants, image, moment, namespaces, nothing_left, template
from .engine_images import repository
from .registry_double import RegistryDouble
from .users import User

START_SECONDS = 300
"""An engine may take so long to answer: on a busy machine another test may be making the prefix that all share."""
LONGEST = 1.5
"""Seconds of work after which the engine is killed, at most."""
PULLED, MOST = 6, 4
"""Images in the registry; images of builds, and of commits, that are kept at once."""
BIG = 1 << 20
"""Bytes that each pull, build, commit and copy brings, which nothing else has."""
KEPT = 2 << 20
"""Bytes that an engine may have gained for good by all that: what it remembers of layers, rounded up to blocks."""
CGROUPS = Path("/sys/fs/cgroup")


@dataclass
class Known:
    """What clients were told. What was asked for and not answered may or may not have happened."""

    images: set[str] = field(default_factory=set)
    containers: set[str] = field(default_factory=set)
    uncertain: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    going: set[str] = field(default_factory=set)
    """Images whose removal was asked for and not answered."""


class Chaos:
    """One engine's folder, and its kills. ``seed`` decides what is done and when it ends."""

    def __init__(self, root: Path, archive: Path, seed: int, user: User, double: RegistryDouble) -> None:
        self.root = root
        self.user = user
        self.double = double
        self.archive = archive.read_bytes()
        self.random = random.Random(seed)
        self.known = Known()
        self.done, self.refused = Counter[str](), Counter[str]()
        self._pulling = {str(tag): threading.Lock() for tag in range(PULLED)}
        self.wrong: list[str] = []
        self._left: tuple[dict[int, str], set[str], float] = ({}, set(), 0.0)
        self._room = 0

    def round(self) -> None:
        """Start, look, work, kill, look again. AssertionError or Left says what was wrong."""
        engine, client = self._start()
        try:
            self._look(client)
            stop = threading.Event()
            workers = [threading.Thread(target=self._work, args=(self.random.randrange(1 << 30), stop))
                       for _ in range(2)]
            for worker in workers:
                worker.start()
            time.sleep(self.random.uniform(0, LONGEST))
            engine.send_signal(signal.SIGSTOP)  # so that nothing starts while the family is listed
            listed, family = moment(), descendants(engine.pid)
            spaces = {space for pid in family for space in namespaces(pid)} - set(namespaces(os.getpid()))
            stop.set()
        finally:
            engine.kill()
            engine.wait(10)
            client.close()
        for worker in workers:
            worker.join(20)
        assert not self.wrong, self.wrong
        self._readable()
        self._left = family, spaces, listed

    def end(self) -> None:
        """Start once more, remove all, stop as one should: then nothing is left anywhere."""
        engine, client = self._start()
        try:
            self._look(client)
            for row in client.json("GET", "/containers/json", query={"all": True}):
                with client.call("DELETE", f"/containers/{row['Id']}", query={"force": True}) as answer:
                    answer.read()
            assert not list((self.root / "containers").iterdir())
            for name in sorted(_names(client) - {IMAGE}):
                with client.call("DELETE", f"/images/{name}") as answer:
                    answer.read()
            with client.call("POST", "/build/prune") as answer:
                answer.read()
            left = self._groups(self.known.containers | self.known.gone | self.known.uncertain)
            assert not left, f"cgroups left: {left}"
            client.close()
            engine.terminate()
            assert engine.wait(30) == 0
        finally:
            engine.kill()
            engine.wait(10)
        room = self._measure()
        assert room - self._room < KEPT, f"it had {self._room >> 10} KiB, and keeps {room >> 10}: {self._largest()}"

    def _measure(self) -> int:
        """Bytes that the engine takes on the disk, without the log and the prefix that tests share."""
        return sum(path.lstat().st_blocks * 512 for path in self.root.rglob("*"))

    def _largest(self) -> list[str]:
        files = sorted((path.lstat().st_blocks, str(path.relative_to(self.root))) for path in self.root.rglob("*"))
        return [f"{name}: {blocks >> 1} KiB" for blocks, name in files[-12:]]

    def _start(self) -> tuple[subprocess.Popen[bytes], Client]:
        log = self.root.parent / "log"
        with log.open("ab") as said:
            engine = subprocess.Popen(
                [self.user.python, "-m", "imagebuild", "engine", "start", "--foreground", "--root",
                 str(self.root)], cwd=HERE.parents[1], stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                env={**self.user.environment(), "PYTHONFAULTHANDLER": "1"}, **self.user.popen())
        try:
            return engine, self._client(engine, log)
        except BaseException:
            engine.kill()
            engine.wait(10)
            raise

    def _client(self, engine: subprocess.Popen[bytes], log: Path) -> Client:
        """Wait until the engine answers: a client of it."""
        end = time.monotonic() + START_SECONDS
        while True:
            found = running(self.root)
            if found is not None and found.pid == engine.pid:
                return Client.at(f"unix://{found.socket}", timeout=60)
            assert engine.poll() is None, f"the engine does not start: {log.read_text()[-3000:]}"
            if time.monotonic() > end:
                engine.send_signal(signal.SIGABRT)  # it says where it is
                engine.wait(10)
                said = log.read_text("utf-8", "replace")[-6000:]
                raise AssertionError(f"the engine does not answer within {START_SECONDS} s: {said}")
            time.sleep(0.02)

    def _look(self, client: Client) -> None:
        """What is left of the engine before, and what this one says of what that one did."""
        nothing_left(self.root, *self._left)
        lost = self.known.images - _names(client)
        assert not lost, f"images lost: {lost}"
        dangling = client.json("GET", "/images/json", query={"filters": '{"dangling": ["true"]}'})
        assert not dangling or self.known.going, f"images without a name: {dangling}"
        for row in dangling:  # its removal was not answered: it may be half done
            with client.call("DELETE", f"/images/{row['Id']}") as answer:
                answer.read()
        self.known.going.clear()
        assert not list((self.root / "tmp").iterdir())
        rows = {row["Id"]: row for row in client.json("GET", "/containers/json", query={"all": True})}
        lost = self.known.containers - self.known.uncertain - rows.keys()
        assert not lost, f"containers lost: {lost}"
        back = self.known.gone & rows.keys()
        assert not back, f"removed containers are back: {back}"
        states = {row["State"] for row in rows.values()}
        assert states <= {"created", "exited"}, f"states after a kill: {states}"
        assert not self._groups(set(rows)), "cgroups left"
        self.known.containers, self.known.uncertain = set(rows), set()
        for identifier, row in rows.items():
            state = client.json("GET", f"/containers/{identifier}/json")["State"]
            assert (state["Running"], state["Pid"], state["Status"]) == (False, 0, row["State"])
            with client.call("GET", f"/containers/{identifier}/logs", query={"stdout": True}) as answer:
                answer.read()
        assert {one.name for one in (self.root / "containers").iterdir()} == set(rows)
        if rows:  # one that was killed runs again
            again = self.random.choice(sorted(rows))
            with client.call("POST", f"/containers/{again}/start") as answer:
                answer.read()
            with contextlib.suppress(Fault), client.call("POST", f"/containers/{again}/kill") as answer:
                answer.read()

    def _groups(self, identifiers: set[str]) -> list[Path]:
        found = [*CGROUPS.glob("*/wcow/*"), *CGROUPS.glob("**/wcow-*")]
        return [path for path in found if path.name.removeprefix("wcow-") in identifiers]

    def _readable(self) -> None:
        for path in self.root.rglob("*.json"):
            if not path.name.startswith(".") and "box" not in path.parts and "sandbox" not in path.parts:
                with contextlib.suppress(FileNotFoundError):
                    json.loads(path.read_bytes())

    # --- the work

    def _work(self, seed: int, stop: threading.Event) -> None:
        chance = random.Random(seed)
        found = running(self.root)
        acts = (self._create, self._run, self._run, self._remove, self._load, self._exec, self._pull, self._pull,
                self._build, self._build, self._commit, self._commit, self._copy, self._copy)
        with contextlib.suppress(WcowError, OSError), Client.at(
                f"unix://{found.socket if found else ''}", timeout=30) as client:
            while not stop.is_set():
                act = chance.choice(acts)
                try:
                    act(client, chance)
                    self.done[act.__name__] += 1
                except Fault:
                    self.refused[act.__name__] += 1
                except Exception as error:
                    if stop.is_set() and isinstance(error, WcowError | OSError):
                        return  # the engine is being killed
                    self.wrong.append(f"{act.__name__}: {error!r}")

    def _load(self, client: Client, chance: random.Random) -> None:
        for _ in client.lines("POST", "/images/load", query={"quiet": True}, body=self.archive):
            pass
        tag = f"copy:{chance.randrange(8)}"
        with client.call("POST", f"/images/{IMAGE}/tag", query={"repo": "copy", "tag": tag[5:]}) as answer:
            answer.read()
        self.known.images |= {IMAGE, tag}

    def _pull(self, client: Client, chance: random.Random) -> None:
        tag = str(chance.randrange(PULLED))
        with self._pulling[tag]:
            self._pull_tag(client, tag)

    def _pull_tag(self, client: Client, tag: str) -> None:
        name = f"{self.double.host}/team/app:{tag}"
        if name in self.known.images:
            self._forget(client, name)
        for line in client.lines("POST", "/images/create", query={"fromImage": name.rpartition(":")[0], "tag": tag}):
            assert "error" not in line, line
        self.known.images.add(name)

    def _build(self, client: Client, chance: random.Random) -> None:
        name = f"built-{secrets.token_hex(6)}:1"
        run = chance.choice(("", "", "RUN echo x> C:\\x.txt\n"))
        context = io.BytesIO()
        with tarfile.open(fileobj=context, mode="w") as tar:
            _add(tar, "Dockerfile", f"FROM {IMAGE}\nCOPY big C:/big\nENV A={name}\n{run}".encode())
            _add(tar, "big", os.urandom(BIG))
        for line in client.lines("POST", "/build", query={"t": name}, body=context.getvalue(),
                                 content_type="application/x-tar"):
            assert "error" not in line, line
        self.known.images.add(name)
        self._thin_out(client, "built-", chance)

    def _commit(self, client: Client, chance: random.Random) -> None:
        identifier = self._create(client, chance)
        self._put(client, identifier)
        name = f"committed-{secrets.token_hex(6)}"
        client.json("POST", "/commit", query={"container": identifier, "repo": name, "tag": "1"}, body={})
        self.known.images.add(f"{name}:1")
        self._thin_out(client, "committed-", chance)

    def _copy(self, client: Client, chance: random.Random) -> None:
        """Into a container that was just made, and out of it; half of them run."""
        identifier = self._create(client, chance)
        if chance.random() < 0.5:
            with client.call("POST", f"/containers/{identifier}/start") as answer:
                answer.read()
        self._put(client, identifier)
        with client.call("GET", f"/containers/{identifier}/archive", query={"path": "C:\\app"}) as answer:
            for _ in answer:
                pass

    def _put(self, client: Client, identifier: str) -> None:
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w") as tar:
            _add(tar, "big", os.urandom(BIG))
        with client.call("PUT", f"/containers/{identifier}/archive", query={"path": "C:\\app"},
                         body=content.getvalue()) as answer:
            answer.read()

    def _thin_out(self, client: Client, prefix: str, chance: random.Random) -> None:
        mine = sorted(name for name in self.known.images if name.startswith(prefix))
        if len(mine) > MOST:
            self._forget(client, chance.choice(mine))

    def _forget(self, client: Client, name: str) -> None:
        """Take an image away that no container needs: from now on it may be there or not."""
        self.known.images.discard(name)
        self.known.going.add(name)
        with contextlib.suppress(Fault), client.call("DELETE", f"/images/{name}") as answer:
            answer.read()
        self.known.going.discard(name)

    def _create(self, client: Client, chance: random.Random) -> str:
        if len(self.known.containers) > 12:
            self._remove(client, chance)
        host = {"Memory": 200 << 20} if chance.random() < 0.5 else {}
        made = client.json("POST", "/containers/create", body={
            "Image": IMAGE, "Cmd": ["cmd", "/c", "echo begun & ping -n 30 127.0.0.1 >nul"], "HostConfig": host})
        self.known.containers.add(made["Id"])
        return str(made["Id"])

    def _run(self, client: Client, chance: random.Random) -> None:
        with client.call("POST", f"/containers/{self._create(client, chance)}/start") as answer:
            answer.read()

    def _exec(self, client: Client, chance: random.Random) -> None:
        rows = client.json("GET", "/containers/json")
        if rows:
            made = client.json("POST", f"/containers/{chance.choice(rows)['Id']}/exec", body={
                "Cmd": ["cmd", "/c", "echo x > C:\\x.txt & echo done"], "AttachStdout": True})
            with client.attach(f"/exec/{made['Id']}/start", body={"Detach": False}) as stream:
                for _ in stream.pieces():
                    pass

    def _remove(self, client: Client, chance: random.Random) -> None:
        known = sorted(self.known.containers - self.known.uncertain)
        if known:
            identifier = chance.choice(known)
            self.known.uncertain.add(identifier)
            with client.call("DELETE", f"/containers/{identifier}", query={"force": True}) as answer:
                answer.read()
            self.known.containers.discard(identifier)
            self.known.gone.add(identifier)


@contextlib.contextmanager
def place(seed: int, user: User) -> Iterator[Chaos]:
    """A folder for an account's engine, with a prepared sandbox, and a registry. Unavailable where it cannot run."""
    compiler = programs.find("x86_64-w64-mingw32-gcc")
    root = Path(tempfile.mkdtemp(prefix="wcow-chaos-"))
    try:
        root.chmod(0o711)
        (root / "engine").mkdir()
        template(user.own(root / "engine") / "sandbox", user)
        with RegistryDouble() as double:
            for tag in range(PULLED):
                _push(double, str(tag))
            chaos = Chaos(root / "engine", image(root / "image", compiler), seed, user, double)
            _first_image(chaos)
            yield chaos
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _names(client: Client) -> set[str]:
    return {name for row in client.json("GET", "/images/json") for name in row["RepoTags"] or ()}


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    about = tarfile.TarInfo(name)
    about.size = len(content)
    tar.addfile(about, io.BytesIO(content))


def _push(double: RegistryDouble, tag: str) -> None:
    """An image whose layer no other has."""
    store = repository(double)
    below = images.layer(store, images.BASE, base=True)
    own = images.layer(store, (images.folder("Files", security=False), images.file("Files/big", os.urandom(BIG)),
                               images.folder("Hives", security=False)))
    images.image(store, tag, below, own, os_version="10.0.20348.1")


def _first_image(chaos: Chaos) -> None:
    """The engine as it is before the first kill: with an image that was run, and containers no more."""
    engine, client = chaos._start()
    try:
        chaos._load(client, chaos.random)
        identifier = chaos._create(client, chaos.random)
        with client.call("POST", f"/containers/{identifier}/start") as answer:
            answer.read()
        chaos._remove(client, chaos.random)
        for name in sorted(_names(client) - {IMAGE}):
            chaos._forget(client, name)
    finally:
        client.close()
        engine.terminate()
        engine.wait(30)
    chaos._room = chaos._measure()


def kills(count: int, seed: int, user: User, say: Callable[[str], None] = lambda line: None) -> None:
    """Kill an account's engine so often; the first thing that is wrong is raised."""
    with place(seed, user) as chaos:
        for number in range(1, count + 1):
            chaos.round()
            say(f"{number} of {count}: {chaos.done.total()} acts done, {len(chaos.known.containers)} containers, "
                f"{len(chaos.known.images)} images, {chaos._measure() >> 20} MiB")
        chaos.end()
        say(f"done: {dict(chaos.done)}, refused: {dict(chaos.refused)}")
        assert chaos.done.total() >= count, "the engine was given nothing to do"
