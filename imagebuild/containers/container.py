# SPDX-License-Identifier: Apache-2.0
"""A container that runs, and what can be done in it."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path, PureWindowsPath
from typing import TypedDict, Unpack

from ..dockerapi import Client, shapes, streams
from ..errors import DaemonError, NotFoundError, UsageError
from ..windows import output
from . import lifecycle, wait
from .deadline import Deadline
from .inside import execute
from .inside.environ import Environ
from .inside.execute import Ways, cmd_words
from .inside.outcome import CMD, Decode, Outcome, exit_words
from .inside.path import ContainerPath
from .inside.powershell import ScriptOutcome, Session, expect_powershell
from .inside.processes import ProcessRow, processes
from .inside.registry import Registry
from .inside.services import Services
from .mounts import copy
from .mounts.home import LOOPBACK, Home
from .spec import Spec
from .start import Starts, start_container

LOG_MOST = 64 << 20
LOG_SECONDS = 60.0
COMMIT_SECONDS = 1800.0


class Options(TypedDict, total=False):
    """How a program is run: see :class:`~.inside.execute.Ways`."""

    environ: Mapping[str, str] | None
    workdir: str
    user: str
    stdin: bytes
    tty: bool
    timeout: float


class Container:
    """A container of any engine: :func:`run_container` makes one, and one that exists is taken by its id."""

    def __init__(self, client: Client, identifier: str, spec: Spec, home: Home | None = None) -> None:
        self.client = client
        self.id = identifier
        self.spec = spec
        self.home = home or Home()
        self._session: Session | None = None
        self._opening = threading.Lock()
        self.decode: Decode = output.decode  #: makes a text of what its programs print

    def __repr__(self) -> str:
        return f"<Container {self.id[:12]} {self.spec}>"

    # --- programs

    def run(self, argv: Sequence[str], **options: Unpack[Options]) -> Outcome:
        """Run a program by its words, and wait for its end. Raises DeadlineError after ``timeout`` seconds."""
        return execute.run_program(self.client, self.id, argv, Ways(**options), decode=self.decode)

    def cmd(self, text: str, **options: Unpack[Options]) -> Outcome:
        """Run a line of ``cmd``, as if it were typed there: ``cmd('echo "a" & dir C:\\')``."""
        argv, environ = cmd_words(text)
        if environ:
            options["environ"] = {**(options.get("environ") or {}), **environ}
        return execute.run_program(self.client, self.id, argv, Ways(**options), decode=self.decode, shown=(*CMD, text))

    def cmd_path(self, template: str, path: str, *, unicode: bool = False, **options: Unpack[Options]) -> Outcome:
        """Run a line of ``cmd`` with a path in place of each ``{}``, whatever is in the path."""
        argv, environ = execute.cmd_path_words(template, path, unicode=unicode)
        if environ:
            options["environ"] = environ
        return self.run(argv, **options)

    def powershell(self, text: str, *, timeout: float = execute.RUN_SECONDS) -> ScriptOutcome:
        """Run a script of PowerShell, in a scope of its own, in a PowerShell that stays open for the next one.

        Its outcome has the output, ``errors`` as records and ``objects`` as Python values. Raises UnsupportedError
        where there is no PowerShell, as in nanoserver.
        """
        with self._opening:
            if self._session is None or not self._session.open:
                self._session = Session(self.client, self.id)
            session = self._session
        found = session.run(text, timeout)
        expect_powershell(found, self.spec.image, embedded=self.home.embedded)
        return found

    # --- files, registry, services, processes

    def path(self, path: str | PureWindowsPath) -> ContainerPath:
        r"""A file or folder in it: ``box.path(r"C:\app\a.txt").read_text()``."""
        return ContainerPath(self, path)

    def copy_in(self, source: Path | str, target: str) -> None:
        """Copy a file, or what is in a folder, of this machine to a path in it."""
        copy.copy_in(self, Path(source), target)

    def copy_out(self, source: str, target: Path | str) -> None:
        """Copy a file or a folder of it to this machine; ``target`` is the copy's own name."""
        copy.copy_out(self, source, Path(target))

    @property
    def registry(self) -> Registry:
        r"""Its registry, as its programs see it now: ``box.registry[r"HKLM\Software\App"]["Version"]``."""
        return Registry(self)

    @property
    def services(self) -> Services:
        """Its services by name."""
        return Services(self)

    @property
    def environ(self) -> Environ:
        """The variables that a new program in it sees; names are found in any case."""
        return Environ.of_set(self.run(["cmd", "/u", "/d", "/c", "set"]).check().raw.stdout
                              .decode("utf-16-le", "replace"))

    def top(self) -> tuple[ProcessRow, ...]:
        """Its processes; on the embedded engine each with the job object that holds it."""
        return processes(self.client, self.id, jobs=self.home.embedded)

    def changes(self) -> tuple[shapes.Change, ...]:
        """What its programs changed in the files of its image."""
        found = self.client.json("GET", f"/containers/{self.id}/changes") or []
        return tuple(shapes.from_json(shapes.Change, one) for one in found)

    def commit(self, name: str, *, changes: Sequence[str] = ()) -> str:
        """Make an image of it, named ``name``; Windows does so only while it does not run. Returns the image's id."""
        repository, _colon, tag = name.rpartition(":") if ":" in name.rpartition("/")[2] else (name, "", "")
        return self.client.json("POST", "/commit", shape=shapes.Id, body=shapes.Config(),
                                query={"container": self.id, "repo": repository, "tag": tag or None,
                                       "changes": list(changes) or None}, deadline=COMMIT_SECONDS).id

    # --- what is known of it

    def inspect(self) -> shapes.Inspect:
        """What the engine knows of it now."""
        return lifecycle.inspect(self.client, self.id)

    @cached_property
    def name(self) -> str:
        """Its name at the engine."""
        return self.inspect().name.removeprefix("/")

    @cached_property
    def mounts(self) -> tuple[shapes.MountPoint, ...]:
        """Its mounts; they stay as they were made."""
        return self.inspect().mounts

    @cached_property
    def hyperv(self) -> bool:
        """Whether it has a virtual machine of its own."""
        return self.inspect().host_config.isolation == "hyperv"

    @property
    def exit_code(self) -> int | None:
        """The code with which its own program ended, ``None`` while it runs."""
        state = self.inspect().state
        return None if state.running else state.exit_code & 0xFFFF_FFFF

    def logs(self, *, tail: int | None = None) -> str:
        """What its own program printed so far (``tail``: the last lines), both streams in the order they came in."""
        return self.decode(self.raw_logs(tail=tail))

    def raw_logs(self, *, tail: int | None = None) -> bytes:
        """The same as it came. Raises DaemonError for a log of more than 64 MB, or one that grows without an end."""
        asked = {"stdout": True, "stderr": True, "tail": tail}
        with self.client.call("GET", f"/containers/{self.id}/logs", query=asked) as answer, \
                Deadline(LOG_SECONDS).closing(answer, "the log has no end"):
            pieces = ((streams.STDOUT, part) for part in answer) if self.spec.tty else streams.separate(answer)
            return b"".join(data for _unused, data in execute.no_more_than(LOG_MOST, pieces, "the container"))

    # --- ports and readiness

    @property
    def ports(self) -> dict[int, tuple[str, int]]:
        """Where its published TCP ports are: ``{80: ("127.0.0.1", 49153)}``."""
        found = {}
        for key, bindings in (self.inspect().network_settings.ports or {}).items():
            number, _slash, protocol = key.partition("/")
            for one in bindings or ():
                if protocol == "tcp" and one.host_port:
                    anywhere = one.host_ip in ("", "0.0.0.0", "::") or not self.home.local
                    found[int(number)] = (self.home.host if anywhere else one.host_ip, int(one.host_port))
        return found

    def reachable(self, port: int) -> tuple[str, int] | None:
        """The host and port by which one of its ports takes connections now, ``None`` while it takes none.

        A published port comes first. Some hosts do not publish to themselves (docker/for-win#458), so on a Windows
        engine of this machine the container's own address is the second. Addresses of the embedded engine's containers
        are not this machine's: behind the same ones another host may answer here.
        """
        found = self.ports.get(port)
        if found is None and self.spec.ports:
            raise UsageError(f"port {port} is not published", hint=f"publish it: container_factory(ports=[{port}])")
        if found is not None and wait.connects(*found):
            return found
        if self.home.local and not self.home.embedded:
            for network in (self.inspect().network_settings.networks or {}).values():
                if network.ip_address and wait.connects(network.ip_address, port):
                    return network.ip_address, port
        return None

    def url(self, port: int, path: str = "/", *, scheme: str = "http") -> str:
        """The address of a published port: ``http://127.0.0.1:49153/``."""
        host, outer = self.reachable(port) or self.ports.get(port) or (LOOPBACK, 0)
        if not outer:
            raise UsageError(f"port {port} is not published", hint=f"publish it: container_factory(ports=[{port}])")
        return f"{scheme}://{host}:{outer}/{path.lstrip('/')}"

    def wait_for(self, *wanted: wait.Wanted, timeout: float = wait.WAIT_SECONDS) -> Container:
        """Wait until it is ready, and return it: a text of its log, a port, a strategy, a function of it."""
        wait.wait_for(self, wanted, timeout)
        return self

    def expect_running(self, what: str = "it does not run") -> None:
        """Raise DaemonError, with its exit code and its last lines, when it does not run."""
        try:
            state = self.inspect().state
        except NotFoundError:
            raise DaemonError(f"the container {self.id[:12]} is gone", status=404, why=what) from None
        if not state.running:
            raise DaemonError(f"the container ended with {exit_words(state.exit_code & 0xFFFF_FFFF)}", status=0,
                              why=f"{what}; {wait.last_words(self)}")

    # --- its end

    def stop(self, seconds: int = lifecycle.STOP_SECONDS) -> None:
        """Stop it, and wait until it has ended."""
        lifecycle.stop(self.client, self.id, seconds=seconds)

    def start(self, starts: Starts | None = None) -> None:
        """Start it, for the first time or again after a stop; ``starts`` says how many start at a time."""
        start_container(self.client, self.id, starts=starts)

    def close(self) -> None:
        """End the PowerShell that is open in it. It runs on itself."""
        if self._session is not None:
            self._session.close()

    def remove(self) -> lifecycle.Leftover | None:
        """Stop and remove it. Returns what could not be removed."""
        return lifecycle.remove(self.client, self.id)


def create_container(client: Client, spec: Spec, home: Home | None = None) -> Container:
    """Create a container; it does not run yet."""
    return Container(client, lifecycle.create(client, spec).id, spec, home)


def run_container(client: Client, spec: Spec, home: Home | None = None, starts: Starts | None = None) -> Container:
    """Create and start a container. One that cannot be started is removed before the error is raised."""
    made = create_container(client, spec, home)
    try:
        made.start(starts)
    except BaseException:
        lifecycle.remove(client, made.id)
        raise
    return made
