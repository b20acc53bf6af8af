# SPDX-License-Identifier: Apache-2.0
"""The ways to start a program in a container, by the real ``docker``, and what is expected of it."""

from __future__ import annotations

import contextlib
import re
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import ClassVar, Protocol

from ..engine import Engine
from .outcome import Outcome, plain, told

NAMES = ("no terminal", "pipes", "terminal", "server", "killed")
"""The names of the ways, as columns."""
SECONDS = 120
"""What one start may take; a busy machine is slow."""


class Way(Protocol):
    """A start. ``name`` is its column in the page, ``line`` what the container runs."""

    name: ClassVar[str]
    line: tuple[str, ...]

    def start(self, engine: Engine, options: tuple[str, ...], image: str) -> str:
        """Start the program; what was not as expected, else nothing."""
        ...


def run(way: Way, engine: Engine, options: tuple[str, ...], image: str) -> Outcome:
    """Start a program in one way, and tell what became of it; what a failed assertion says, too."""
    try:
        said = way.start(engine, options, image)
    except AssertionError as error:
        said = str(error).splitlines()[0][-400:] if str(error) else "failed"
    return Outcome(way.name, " ".join(way.line), said)


@dataclass(frozen=True, slots=True)
class Plain:
    """No terminal and nothing typed: ``docker run IMAGE LINE``."""

    name: ClassVar[str] = "no terminal"
    line: tuple[str, ...]
    shows: str
    code: int = 0

    def start(self, engine: Engine, options: tuple[str, ...], image: str) -> str:
        done = engine.docker("run", "--rm", *options, image, *self.line, ok=False, timeout=SECONDS)
        return told(self.shows, self.code, done.stdout + done.stderr, done.returncode)


@dataclass(frozen=True, slots=True)
class Piped:
    """A pipe in and a pipe out: ``docker run -i IMAGE LINE``."""

    name: ClassVar[str] = "pipes"
    line: tuple[str, ...]
    given: str
    shows: str
    code: int = 0

    def start(self, engine: Engine, options: tuple[str, ...], image: str) -> str:
        done = engine.docker("run", "--rm", "-i", *options, image, *self.line, stdin=self.given.encode(), ok=False,
                             timeout=SECONDS)
        return told(self.shows, self.code, done.stdout + done.stderr, done.returncode)


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal: ``docker run -it IMAGE LINE``. ``typed`` has what is waited for on the screen, and what is typed
    then."""

    name: ClassVar[str] = "terminal"
    line: tuple[str, ...]
    shows: str
    typed: tuple[tuple[str, str], ...] = ()
    code: int = 0

    def start(self, engine: Engine, options: tuple[str, ...], image: str) -> str:
        seen = b""
        with engine.terminal("docker", "run", "--rm", "-it", *options, image, *self.line) as screen:
            for wanted, keys in self.typed:
                end, shown = time.monotonic() + SECONDS, len(seen)
                # Some programs write letter by letter, and the terminal moves its cursor between them.
                while wanted not in plain(seen[shown:].decode("utf-8", "replace")):
                    more = screen.read(end - time.monotonic())
                    if not more:
                        return told(wanted, self.code, seen.decode("utf-8", "replace"), "nothing")
                    seen += more
                screen.type(keys.encode())
            code = screen.wait(SECONDS)
            seen += screen.seen
        return told(self.shows, self.code, seen.decode("utf-8", "replace"), code)


@dataclass(frozen=True, slots=True)
class Server:
    """A server with a published port, asked from outside, then ``docker stop``: a program that ends by itself when it
    is asked to says ``ends`` and does not wait to be killed."""

    name: ClassVar[str] = "server"
    line: tuple[str, ...]
    answers: str
    path: str = "/"
    port: int = 8080
    ends: str = ""
    stdin: bool = False
    """Whether its input stays open (``-i``); else it is at its end at once."""

    def start(self, engine: Engine, options: tuple[str, ...], image: str) -> str:
        made = engine.docker("run", "-d", *_open(self.stdin), "-p", str(self.port), *options, image,
                             *self.line).stdout.strip()
        try:
            place = engine.docker("port", made, str(self.port)).stdout.strip().rpartition(":")[2]
            answer = ask(f"http://127.0.0.1:{place}{self.path}")
            if not re.search(self.answers, answer):
                return f"answered {answer[:200]!r}; {_last(engine, made)}"
            before = time.monotonic()
            engine.docker("stop", "-t", "30", made, timeout=SECONDS)
            if time.monotonic() - before > 30:
                return "docker stop had to kill it"
            if self.ends and not re.search(self.ends, _output(engine, made)):
                return f"did not say {self.ends!r} when it was stopped; {_last(engine, made)}"
            return ""
        finally:
            engine.docker("rm", "-f", made)


@dataclass(frozen=True, slots=True)
class Killed:
    """A program that goes on, killed with ``docker kill`` once it has said ``up``."""

    name: ClassVar[str] = "killed"
    line: tuple[str, ...]
    up: str = "up"
    stdin: bool = False

    def start(self, engine: Engine, options: tuple[str, ...], image: str) -> str:
        made = engine.docker("run", "-d", *_open(self.stdin), *options, image, *self.line).stdout.strip()
        try:
            end = time.monotonic() + SECONDS
            while not re.search(self.up, _output(engine, made)):
                state = engine.docker("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", made).stdout.strip()
                if not state.startswith("running") or time.monotonic() > end:
                    return f"did not say {self.up!r}, is {state}; {_last(engine, made)}"
                time.sleep(0.1)
            engine.docker("kill", made, timeout=SECONDS)
            code = engine.docker("wait", made, timeout=SECONDS).stdout.strip()
            return "" if code == "1067" else f"ended with {code} in place of 1067 (ERROR_PROCESS_ABORTED)"
        finally:
            engine.docker("rm", "-f", made)


def ask(url: str, seconds: float = SECONDS) -> str:
    """What a server answers, once it does."""
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return str(answer.read().decode("utf-8", "replace"))
        except urllib.error.HTTPError as error:
            with contextlib.closing(error):
                return f"{error.code} {error.read().decode('utf-8', 'replace')}"
        except OSError as error:
            assert time.monotonic() < end, f"no answer within {seconds:g} s: {error}"
            time.sleep(0.2)


def _open(stdin: bool) -> tuple[str, ...]:
    return ("-i",) if stdin else ()


def _output(engine: Engine, container: str) -> str:
    done = engine.docker("logs", container)
    return plain(done.stdout + done.stderr)


def _last(engine: Engine, container: str) -> str:
    lines = [line.strip() for line in _output(engine, container).splitlines() if line.strip()]
    return f"its last words: {lines[-1][-300:] if lines else 'nothing'}"
