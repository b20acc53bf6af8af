# SPDX-License-Identifier: Apache-2.0
"""Wait until a container is ready: by its log, a port, an HTTP answer, a file, its health, its exit, a program, a name.

::

    box.wait_for(ForLog("listening on"))
    box.wait_for(ForHttp(8080, "/health"), timeout=60)
    box.wait_for("listening on")            # a text is a log's, a number a port

Everything is asked from outside: a HEALTHCHECK by PowerShell takes a processor's time in Windows (moby/moby#33096).
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import DaemonError, UsageError, quoted
from .deadline import Deadline, DeadlineError

if TYPE_CHECKING:
    from .container import Container

WAIT_SECONDS = 60.0
FIRST_PAUSE, LONGEST_PAUSE = 0.01, 0.5
CONNECT_SECONDS = 2.0
SHOWN_LINES = 20


class Strategy(Protocol):
    """What is waited for. ``ready`` is asked again and again and raises nothing that passes; ``str()`` names it."""

    def ready(self, container: Container) -> bool:
        """Whether it is so now."""


@dataclass(frozen=True)
class ForLog:
    """A line of its own output that matches a regular expression, ``times`` times."""

    pattern: str
    times: int = 1

    def ready(self, container: Container) -> bool:
        return len(re.findall(self.pattern, container.logs(tail=5000), re.MULTILINE)) >= self.times

    def __str__(self) -> str:
        return f"a log that matches {quoted(self.pattern)}" + (f" {self.times} times" if self.times > 1 else "")


@dataclass(frozen=True)
class ForPort:
    """A published port that takes connections."""

    port: int

    def ready(self, container: Container) -> bool:
        return container.reachable(self.port) is not None

    def __str__(self) -> str:
        return f"port {self.port}"


@dataclass(frozen=True)
class ForHttp:
    """An HTTP answer with one of these status codes (default: any below 400)."""

    port: int
    path: str = "/"
    status: tuple[int, ...] = ()
    scheme: str = "http"

    def ready(self, container: Container) -> bool:
        import http.client
        import ssl

        if (place := container.reachable(self.port)) is None:
            return False
        if self.scheme == "https":
            made: http.client.HTTPConnection = http.client.HTTPSConnection(
                *place, timeout=CONNECT_SECONDS, context=ssl._create_unverified_context())  # a test's own certificate
        else:
            made = http.client.HTTPConnection(*place, timeout=CONNECT_SECONDS)
        try:
            made.request("GET", self.path)
            code = made.getresponse().status
        except (OSError, http.client.HTTPException):
            # not ready yet: the caller asks until its deadline, and says so then
            return False
        finally:
            made.close()
        return code in self.status if self.status else code < 400

    def __str__(self) -> str:
        return f"an answer on port {self.port} to GET {self.path}"


@dataclass(frozen=True)
class ForFile:
    """A file or folder that is there."""

    path: str

    def ready(self, container: Container) -> bool:
        return container.path(self.path).exists()

    def __str__(self) -> str:
        return f"the file {self.path}"


@dataclass(frozen=True)
class ForHealthy:
    """The image's own HEALTHCHECK that says ``healthy``."""

    def ready(self, container: Container) -> bool:
        health = container.inspect().state.health
        if health is None or health.status in ("", "none"):
            raise UsageError("cannot wait for a healthy container", why="its image has no HEALTHCHECK",
                             hint="wait for a port, a log or a file")
        return health.status == "healthy"

    def __str__(self) -> str:
        return "a healthy container"


@dataclass(frozen=True)
class ForExit:
    """Its end; with ``code`` another code is an error."""

    code: int | None = None
    ends: bool = field(default=True, init=False)

    def ready(self, container: Container) -> bool:
        state = container.inspect().state
        if state.running or state.status == "created":
            return False
        if self.code is not None and state.exit_code != self.code:
            raise DaemonError(f"the container ended with {state.exit_code}, not with {self.code}", status=0,
                              why=last_words(container))
        return True

    def __str__(self) -> str:
        return "its end" if self.code is None else f"its end with {self.code}"


@dataclass(frozen=True)
class ForExec:
    """A program in it that ends with ``code``. Its words, or a line of cmd."""

    command: str | tuple[str, ...]
    code: int = 0

    def ready(self, container: Container) -> bool:
        run = container.cmd if isinstance(self.command, str) else container.run
        return run(self.command, timeout=30).exit_code == self.code  # type: ignore[arg-type]

    def __str__(self) -> str:
        words = self.command if isinstance(self.command, str) else " ".join(self.command)
        return f"{quoted(words)} that ends with {self.code}"


@dataclass(frozen=True)
class ForDns:
    """A name that can be looked up in it; just after a start Windows' containers cannot (microsoft/hcsshim#150)."""

    name: str

    def ready(self, container: Container) -> bool:
        said = container.run(["ping", "-n", "1", "-w", "1", self.name], timeout=30)
        return "could not find host" not in said.stdout and not said.stdout.startswith("Unable")

    def __str__(self) -> str:
        return f"the name {self.name}"


@dataclass(frozen=True)
class ForCall:
    """A function of the container that returns something true."""

    function: Callable[[Any], object]

    def ready(self, container: Container) -> bool:
        return bool(self.function(container))

    def __str__(self) -> str:
        return getattr(self.function, "__name__", repr(self.function))


Wanted = Strategy | str | int | Callable[[Any], object]


def strategy_of(wanted: Wanted) -> Strategy:
    """The strategy that a text (a log), a number (a port) or a function stands for."""
    if isinstance(wanted, str):
        return ForLog(wanted)
    if isinstance(wanted, int):
        return ForPort(wanted)
    if hasattr(wanted, "ready"):
        return wanted
    if callable(wanted):
        return ForCall(wanted)
    raise UsageError(f"cannot wait for {quoted(wanted)}", hint="a strategy, the text of a log, a port, or a function")


def wait_for(container: Container, wanted: Sequence[Wanted], seconds: float = WAIT_SECONDS) -> None:
    """Wait until all of it is so, in this order.

    Raises DeadlineError when that takes longer, and DaemonError as soon as the container has ended, each with the last
    lines of its log.
    """
    deadline = Deadline(seconds)
    for one in wanted:
        _wait(container, strategy_of(one), deadline)


def last_words(container: Container) -> str:
    """The last lines of a container's log."""
    lines = container.logs(tail=SHOWN_LINES).strip().splitlines()[-SHOWN_LINES:]
    return "its last lines:\n" + "\n".join(lines) if lines else "it printed nothing"


def _wait(container: Container, strategy: Strategy, deadline: Deadline) -> None:
    pause = FIRST_PAUSE
    while not strategy.ready(container):
        if not getattr(strategy, "ends", False):
            container.expect_running(f"it ended while {strategy} was waited for")
        if deadline.over:
            raise DeadlineError(f"the container is not ready: {strategy} was waited for", deadline.seconds,
                                why=f"not within {deadline.seconds:g} s; {last_words(container)}",
                                hint="timeout=SECONDS gives it longer")
        time.sleep(min(pause, deadline.left))
        pause = min(pause * 1.6, LONGEST_PAUSE)


def connects(host: str, port: int, seconds: float = CONNECT_SECONDS) -> bool:
    """Whether something takes a TCP connection there, and does not close it at once.

    A forwarder takes connections for a server that does not listen yet, and closes them then.
    """
    try:
        with socket.create_connection((host, port), seconds) as made:
            made.settimeout(0.05)
            try:
                return made.recv(1) != b""
            except TimeoutError:
                return True
    except OSError:
        return False
