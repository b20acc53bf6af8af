# SPDX-License-Identifier: Apache-2.0
"""``docker build`` by the classic builder's call, as the engine sees it: a process that builds (:mod:`.process`),
served with images and containers for its RUN, and told of to the client.

Bases are pulled into the engine as the Windows engine picks them, and stay there, as with Docker.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from ...builder.cache.cache import RunLayer
from ...builder.run.downloads import Downloads
from ...dockerapi import faults, shapes
from ...dockerapi.duration import moment_text
from ...dockerapi.jsonlines import Message, message
from ...dockerapi.shape import from_json
from ...errors import Interrupted, StoreError, WcowError
from ...oci import Descriptor, Digest, Platform, Reference
from ...stores import Credentials, LayoutStore
from ...stores.layout.collect import collect
from ...stores.transfer import copy_blob
from ..images.collection import Images
from ..images.commit import step_layers
from ..images.layers import unread_layers
from ..images.names import short
from ..images.store import Kept
from ..images.transfer.archive import scratch
from ..images.transfer.pull import Wanted, pulled
from ..images.transfer.stream import Say
from .channel import Channel, Ended, fault_of, told
from .run import StepCall, StepLimits, StepRunner, Work

_START = ("import json, sys; sys.path[:] = json.loads(sys.argv[1]); import importlib; "
          "importlib.import_module(sys.argv[2]).main(*map(int, sys.argv[3:]))")
_SAID = 4096
"""Bytes of what a process said that ended without a word to us: its last lines."""
Execute = Callable[[StepCall, Say, Work], None]
"""Runs a command to its end."""
END_SECONDS = 10.0
"""How long a process may take to end after its last word."""


@dataclass(frozen=True, slots=True)
class BuildCall:
    """One call. ``request`` are the fields of a :class:`~...builder.BuildRequest`; ``names`` are what the image is
    called then; bases are pulled as ``credentials``. ``platform`` is what the client asked for; ``quiet`` says only
    the id; ``limits`` are of every RUN."""

    request: dict[str, Any]
    names: tuple[Reference, ...]
    credentials: Credentials
    platform: Platform | None = None
    quiet: bool = False
    limits: StepLimits = field(default_factory=StepLimits)


class BuildProcess:
    """The process of one build. :meth:`run` is called once, in a thread; :meth:`cancel` from any thread at any time.

    ``runner`` executes RUN; without one a Dockerfile that has one is refused.
    """

    def __init__(self, context: BinaryIO, runner: StepRunner | None = None) -> None:
        self._context = context
        self._runner = runner
        self._step: Future[None] | None = None
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._cancelled = False
        self._failed: BaseException | None = None

    def cancel(self, error: BaseException | None = None) -> None:
        """End the build, whatever it does. ``error`` is why, where the client is still there to hear it."""
        with self._lock:
            self._failed = self._failed or error
            self._cancelled = True
            self._kill()
            if self._step is not None:
                self._step.cancel()

    def run(self, images: Images, call: BuildCall, tools: Downloads, say: Say) -> None:
        """Build an image and keep it under its names; the last lines say its id."""
        with self._context, images.building.taken(lambda: self._cancelled, lambda: _tell_of_wait(images, call, say)), \
                scratch(images) as folder, images.shelf.writing() as store:
            said = folder / "said"
            try:
                talk = self._begin(images, folder, said)
                try:
                    talk.send(build=_document(images, call, tools))
                    kept = _Served(images, call, tools, store, talk, say, self._executed).until_kept()
                finally:
                    talk.close()
                    self._end()
            except BaseException as error:
                with suppress(WcowError):
                    collect(images.shelf.store, only=())  # what it was writing when it was killed
                if self._failed is not None:
                    raise self._failed from error
                if self._cancelled:
                    raise Interrupted("the build was cancelled") from error
                if isinstance(error, Ended):
                    raise self._died(images, said) from error
                raise
        _finish(images, call, kept, say)

    def _executed(self, call: StepCall, say: Say, commit: Work) -> None:
        """Run a step to its end; Interrupted when the build is cancelled."""
        if self._runner is None:
            raise faults.NotImplemented("this engine starts no program")
        with self._lock:
            if self._cancelled:
                raise Interrupted("the build was cancelled")
            self._step = step = self._runner.begin(call, say, commit)
        try:
            step.result()
        except CancelledError as error:
            raise Interrupted("the build was cancelled") from error
        finally:
            with self._lock:
                self._step = None

    def _begin(self, images: Images, folder: Path, said: Path) -> Channel:
        ours, theirs = socket.socketpair()
        environment = {**os.environ, "TMPDIR": str(folder), "MALLOC_ARENA_MAX": "2"}
        package = __package__ or ""
        places = [*filter(None, sys.path), str(Path(__file__).parents[package.count(".") + 1])]
        command = [sys.executable, "-I", "-S", "-c", _START, json.dumps(places), f"{package}.process",
                   str(theirs.fileno()), str(os.getpid()), str(images.settings.build_memory)]
        with self._lock, theirs, self._context, said.open("wb") as out:
            if self._cancelled:
                ours.close()
                raise Interrupted("the build was cancelled")
            try:
                self._process = subprocess.Popen(command, stdin=self._context, stdout=out, stderr=out, cwd="/",
                                                 env=environment, pass_fds=[theirs.fileno()], start_new_session=True)
            except OSError as error:
                ours.close()
                raise StoreError("cannot start a build", why=error.strerror or str(error)) from error
        return Channel(ours)

    def _kill(self) -> None:
        """The process and what it started (git); held by the lock, so that its number is still its own."""
        if self._process is not None and self._process.returncode is None:
            with suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _end(self) -> None:
        """Its channel is closed: it ends by itself at its next word, and is killed if it has none."""
        process = self._process
        assert process is not None
        late = threading.Timer(END_SECONDS, self.cancel)
        late.daemon = True
        late.start()
        try:
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it stays ours until the lock is held
        finally:
            late.cancel()
        with self._lock:
            self._kill()
            process.wait()

    def _died(self, images: Images, said: Path) -> faults.Fault:
        process = self._process
        code = process.returncode if process is not None else None
        lines = said.read_bytes()[-_SAID:].decode("utf-8", "replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        if code == -signal.SIGKILL or "MemoryError" in last:
            from .process import no_memory

            return faults.Internal(no_memory(images.settings.build_memory))
        return faults.Internal(f"the build's process ended ({code}): {last or 'it said nothing'}")


def _tell_of_wait(images: Images, call: BuildCall, say: Say) -> None:
    if not call.quiet:
        say(Message(stream=f"Waiting for another build to end: {images.building.most} work at once\n"))


class _Served:
    """Answers what the process of a build asks."""

    def __init__(self, images: Images, call: BuildCall, tools: Downloads, store: LayoutStore, talk: Channel, say: Say,
                 execute: Execute) -> None:
        self._images = images
        self._tools = tools
        self._execute = execute
        self._call = call
        self._store = store
        self._talk = talk
        self._say = say
        self._built: Descriptor | None = None
        self._parent = ""

    def until_kept(self) -> Kept:
        """Serve until the image is kept. Raises the fault that the build ended with, Ended when it ended without."""
        while True:
            asked = self._talk.receive()
            if "say" in asked:
                self._say(message(asked["say"]))
                continue
            if "fault" in asked:
                raise fault_of(asked["fault"])
            if "run" in asked:  # a command that fails ends the build with moby's words
                self._talk.send(layers=self._run(asked["run"]))
                continue
            try:
                answer, kept = self._answer(asked)
            except WcowError as error:
                answer, kept = {"fault": told(error)}, None
            self._talk.send(**answer)
            if kept is not None:
                return kept

    def _answer(self, asked: dict[str, Any]) -> tuple[dict[str, Any], Kept | None]:
        images = self._images
        if "find" in asked:
            kept = self._find(str(asked["find"]), bool(asked["pull"]))
            return {"id": str(kept.id), "descriptor": kept.descriptor.to_json()}, None
        if "blob" in asked:
            copy_blob(images.shelf.store, self._store, Descriptor.from_json(asked["blob"]))
            return {}, None
        if "built" in asked:
            self._built, self._parent = Descriptor.from_json(asked["built"]), str(asked["parent"])
            return {"check": unread_layers(images.shelf, images.shelf.load(self._built, self._store))}, None
        assert self._built is not None
        images.shelf.note_sizes({Digest.parse(name): int(size) for name, size in asked["sizes"].items()})
        kept = images.shelf.keep(self._store, self._built, self._call.names, parent=self._parent,
                                 moment=moment_text(time.time_ns()))
        return {"id": str(kept.id)}, kept

    def _run(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        """Execute a RUN over an image that the process has written, and return the layers that it added."""
        shelf, made, say = self._images.shelf, list[RunLayer](), _unheard if self._call.quiet else self._say
        kept = shelf.keep(self._store, Descriptor.from_json(asked["image"]))
        shown = {str(path): shelf.keep(self._store, Descriptor.from_json(image))
                 for path, image in asked["folders"].items()}
        try:
            with self._tools.serve(alone="none" in (asked["network"], self._call.limits.network)) as proxy:
                call = StepCall(str(kept.id), tuple(asked["words"]), bool(asked["escaped"]), tuple(asked["variables"]),
                                str(asked["network"]), self._call.limits,
                                None if proxy is None else (proxy.path, proxy.certificate),
                                tuple(from_json(shapes.Mount, one) for one in asked["mounts"]),
                                {path: str(one.id) for path, one in shown.items()})
                try:
                    self._execute(call, say,
                                  lambda source: made.extend(step_layers(self._images, source, self._store)))
                finally:
                    for text in proxy.problems if proxy is not None else ():
                        say(Message(stream=f"[Warning] {text}\n"))
        finally:
            for one in {one.id: one for one in (kept, *shown.values())}.values():
                shelf.remove(one)
        return [{"position": one.position, "descriptor": one.descriptor.to_json(), "diff_id": str(one.diff_id)}
                for one in made]

    def _find(self, name: str, pull: bool) -> Kept:
        try:
            if pull:
                raise faults.NotFound(name)
            return self._images.get(name)
        except faults.NotFound:  # not here: it is pulled
            wanted = Wanted(Reference.parse(name), self._call.credentials, self._call.platform)
            return pulled(self._images, wanted, _unheard if self._call.quiet else self._say)


def _document(images: Images, call: BuildCall, tools: Downloads) -> dict[str, Any]:
    return {"images": str(images.shelf.path), "cache": str(images.cache), "request": call.request,
            "quiet": call.quiet, "downloads": tools.to_json()}


def _finish(images: Images, call: BuildCall, kept: Kept, say: Say) -> None:
    tell = _unheard if call.quiet else say
    tell(Message(aux={"ID": str(kept.id)}))
    tell(Message(stream=f"Successfully built {short(kept.id)}\n"))
    for name in call.names:
        images.tell_of("tag", kept, name.familiar)
        tell(Message(stream=f"Successfully tagged {name.familiar}\n"))
    if call.quiet:
        say(Message(stream=f"{kept.id}\n"))


def _unheard(message: Message) -> None:
    """Nobody listens."""


__all__ = ["BuildCall", "BuildProcess"]
