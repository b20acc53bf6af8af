# SPDX-License-Identifier: Apache-2.0
"""The engine at work, killed at a random moment, and started again: what must be there, and what must not.

What a client was told has happened must have: a loaded image is there, a created container is there, a removed one is
not. Nothing of the killed engine may be left: no process, no mount, no namespace, no cgroup. All it wrote can be read.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from imagebuild.dockerapi import Client
from imagebuild.dockerapi.faults import Fault
from imagebuild.engine.serve import running
from imagebuild.errors import WcowError

from . import programs
from .engine import HERE, IMAGE, descendants, image, moment, namespaces, nothing_left, template

START_SECONDS = 60
LONGEST = 1.5
"""Seconds of work after which the engine is killed, at most."""
CGROUPS = Path("/sys/fs/cgroup")


@dataclass
class Known:
    """What clients were told. What was asked for and not answered may or may not have happened."""

    images: set[str] = field(default_factory=set)
    containers: set[str] = field(default_factory=set)
    uncertain: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)


class Chaos:
    """One engine's folder, and its kills. ``seed`` decides what is done and when it ends."""

    def __init__(self, root: Path, archive: Path, seed: int) -> None:
        self.root = root
        self.archive = archive.read_bytes()
        self.random = random.Random(seed)
        self.known = Known()
        self.done = 0
        self._left: tuple[dict[int, str], set[str], float] = ({}, set(), 0.0)

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
            left = self._groups(self.known.containers | self.known.gone | self.known.uncertain)
            assert not left, f"cgroups left: {left}"
            client.close()
            engine.terminate()
            assert engine.wait(30) == 0
        finally:
            engine.kill()
            engine.wait(10)

    def _start(self) -> tuple[subprocess.Popen[bytes], Client]:
        log = self.root.parent / "log"
        with log.open("ab") as said:
            engine = subprocess.Popen(
                [sys.executable, "-m", "imagebuild", "engine", "start", "--foreground", "--root", str(self.root)],
                cwd=HERE.parents[1], stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        end = time.monotonic() + START_SECONDS
        while True:
            found = running(self.root)
            if found is not None and found.pid == engine.pid:
                return engine, Client.at(f"unix://{found.socket}", timeout=60)
            assert engine.poll() is None, f"the engine does not start: {log.read_text()[-3000:]}"
            assert time.monotonic() < end, "the engine does not answer"
            time.sleep(0.02)

    def _look(self, client: Client) -> None:
        """What is left of the engine before, and what this one says of what that one did."""
        nothing_left(self.root, *self._left)
        names = {name for row in client.json("GET", "/images/json") for name in row["RepoTags"] or ()}
        assert names >= self.known.images, f"images lost: {self.known.images - names}"
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
        acts = (self._create, self._create, self._run, self._remove, self._load, self._exec)
        with contextlib.suppress(WcowError, OSError), Client.at(
                f"unix://{found.socket if found else ''}", timeout=30) as client:
            while not stop.is_set():
                with contextlib.suppress(Fault):
                    chance.choice(acts)(client, chance)
                    self.done += 1

    def _load(self, client: Client, chance: random.Random) -> None:
        for _ in client.lines("POST", "/images/load", query={"quiet": True}, body=self.archive):
            pass
        tag = f"copy:{chance.randrange(8)}"
        with client.call("POST", f"/images/{IMAGE}/tag", query={"repo": "copy", "tag": tag[5:]}) as answer:
            answer.read()
        self.known.images |= {IMAGE, tag}

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
def place(seed: int) -> Iterator[Chaos]:
    """A folder for an engine that boxes may enter, with a prepared sandbox. Unavailable where it cannot run."""
    compiler = programs.find("x86_64-w64-mingw32-gcc")
    root = Path(tempfile.mkdtemp(prefix="wcow-chaos-"))
    try:
        root.chmod(0o711)
        (root / "engine").mkdir()
        template(root / "engine" / "sandbox")
        chaos = Chaos(root / "engine", image(root / "image", compiler), seed)
        _first_image(chaos)
        yield chaos
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _first_image(chaos: Chaos) -> None:
    engine, client = chaos._start()
    try:
        chaos._load(client, chaos.random)
    finally:
        client.close()
        engine.kill()
        engine.wait(10)


def kills(count: int, seed: int, say: Callable[[str], None] = lambda line: None) -> None:
    """Kill an engine so often; the first thing that is wrong is raised."""
    with place(seed) as chaos:
        for number in range(1, count + 1):
            chaos.round()
            say(f"{number} of {count}: {chaos.done} acts done, {len(chaos.known.containers)} containers, "
                f"{len(chaos.known.images)} images")
        chaos.end()
        assert chaos.done >= count, "the engine was given nothing to do"
